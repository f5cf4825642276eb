"""Which version a start is about."""

import pytest

from tasks.rules.choice import Choice, Known, Wanted, choose
from tasks.rules.errors import NeedsHuman
from tasks.rules.versions import Bump, Version


def known(
    *, highest: str | None, finished: str | None, unfinished: tuple[str, ...] = (), news: bool = True
) -> Known:
    return Known(
        highest=_version(highest),
        finished=_version(finished),
        unfinished=[Version.parse(text) for text in unfinished],
        news=news,
    )


def wanted(text: str) -> Wanted:
    """`minor`, or an exact version."""
    return Wanted(None, Bump(text)) if text in set(Bump) else Wanted(Version.parse(text), Bump.AUTO)


def _version(text: str | None) -> Version | None:
    return Version.parse(text) if text else None


FRESH = known(highest="1.3.0", finished="1.3.0")
QUIET = known(highest="1.3.0", finished="1.3.0", news=False)
NOTHING_YET = known(highest=None, finished=None)
HOTFIX_OPEN = known(highest="1.3.1", finished="1.3.0")
MINOR_OPEN = known(highest="1.4.0", finished="1.3.0", unfinished=("1.4.0",))
MAJOR_OPEN = known(highest="2.0.0", finished="1.3.0", unfinished=("2.0.0",))
FIRST_OPEN = known(highest="0.1.0", finished=None, unfinished=("0.1.0",))
PATCH_BEHIND_HOTFIX = known(highest="1.3.2", finished="1.3.0", unfinished=("1.3.2",))
TWO_OPEN = known(highest="1.5.0", finished="1.3.0", unfinished=("1.4.0", "1.5.0"))


@pytest.mark.parametrize(
    ("asked", "state", "expected"),
    [
        pytest.param("minor", FRESH, "1.4.0", id="a new minor release"),
        pytest.param("major", FRESH, "2.0.0", id="a new major release"),
        pytest.param("patch", FRESH, "1.3.1", id="a new patch release"),
        pytest.param("auto", FRESH, "1.4.0", id="the commits say minor"),
        pytest.param("minor", NOTHING_YET, "0.1.0", id="the very first release"),
        pytest.param("1.0.0", NOTHING_YET, "1.0.0", id="the very first release, exactly"),
        pytest.param("1.7.0", FRESH, "1.7.0", id="an exact version may leave a gap"),
        pytest.param("patch", HOTFIX_OPEN, "1.3.2", id="a hotfix branch has taken a number"),
        pytest.param("minor", HOTFIX_OPEN, "1.4.0", id="a hotfix branch does not stop a release"),
        pytest.param("minor", MINOR_OPEN, "1.4.0", id="the same start again goes on"),
        pytest.param("auto", MINOR_OPEN, "1.4.0", id="auto goes on with what is unfinished"),
        pytest.param("1.4.0", MINOR_OPEN, "1.4.0", id="the exact version goes on"),
        pytest.param("auto", MAJOR_OPEN, "2.0.0", id="auto goes on although the commits say minor"),
        pytest.param("minor", FIRST_OPEN, "0.1.0", id="the first release goes on"),
        pytest.param("patch", PATCH_BEHIND_HOTFIX, "1.3.2", id="goes on although a hotfix took a number"),
        pytest.param("minor", TWO_OPEN, "1.4.0", id="the lower of two unfinished ones comes first"),
        pytest.param("1.5.0", TWO_OPEN, "1.5.0", id="unless the higher one is named"),
    ],
)
def test_a_version_to_release(asked: str, state: Known, expected: str) -> None:
    assert choose(wanted(asked), state, auto=Bump.MINOR) == Choice(Version.parse(expected))


@pytest.mark.parametrize("asked", ["auto", "minor", "major", "patch", "1.3.0"])
def test_a_finished_release_is_left_alone(asked: str) -> None:
    assert choose(wanted(asked), QUIET, auto=Bump.MINOR) == Choice(Version(1, 3, 0), already_released=True)


@pytest.mark.parametrize(("state", "left"), [(FRESH, False), (MINOR_OPEN, True)])
def test_what_was_given_up_only_goes_back(state: Known, left: bool) -> None:
    choice = choose(wanted("1.4.0"), state, auto=Bump.MINOR, over=True)

    assert choice == Choice(Version(1, 4, 0), already_released=not left)


def test_the_finished_version_is_left_alone_although_develop_went_on() -> None:
    assert choose(wanted("1.3.0"), FRESH, auto=Bump.MINOR).already_released


@pytest.mark.parametrize(
    ("asked", "state", "problem", "remedy"),
    [
        pytest.param(
            "major",
            MINOR_OPEN,
            "1.4.0 is not finished, and a major release",
            "version 1.4.0",
            id="other part",
        ),
        pytest.param(
            "1.5.0", MINOR_OPEN, "1.4.0 is not finished, and 1.5.0", "version 1.4.0", id="other version"
        ),
        pytest.param(
            "1.2.9", FRESH, "1.2.9 is not after 1.3.0", "after 1.3.0", id="older than what is released"
        ),
        pytest.param(
            "1.3.1", HOTFIX_OPEN, "1.3.1 is not after 1.3.1", "after 1.3.1", id="a hotfix's version"
        ),
        pytest.param("1.4.0", QUIET, "develop holds nothing", "merge what shall be released", id="no news"),
    ],
)
def test_a_start_that_conflicts_stops(asked: str, state: Known, problem: str, remedy: str) -> None:
    with pytest.raises(NeedsHuman) as stop:
        choose(wanted(asked), state, auto=Bump.MINOR)

    assert problem in stop.value.problem
    assert remedy in stop.value.remedy
