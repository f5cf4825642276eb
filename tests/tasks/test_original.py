"""The original pull request of a hotfix: told, closed, and its branch deleted only if nobody needs it any more."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fix_place import SLUG, FixPlace, plan

from sandbox.github.records import Protection
from tasks.cut import ensure_cut
from tasks.evidence import note
from tasks.original import ensure_original_told
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.release import Release

pytest_plugins = ["fix_fixtures"]

PUSH = f"/{SLUG}.git/git-receive-pack"


def shipped(fixes: FixPlace, number: int) -> Release:
    """The hotfix of a pull request is in production, without the steps between."""
    release = plan(number)
    ensure_cut.fn(release)
    own = fixes.pull(release.branch, "main")
    fixes.publish("1.3.1", fixes.merge(own))
    return release


def comments(fixes: FixPlace, number: int) -> list[str]:
    return [str(comment["body"]) for comment in fixes.api("GET", f"/issues/{number}/comments")]


def state(fixes: FixPlace, number: int) -> str:
    return str(fixes.api("GET", f"/pulls/{number}")["state"])


def test_it_is_told_closed_and_its_branch_is_gone(fixes: FixPlace) -> None:
    number = fixes.fixed()
    release = shipped(fixes, number)

    ensure_original_told.fn(release)

    (comment,) = comments(fixes, number)
    assert "[1.3.1]" in comment
    assert "by #2, asked for by @rita" in comment
    assert "The branch `fix` is deleted" in comment
    assert state(fixes, number) == "closed"
    assert "fix" not in fixes.tips()


def test_a_second_run_writes_nothing(fixes: FixPlace) -> None:
    """Also where somebody has restored the branch since."""
    number = fixes.fixed()
    release = shipped(fixes, number)
    ensure_original_told.fn(release)
    fixes.place.push("fix")
    before = fixes.place.asked(writes=True)

    ensure_original_told.fn(release)

    assert [r for r in fixes.place.asked(writes=True)[len(before) :] if "upload-pack" not in r] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", f"/repos/{SLUG}/issues/1/comments", 0),
        ("PATCH", f"/repos/{SLUG}/pulls/1", 502),
        ("POST", PUSH, 0),
    ],
)
def test_a_lost_answer_does_nothing_twice(fixes: FixPlace, method: str, path: str, status: int) -> None:
    release = shipped(fixes, fixes.fixed())
    fixes.place.arm("after", path, method=method, status=status)

    with pytest.raises(TryAgain):
        ensure_original_told.fn(release)
    ensure_original_told.fn(release)

    assert len(comments(fixes, 1)) == 1
    assert "The branch `fix` is deleted" in comments(fixes, 1)[0]
    assert state(fixes, 1) == "closed"
    assert "fix" not in fixes.tips()


def test_a_comment_of_somebody_else_that_looks_like_ours(fixes: FixPlace) -> None:
    number = fixes.fixed()
    release = shipped(fixes, number)
    fixes.api("POST", f"/issues/{number}/comments", body="<!-- dabflow-hotfix:acme/lakehouse@1.3.1 -->")

    ensure_original_told.fn(release)

    assert len(comments(fixes, number)) == 2


def test_a_refused_comment_is_a_stop(fixes: FixPlace) -> None:
    release = shipped(fixes, fixes.fixed())
    fixes.place.arm("refuse", f"/repos/{SLUG}/issues/1/comments", method="POST", status=403)

    with pytest.raises(NeedsHuman):
        ensure_original_told.fn(release)


def _used_as_base(fixes: FixPlace) -> None:
    fixes.commit("stacked", start="fix", line=15)
    fixes.pull("stacked", "fix")


def _went_on(fixes: FixPlace) -> None:
    fixes.commit(line=17, text="later")


KEPT: dict[str, tuple[Callable[[FixPlace], object], str]] = {
    "another pull request comes from it": (lambda f: f.pull("fix", "main"), "#3 uses it, too"),
    "another one aims at it": (_used_as_base, "#3 uses it, too"),
    "protected": (lambda f: f.place.hub.protect(SLUG, "fix", Protection()), "it is protected"),
    "somebody went on with it": (_went_on, "it has commits that 1.3.1 does not have"),
}


@pytest.mark.parametrize(("meanwhile", "why"), KEPT.values(), ids=KEPT)
def test_its_branch_is_kept(fixes: FixPlace, meanwhile: Callable[[FixPlace], object], why: str) -> None:
    number = fixes.fixed()
    release = shipped(fixes, number)
    meanwhile(fixes)

    ensure_original_told.fn(release)

    assert why in comments(fixes, number)[0]
    assert "fix" in fixes.tips()


def test_one_with_commits_that_the_hotfix_lacks_stays_open(fixes: FixPlace) -> None:
    number = fixes.fixed()
    release = shipped(fixes, number)
    later = fixes.commit(line=17, text="later")

    ensure_original_told.fn(release)

    assert state(fixes, number) == "open"
    assert (
        f"commits that 1.3.1 does not have ({later[:12]}), so it is left open" in comments(fixes, number)[0]
    )


def test_one_that_is_merged_already(fixes: FixPlace) -> None:
    """It is told, and its branch goes, too: develop and the hotfix have all of it."""
    number = fixes.fixed()
    fixes.merge(number, "squash")
    release = shipped(fixes, number)

    ensure_original_told.fn(release)

    assert "so this pull request is closed" not in comments(fixes, number)[0]
    assert "fix" not in fixes.tips()


def test_the_branch_of_a_fork_is_never_touched(fixes: FixPlace) -> None:
    fixes.commit()
    number = fixes.fork()
    release = shipped(fixes, number)

    ensure_original_told.fn(release)

    assert "The branch `oskar:fix` is kept: it is in a fork" in comments(fixes, number)[0]
    assert state(fixes, number) == "closed"
    assert "fix" in fixes.place.hub.hub.git("oskar/lakehouse").branches()


def test_what_did_not_stay_in_production_is_not_told(fixes: FixPlace) -> None:
    number = fixes.fixed()
    release = shipped(fixes, number)
    note(SLUG, "1.3.1", "withdrawn", {"to": "1.3.0", "by": "rita", "reason": "slow"})

    ensure_original_told.fn(release)

    assert (comments(fixes, number), state(fixes, number)) == ([], "open")


def test_a_branch_without_a_pull_request_is_left_alone(fixes: FixPlace) -> None:
    release = shipped(fixes, fixes.fixed())
    assert release.fix is not None

    ensure_original_told.fn(replace(release, fix=replace(release.fix, number=0)))

    assert "fix" in fixes.tips()
