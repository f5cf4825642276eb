"""Where a rollback may go, which of several is meant, and how far it has come: decided from what git and GitHub show."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import REJECTED, ROLLED_BACK, Chain
from tasks.rules.names import Named
from tasks.rules.outcomes import Hold
from tasks.rules.phases import Phase
from tasks.rules.versions import Version, highest


@dataclass(frozen=True)
class Running:
    """What is known about production and the versions.

    Args:
        runs: the version that was deployed to production last and ended well.
        stopped: a newer one whose deployment to production was begun since and has not ended well.
        begun: the rollback that deployed what production runs now, if it is not finished.
        tagged: every version with a tag.
        released: those whose GitHub release is published.
        holds: the versions that were withdrawn, and must not go to production again.
    """

    runs: Version
    stopped: Version | None = None
    begun: Named | None = None
    tagged: frozenset[Version] = frozenset()
    released: frozenset[Version] = frozenset()
    holds: Mapping[Version, Hold] = field(default_factory=dict)


def way_back(to: Version, known: Running) -> Named | None:
    """Which rollback leads to a version; None where production runs it already, and nothing else is half way there.

    Raises:
        NeedsHuman: there is no way back to it.
    """
    if known.begun is not None and known.begun.version == to:
        return known.begun
    newest = known.stopped or known.runs
    if to == newest and known.stopped is None:
        return None
    _insist_on_released(to, known)
    if to in known.holds:
        raise _held(known.holds[to])
    if to >= newest:
        where = "stopped half way in production" if known.stopped else "is what production runs"
        raise NeedsHuman(
            f"{to} is not older than {newest}, which {where}: that is no rollback",
            f"start a release, or name a version before {newest}",
        )
    return Named(to, newest)


def half_way(begun: Iterable[Version], *, runs: Version, holds: Collection[Version]) -> Version | None:
    """The newest version that production did not come to run well; None where there is none.

    Args:
        begun: the versions whose own deployment was begun since production ended well at `runs`.
        runs: what that was.
        holds: the versions that were withdrawn; that decided about them.
    """
    return highest(v for v in begun if v > runs and v not in holds)


def before(version: Version, known: Running) -> Version:
    """What production ran before a version that did not end well there.

    Raises:
        NeedsHuman: it ran nothing that it could go back to.
    """
    if known.runs < version:
        return known.runs
    older = highest(v for v in known.released if v < version and v not in known.holds)
    if older is None:
        raise NeedsHuman(f"nothing was released before {version}", "retry the deployment, or release a fix")
    return older


def withdrawn_by(
    about: Named, published: Iterable[Version], tagged: Iterable[Version], holds: Iterable[Hold]
) -> tuple[Version, ...]:
    """What a rollback withdraws, oldest first; what another one withdrew is left as that one did it.

    That is what was published since, and what lies between the two: a version that was overtaken before it was
    published could still be gone on with.
    """
    held_for = {Version.parse(hold.version): hold.to for hold in holds}
    newest = about.withdraws or about.version
    newer = {*(v for v in published if v > about.version), newest}
    newer |= {v for v in tagged if about.version < v <= newest}
    return tuple(sorted(v for v in newer if held_for.get(v, str(about.version)) == str(about.version)))


def adding_nothing(version: Version, holds: Iterable[Hold], adds_to: Callable[[Version], bool]) -> list[Hold]:
    """The holds that keep a version away, too: those of versions before it, of which it holds every change.

    Args:
        version: what is to go to production.
        holds: those that are in force.
        adds_to: whether it holds a change that another version did not hold.
    """
    older = ((Version.parse(hold.version), hold) for hold in holds)
    return [hold for held, hold in older if held < version and not adds_to(held)]


def still_the_way(about: Named, known: Running) -> bool:
    """Whether a rollback that was chosen before is left to do; false where it is done.

    Raises:
        NeedsHuman: production runs something else by now.
    """
    if about == known.begun:
        return True
    newest = known.stopped or known.runs
    if newest == about.withdraws:
        if about.version in known.holds:
            raise _held(known.holds[about.version])
        return True
    if newest == about.version:
        return False
    raise NeedsHuman(
        f"production runs {newest} by now, not {about.withdraws}",
        f"if it is still to go back to {about.version}: start the rollback again, it shows what would happen now",
    )


def phase_of_rollback(chain: Chain) -> Phase:
    """How far a rollback has come, as its evidence says it; where none is under way, how the last one ended."""
    kinds = {entry.kind for entry in chain.now.entries}
    if not kinds and chain.entries:
        ended = {ROLLED_BACK: Phase.PUBLISHED, REJECTED: Phase.REJECTED}
        return ended.get(chain.entries[-1].kind, Phase.PLANNED)
    table = [("smoked", Phase.DEPLOYED), ("approved", Phase.MERGED), ("shown", Phase.PROPOSED)]
    return next((phase for kind, phase in table if kind in kinds), Phase.PLANNED)


def hold_problem(hold: Hold) -> str:
    """Why a held version may not go to production, as a sentence."""
    who = f" (asked for by {hold.by})" if hold.by else ""
    return f"{hold.version} was withdrawn: production was rolled back to {hold.to}{who}: {hold.reason}"


def hold_remedy(hold: Hold) -> str:
    return (
        "release a version with a commit that it did not have;"
        f" or say why it may go there all the same: dabflow unhold {hold.version} --reason TEXT"
    )


def _held(hold: Hold) -> NeedsHuman:
    return NeedsHuman(hold_problem(hold), f"lift the hold first: dabflow unhold {hold.version} --reason TEXT")


def _insist_on_released(to: Version, known: Running) -> None:
    if to not in known.tagged:
        raise NeedsHuman(f"there is no version {to}", _choices(known))
    if to not in known.released:
        raise NeedsHuman(
            f"{to} is tagged, but it was never released: production never ran it", _choices(known)
        )


def _choices(known: Running) -> str:
    newest = known.stopped or known.runs
    older = sorted(v for v in known.released if v < newest and v not in known.holds)
    if not older:
        return "there is no older version to go back to: release a fix"
    nearest = highest(older)
    return f"name a released version before {newest}, such as {nearest}"
