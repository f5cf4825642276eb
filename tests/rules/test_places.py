"""Whether approvals fill the places that the settings ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import patient

from tasks.rules.places import Place, places

PLATFORM, MANAGERS, ANYBODY = "data-platform", "release-managers", None
MEMBERS = {PLATFORM: frozenset({"ravi", "Rosa", "rita"}), MANAGERS: frozenset({"rita"})}


def groups(*asked: tuple[str | None, int]) -> list[Place]:
    return [Place(team, count) for team, count in asked]


ONE, TWO = groups((ANYBODY, 1)), groups((ANYBODY, 2))
BOTH = groups((PLATFORM, 1), (MANAGERS, 1))


@pytest.mark.parametrize(
    ("asked", "approvers", "missing"),
    [
        pytest.param([], [], (), id="nothing is asked for"),
        pytest.param(ONE, [], ("0 of 1 from anybody who may approve",), id="nobody"),
        pytest.param(ONE, ["ravi"], (), id="one of one"),
        pytest.param(TWO, ["ravi"], ("1 of 2 from anybody who may approve",), id="N-1 of N"),
        pytest.param(TWO, ["ravi", "RAVI"], ("1 of 2 from anybody who may approve",), id="one person twice"),
        pytest.param(TWO, ["ravi", "oskar", "rosa"], (), id="more than asked for"),
        pytest.param(groups((PLATFORM, 2)), ["ravi"], ("1 of 2 from data-platform",), id="N-1 of a team"),
        pytest.param(groups((PLATFORM, 1)), ["oskar"], ("0 of 1 from data-platform",), id="not a member"),
        pytest.param(groups((PLATFORM, 1)), ["ROSA"], (), id="logins know no capitals"),
        pytest.param(groups(("gone", 1)), ["ravi"], ("0 of 1 from gone",), id="a team without members"),
        pytest.param(BOTH, ["ravi", "rita"], (), id="one from each group"),
        pytest.param(BOTH, ["rita"], ("0 of 1 from release-managers",), id="one person in two groups"),
        pytest.param(BOTH, ["ravi", "rosa"], ("0 of 1 from release-managers",), id="two of the same group"),
        pytest.param(
            BOTH,
            [],
            ("0 of 1 from data-platform", "0 of 1 from release-managers"),
            id="both groups lack somebody",
        ),
        pytest.param(
            groups((ANYBODY, 1), (MANAGERS, 1)), ["rita", "oskar"], (), id="the manager is kept for managers"
        ),
        pytest.param(
            groups((ANYBODY, 1), (MANAGERS, 1)),
            ["rita"],
            ("0 of 1 from anybody who may approve",),
            id="and what lacks is said as it is easiest to find",
        ),
        pytest.param(groups((PLATFORM, 1), (PLATFORM, 1)), ["ravi", "rosa"], (), id="a team named twice"),
    ],
)
def test_what_is_missing(asked: list[Place], approvers: list[str], missing: tuple[str, ...]) -> None:
    assert places(asked, approvers, MEMBERS) == missing


PEOPLE = ["a", "b", "c", "d", "e"]
TEAMS = ["t", "u", "v"]


@patient
@given(
    asked=st.lists(st.builds(Place, st.sampled_from([*TEAMS, None]), st.integers(1, 2)), max_size=3),
    approvers=st.lists(st.sampled_from(PEOPLE), unique=True),
    members=st.fixed_dictionaries({team: st.frozensets(st.sampled_from(PEOPLE)) for team in TEAMS}),
)
def test_as_many_places_are_filled_as_can_be(
    asked: list[Place], approvers: list[str], members: dict[str, frozenset[str]]
) -> None:
    """Compared with trying everybody on every place."""
    seats = [group.team for group in asked for _ in range(group.count)]

    missing = places(asked, approvers, members)

    lacking = [text.split(" from ")[0].split(" of ") for text in missing]
    most = most_seated(seats, frozenset(approvers), members)
    assert sum(int(count) - int(filled) for filled, count in lacking) == len(seats) - most
    assert all(int(filled) < int(count) for filled, count in lacking)


def most_seated(seats: list[str | None], people: frozenset[str], members: dict[str, frozenset[str]]) -> int:
    if not seats:
        return 0
    team, rest = seats[0], seats[1:]
    fitting = people if team is None else people & members[team]
    tried = [1 + most_seated(rest, people - {login}, members) for login in fitting]
    return max([most_seated(rest, people, members), *tried])
