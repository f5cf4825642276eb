"""Whether production is as the last release left it, and whether what would go there is newer.

An older version never overwrites a newer one, unless it is a rollback; and what somebody deployed by hand is
overwritten by nobody who does not know of it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from tasks.rules.errors import NeedsHuman

_SHA = 12


@dataclass(frozen=True)
class Recorded:
    """What GitHub's newest successful record of production says: which commit, and whether it was taken over by hand.

    An `adopted` commit may be overwritten by one that does not contain it: whoever adopted it said so, with a reason.
    """

    commit: str
    adopted: bool = False


@dataclass(frozen=True)
class Place:
    """A target as it is: the commit that its metadata names (None: nothing is deployed), and what is known of it.

    `known`: the commit is in the repository. `contained`: the candidate contains it. `half_way`: it is of another
    release, which stopped there. `difference` is what a deploy of the recorded commit would change back, in words;
    "" where that was not looked up.
    """

    target: str
    runs: str | None
    known: bool = True
    contained: bool = True
    half_way: bool = False
    difference: str = ""


def by_hand(place: Place, recorded: Recorded | None, ours: Collection[str]) -> bool:
    """Whether something runs there that neither the last release nor this one (`ours`) has deployed."""
    if recorded is None or place.half_way:
        return False
    return place.runs != recorded.commit and place.runs not in ours


def insist_on_order(place: Place, recorded: Recorded | None, ours: Collection[str], *, version: str) -> None:
    """Insist that a deploy of this release is the next one in order.

    Args:
        place: the target as it is.
        recorded: what GitHub's records say; None where nothing was released there yet.
        ours: the commits of this release: its candidate, and its tag once it has one.
        version: for people.

    Raises:
        NeedsHuman: somebody deployed by hand, or what runs there is newer or of another line.
    """
    if recorded is not None and by_hand(place, recorded, ours):
        raise NeedsHuman(
            f"{place.target} {_runs(place)}, but the last release deployed {recorded.commit[:_SHA]}:"
            f" somebody deployed by hand{_difference(place, recorded)}",
            "find out who and why. Deploy the released tag again; or take over what is there, knowing that the next"
            " release overwrites it: dabflow adopt --reason TEXT. Then retry",
        )
    taken_over = recorded is not None and recorded.adopted and place.runs == recorded.commit
    if place.runs is None or place.runs in ours or place.contained or taken_over:
        return
    what = "it is newer, or of another line" if place.known else "the repository does not have that commit"
    raise NeedsHuman(
        f"{place.target} runs {place.runs[:_SHA]}, which {version} does not contain: {what}",
        "an older version never overwrites a newer one: release a version that contains it; or, if it may be"
        " overwritten: dabflow adopt --reason TEXT",
    )


def _runs(place: Place) -> str:
    return f"runs {place.runs[:_SHA]}" if place.runs else "runs nothing that its metadata names"


def _difference(place: Place, recorded: Recorded) -> str:
    unknown = "" if place.known else ", from a commit that the repository does not have"
    if not place.difference:
        return unknown
    return f"{unknown}. To bring {recorded.commit[:_SHA]} back, a deploy would\n{place.difference}"
