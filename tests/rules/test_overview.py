"""Which versions are unfinished, which one production runs, which may still go there."""

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.rules.overview import (
    Versions,
    finished,
    insist_on_going_up,
    insist_on_own_number,
    may_still_go,
    shipped,
    unfinished,
)
from tasks.rules.phases import Phase
from tasks.rules.versions import Version


def versions(text: str) -> frozenset[Version]:
    return frozenset(Version.parse(word) for word in text.split())


def words(found: list[Version]) -> str:
    return " ".join(map(str, found))


@pytest.mark.parametrize(
    ("shown", "to_look_up", "highest"),
    [
        pytest.param(Versions(versions(""), versions("")), "", None, id="nothing yet"),
        pytest.param(
            Versions(versions("1.3.0"), versions("")), "1.3.0", "1.3.0", id="the newest tag, always"
        ),
        pytest.param(
            Versions(versions("1.2.0 1.3.0"), versions("1.4.0")),
            "1.3.0 1.4.0",
            "1.4.0",
            id="what has a branch",
        ),
        pytest.param(
            Versions(versions("1.2.0 1.3.0 1.3.1"), versions(""), outside=versions("1.3.0")),
            "1.3.0 1.3.1",
            "1.3.1",
            id="what is not back in develop",
        ),
        pytest.param(
            Versions(versions("1.3.0"), versions(""), merged=versions("1.2.0 1.3.0 1.4.0")),
            "1.3.0 1.4.0",
            "1.4.0",
            id="what was merged, is not tagged yet, and whose branch is gone",
        ),
        pytest.param(
            Versions(versions("1.4.0"), versions(""), merged=versions("1.3.5 1.4.0")),
            "1.4.0",
            "1.4.0",
            id="not what was merged long ago and never tagged",
        ),
    ],
)
def test_what_may_be_unfinished(shown: Versions, to_look_up: str, highest: str | None) -> None:
    assert words(shown.to_look_up) == to_look_up
    assert str(shown.highest or "") == (highest or "")


def test_the_finished_one_is_the_highest_that_was_not_given_up() -> None:
    phases = {
        Version(1, 4, 0): Phase.BACK_MERGED,
        Version(1, 5, 0): Phase.BACK_MERGED,
        Version(1, 6, 0): Phase.TAGGED,
    }
    shown = Versions(versions("1.3.0 1.4.0 1.5.0 1.6.0"), versions(""))

    assert unfinished(phases) == [Version(1, 6, 0)]
    assert finished(shown, phases, lambda v: v == Version(1, 5, 0)) == Version(1, 4, 0)
    assert finished(Versions(versions(""), versions("")), {}, bool) is None


def test_production_runs_the_highest_published_one_that_was_not_given_up() -> None:
    published = versions("1.3.0 1.4.0 1.5.0")

    assert shipped(published, lambda v: v == Version(1, 5, 0)) == Version(1, 4, 0)
    assert shipped(published, lambda _: False, before=Version(1, 4, 0)) == Version(1, 3, 0)
    assert shipped(published, lambda _: True) is None


def test_only_later_releases_may_still_go_to_production() -> None:
    found = may_still_go(Version(1, 3, 1), versions("1.3.0 1.3.1 1.4.0 1.5.0 1.6.0"), versions("1.3.1 1.5.0"))

    assert words(found) == "1.4.0 1.6.0"


def test_versions_only_go_up() -> None:
    insist_on_going_up(Version(0, 1, 0), [], branch="release/0.1.0", develop="develop")
    insist_on_going_up(Version(1, 3, 0), versions("1.2.0 1.3.0"), branch="release/1.3.0", develop="develop")

    with pytest.raises(NeedsHuman) as caught:
        insist_on_going_up(Version(1, 3, 0), versions("1.3.1"), branch="release/1.3.0", develop="develop")

    assert caught.value.problem.startswith("1.3.1 is tagged already, and versions only go up")
    assert "`release/1.3.0` has beyond develop" in caught.value.remedy


@pytest.mark.parametrize(
    ("tagged", "branches", "problem"),
    [
        pytest.param("1.3.0", {"main"}, "", id="nobody has it"),
        pytest.param("1.3.0", {"main", "hotfix/1.3.1"}, "", id="our own branch is there"),
        pytest.param("1.3.0 1.3.1", {"main", "hotfix/1.3.1"}, "", id="our own tag, too"),
        pytest.param(
            "1.3.0", {"release/1.3.1"}, "release/1.3.1 has the number 1.3.1 already", id="a release"
        ),
        pytest.param("1.3.0", {"release/1.3.1", "hotfix/1.3.1"}, "release/1.3.1 has the", id="both branches"),
        pytest.param("1.3.0 1.3.1", {"main"}, "1.3.1 is tagged by now", id="one that is through already"),
    ],
)
def test_a_number_is_taken_once(tagged: str, branches: set[str], problem: str) -> None:
    def insist() -> None:
        version, names = Version(1, 3, 1), {"branch": "hotfix/1.3.1", "other": "release/1.3.1"}
        insist_on_own_number(version, versions(tagged), **names, branches=branches)

    if not problem:
        insist()
        return
    with pytest.raises(NeedsHuman) as caught:
        insist()
    assert caught.value.problem.startswith(problem)
