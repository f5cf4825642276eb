"""Whether production is as the last release left it, and whether what would go there is newer.

An older version never overwrites a newer one, unless it is a rollback; and what somebody deployed by hand is
overwritten by nobody who does not know of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tasks.rules.errors import NeedsHuman
from tasks.rules.release import BundleRuns

_SHA = 12


@dataclass(frozen=True)
class Recorded:
    """What GitHub's newest successful record of a target says: which commit, and whether it was taken over by hand.

    An `adopted` commit may be overwritten by one that does not contain it: whoever adopted it said so, with a reason.
    `bundles` are the commits that its bundles name, by their root path on the target, where a release had several: one
    of which it changed nothing still names an older release's commit. Empty: all name `commit`.
    `folders` are the bundle folders at that commit, None where nobody looked.
    """

    commit: str
    adopted: bool = False
    bundles: Mapping[str, str] = field(default_factory=dict)
    folders: frozenset[str] | None = None

    def of(self, bundle: str, root_path: str) -> str | None:
        """The commit that a bundle was left at; None where it was not part of what was released.

        Args:
            bundle: its folder.
            root_path: where it is on the target.
        """
        if self.bundles:
            return self.bundles.get(root_path)
        return self.commit if self.folders is None or bundle in self.folders else None

    def left(self, runs: BundleRuns) -> bool:
        """Whether a bundle is as it was left, or as the recorded commit would have made it."""
        return runs.commit in {self.commit, self.of(runs.bundle, runs.root_path)}


@dataclass(frozen=True)
class Place:
    """A target as it is: the commit that its metadata names (None: nothing is deployed), and what is known of it.

    `known`: the commit is in the repository. `contained`: the candidate contains it. `half_way`: it is of another
    release, which stopped there. `difference` is what a deploy of the recorded commit would change back, in words;
    "" where that was not looked up. `bundle` is named where a release has several. `left` is the older commit at which
    the last release left it, because it changed nothing of it; "" where that is the recorded one. `added`: the last
    release had no such bundle, so what is there was deployed before it became part of a release.
    """

    target: str
    runs: str | None
    known: bool = True
    contained: bool = True
    half_way: bool = False
    difference: str = ""
    bundle: str = ""
    left: str = ""
    added: bool = False


def by_hand(place: Place, recorded: Recorded | None, ours: Collection[str]) -> bool:
    """Whether something runs there that neither the last release nor this one (`ours`) has deployed."""
    if recorded is None or place.half_way or place.added:
        return False
    return place.runs not in {recorded.commit, place.left or recorded.commit, *ours}


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
            f"{_where(place)} {_runs(place)}, but the last release {_deployed(place, recorded)}:"
            f" somebody deployed by hand{_difference(place, recorded)}",
            "find out who and why. Deploy the released tag again; or take over what is there, knowing that the next"
            " release overwrites it: dabflow adopt --reason TEXT. Then retry",
        )
    taken_over = recorded is not None and recorded.adopted and place.runs in {recorded.commit, place.left}
    if place.runs is None or place.runs in ours or place.contained or taken_over:
        return
    what = "it is newer, or of another line" if place.known else "the repository does not have that commit"
    raise NeedsHuman(
        f"{_where(place)} runs {place.runs[:_SHA]}, which {version} does not contain: {what}", _way_on(place)
    )


def _way_on(place: Place) -> str:
    never = "an older version never overwrites a newer one: release a version that contains it"
    if place.added:
        return (
            f"{never}. No release has deployed this bundle yet: if what is there may be overwritten, deploy it once by"
            " hand from a commit that the release contains, then retry"
        )
    return f"{never}; or, if it may be overwritten: dabflow adopt --reason TEXT"


def _where(place: Place) -> str:
    return f"{place.target} (bundle {place.bundle})" if place.bundle else place.target


def _deployed(place: Place, recorded: Recorded) -> str:
    return f"left {place.left[:_SHA]} there" if place.left else f"deployed {recorded.commit[:_SHA]}"


def _runs(place: Place) -> str:
    return f"runs {place.runs[:_SHA]}" if place.runs else "runs nothing that its metadata names"


def _difference(place: Place, recorded: Recorded) -> str:
    unknown = "" if place.known else ", from a commit that the repository does not have"
    if not place.difference:
        return unknown
    return f"{unknown}. To bring {recorded.commit[:_SHA]} back, a deploy would\n{place.difference}"
