"""Whether approvals fill the places that the settings ask for: N of M, from several groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """`count` people are needed: members of `team`, or anybody who may approve where there is none."""

    team: str | None
    count: int


def places(
    groups: Sequence[Place], approvers: Sequence[str], members: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    """Say which groups lack people, as people read it; empty when there is an assignment that fills all.

    One person never fills two places, and whoever fits several is put where the others do not fit.

    Args:
        groups: what is asked for.
        approvers: the logins whose approval counts.
        members: the logins in each team, by the team's name in `groups`.
    """
    people = sorted({login.lower() for login in approvers})
    # What is filled stays filled, so the places for anybody come last: they take who is left.
    seats = sorted(
        (i for i, g in enumerate(groups) for _ in range(g.count)), key=lambda i: not groups[i].team
    )
    fitting = [_fitting(group, people, members) for group in groups]
    holds: dict[str, int] = {}
    free = [seat for seat in range(len(seats)) if not _seated(seat, seats, fitting, holds, set())]
    return tuple(
        _said(group, missing)
        for i, group in enumerate(groups)
        if (missing := sum(seats[seat] == i for seat in free))
    )


def _fitting(group: Place, people: Sequence[str], members: Mapping[str, frozenset[str]]) -> list[str]:
    if group.team is None:
        return list(people)
    team = {login.lower() for login in members.get(group.team, ())}
    return [login for login in people if login in team]


def _seated(
    seat: int, seats: Sequence[int], fitting: Sequence[list[str]], holds: dict[str, int], asked: set[str]
) -> bool:
    """Find somebody for a place, moving others to another place of theirs (an augmenting path)."""
    for login in fitting[seats[seat]]:
        if login in asked:
            continue
        asked.add(login)
        if login not in holds or _seated(holds[login], seats, fitting, holds, asked):
            holds[login] = seat
            return True
    return False


def _said(group: Place, missing: int) -> str:
    return f"{group.count - missing} of {group.count} from {group.team or 'anybody who may approve'}"
