"""A push that writes over nothing: against real git over HTTP."""

import pytest
from hub_place import SLUG, Place

from sandbox.github.records import Protection
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.git_push import NotTaken, push
from tasks.systems.git_repo import Mirror

pytest_plugins = ["hub_fixtures"]

NAME, PUSH = "refs/heads/hotfix/1.3.1", f"/{SLUG}.git/git-receive-pack"


def tips() -> dict[str, str]:
    return Mirror(SLUG).fetch().branches()


def test_a_branch_is_made_once(place: Place) -> None:
    first = tips()["main"]
    other = place.commit("a.txt", "a")
    mirror = Mirror(SLUG).fetch()

    push(mirror, NAME, first, seen=None)

    assert tips()["hotfix/1.3.1"] == first
    with pytest.raises(NotTaken, match="stale info"):
        push(mirror, NAME, other, seen=None)
    assert tips()["hotfix/1.3.1"] == first


def test_the_mirror_knows_it_without_asking_again(place: Place) -> None:
    mirror = Mirror(SLUG).fetch()
    first, branch = mirror.branches()["main"], NAME.removeprefix("refs/heads/")

    push(mirror, NAME, first, seen=None)
    assert mirror.branches()[branch] == first

    with pytest.raises(NotTaken):
        push(mirror, NAME, place.commit("a.txt", "a"), seen=None)
    assert mirror.branches()[branch] == first, "what was not taken is not believed"

    push(mirror, NAME, "", seen=first)
    assert branch not in mirror.branches()


def test_a_branch_is_deleted_only_where_it_was_seen(place: Place) -> None:
    seen = tips()["main"]
    place.push("develop:hotfix/1.3.1")
    moved = place.commit("a.txt", "a")
    place.push("HEAD:refs/heads/hotfix/1.3.1")
    mirror = Mirror(SLUG).fetch()

    with pytest.raises(NotTaken):
        push(mirror, NAME, "", seen=seen)

    assert tips()["hotfix/1.3.1"] == moved
    push(mirror, NAME, "", seen=moved)
    assert "hotfix/1.3.1" not in tips()


def test_a_rule_that_forbids_it(place: Place) -> None:
    seen = tips()["main"]
    place.hub.protect(SLUG, "main", Protection())

    with pytest.raises(NotTaken) as stopped:
        push(Mirror(SLUG), "refs/heads/main", "", seen=seen)

    assert "refs/heads/*" in stopped.value.remedy


def test_a_token_that_may_not_write(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = tips()["main"]
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", place.token("oskar"))

    with pytest.raises(NeedsHuman, match="may not write"):
        push(Mirror(SLUG), NAME, commit, seen=None)


def test_no_answer(place: Place) -> None:
    commit = tips()["main"]
    place.arm("before", PUSH, method="POST", status=502)

    with pytest.raises(TryAgain):
        push(Mirror(SLUG), NAME, commit, seen=None)
