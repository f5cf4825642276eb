"""Which versions there are, which of them are unfinished, and which one production runs: read off what was looked up."""

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tasks.rules.errors import NeedsHuman
from tasks.rules.phases import Phase
from tasks.rules.versions import Version, highest

IsAway = Callable[[Version], bool]  # whether a version is not in production any more, or never was


@dataclass(frozen=True)
class Versions:
    """The versions that git and GitHub name.

    tagged: by a tag.
    branched: by a release or hotfix branch.
    merged: by a pull request that was merged into production's branch.
    outside: by a tag that develop does not contain.
    """

    tagged: AbstractSet[Version]
    branched: AbstractSet[Version]
    merged: AbstractSet[Version] = frozenset()
    outside: AbstractSet[Version] = frozenset()

    @property
    def begun(self) -> set[Version]:
        """Those with a branch; and those that stopped between merge and tag: GitHub may have deleted their branch."""
        newest = highest(self.tagged)
        return {*self.branched, *(v for v in self.merged - self.tagged if newest is None or v > newest)}

    @property
    def highest(self) -> Version | None:
        """The highest one that is taken."""
        return highest(self.tagged | self.begun)

    @property
    def to_look_up(self) -> list[Version]:
        """Those that may be unfinished, lowest first."""
        newest = highest(self.tagged)
        return sorted({*self.begun, *self.outside, *([newest] if newest else [])})


def unfinished(phases: Mapping[Version, Phase]) -> list[Version]:
    """Those that are not finished, lowest first."""
    return [v for v in sorted(phases) if phases[v] is not Phase.BACK_MERGED]


def finished(versions: Versions, phases: Mapping[Version, Phase], is_away: IsAway) -> Version | None:
    """The highest version that is finished, and in production or on its way there; None where there is none."""
    done = versions.tagged - {*unfinished(phases)}
    return next((v for v in sorted(done, reverse=True) if not is_away(v)), None)


def shipped(
    published: Iterable[Version], is_away: IsAway, *, before: Version | None = None
) -> Version | None:
    """What production runs, or ran before a version came: the highest published one that was not given up."""
    older = (v for v in sorted(published, reverse=True) if before is None or v < before)
    return next((v for v in older if not is_away(v)), None)


def may_still_go(after: Version, releases: Iterable[Version], tagged: AbstractSet[Version]) -> list[Version]:
    """Of the releases that have a branch, those that may go to production after this version, lowest first.

    One that is lower can never be released any more, see `insist_on_going_up`.
    """
    return sorted(v for v in releases if v > after and v not in tagged)


def insist_on_own_number(
    version: Version, tagged: Collection[Version], *, branch: str, other: str, branches: Collection[str]
) -> None:
    """Insist that nobody else took the number of a release or hotfix between its plan and its cut.

    Args:
        version: the number.
        tagged: every version with a tag.
        branch: its own branch, which may be there already.
        other: what the branch of the other kind is called.
        branches: all that there are.

    Raises:
        NeedsHuman: it is taken.
    """
    if other in branches:
        remedy = f"start again, it gets the next number; where both are there, delete {branch} or {other}"
        raise NeedsHuman(f"{other} has the number {version} already", remedy)
    if version in tagged and branch not in branches:
        raise NeedsHuman(f"{version} is tagged by now", "start again, it gets the next number")


def insist_on_going_up(version: Version, tagged: Iterable[Version], *, branch: str, develop: str) -> None:
    """Insist that production's version only grows.

    Raises:
        NeedsHuman: a later one is tagged, so this one can no longer go there.
    """
    newest = highest(tagged)
    if newest is None or version >= newest:
        return
    raise NeedsHuman(
        f"{newest} is tagged already, and versions only go up: {version} can no longer be released",
        f"bring what `{branch}` has beyond {develop} into {develop}, delete the branch, and release that as"
        " the next version",
    )
