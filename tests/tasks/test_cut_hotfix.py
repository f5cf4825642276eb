"""The branch of a hotfix: pushed once, with what it is for noted before."""

import pytest
from fix_place import SLUG, FixPlace, plan

from tasks.cut import ensure_cut
from tasks.evidence import chain_of
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.fixes import noted_fix
from tasks.systems.git_repo import Mirror

pytest_plugins = ["fix_fixtures"]

PUSH = f"/{SLUG}.git/git-receive-pack"
BRANCH = "hotfix/1.3.1"


def test_it_is_pushed_and_what_it_is_for_is_noted(fixes: FixPlace) -> None:
    release = plan(fixes.fixed())

    candidate = ensure_cut.fn(release)

    assert fixes.tips()[BRANCH] == candidate.commit
    asked = chain_of(SLUG, "1.3.1").last("asked")
    assert asked is not None
    assert {name: asked.facts[name] for name in ("kind", "fix", "requested_by", "reason")} == {
        "kind": "hotfix",
        "fix": 1,
        "requested_by": "rita",
        "reason": "it cannot wait",
    }
    assert noted_fix(asked.facts) == release.fix


def test_a_second_run_writes_nothing(fixes: FixPlace) -> None:
    release = plan(fixes.fixed())
    first, before = ensure_cut.fn(release), fixes.place.asked(writes=True)

    assert ensure_cut.fn(release) == first
    assert ensure_cut.fn(plan(1)) == first

    after = [request for request in fixes.place.asked(writes=True) if "receive-pack" in request]
    assert after == [request for request in before if "receive-pack" in request]


@pytest.mark.parametrize(("nth", "status"), [(1, 502), (2, 0)], ids=["of what is noted", "of the branch"])
def test_a_lost_answer(fixes: FixPlace, nth: int, status: int) -> None:
    """The second try finds what the first has done: the same commits are the same branch."""
    release = plan(fixes.fixed())
    fixes.place.arm("after", PUSH, method="POST", nth=nth, status=status)

    try:
        ensure_cut.fn(release)
    except TryAgain:
        ensure_cut.fn(release)

    assert fixes.changed(BRANCH) == ["fixed"]
    assert [entry.kind for entry in chain_of(SLUG, "1.3.1").entries] == ["asked"]


def test_no_answer_is_not_absent(fixes: FixPlace) -> None:
    release = plan(fixes.fixed())
    fixes.place.arm("before", f"/{SLUG}.git/info/refs", times=50, status=502)

    with pytest.raises(TryAgain):
        ensure_cut.fn(release)

    assert BRANCH not in fixes.place.hub.hub.git(SLUG).branches()


def test_a_foreign_branch_of_that_name(fixes: FixPlace) -> None:
    """Somebody was faster with another fix: a stop, and it is not touched."""
    release = plan(fixes.fixed())
    foreign = fixes.commit(BRANCH, start="main", line=3)

    with pytest.raises(NeedsHuman, match=rf"{BRANCH} .*does not") as stopped:
        ensure_cut.fn(release)

    assert fixes.tips()[BRANCH] == foreign
    assert "rename or delete" in stopped.value.remedy


def test_one_that_appears_between_the_look_and_the_push(fixes: FixPlace) -> None:
    """The push takes nobody's branch away."""
    from tasks.cut_hotfix import create_hotfix

    release, mirror = plan(fixes.fixed()), Mirror(SLUG)
    foreign = fixes.commit(BRANCH, start="main", line=3)
    assert release.fix is not None

    with pytest.raises(NeedsHuman, match="does not hold #1"):
        create_hotfix(release, mirror, release.fix)

    assert fixes.tips()[BRANCH] == foreign
