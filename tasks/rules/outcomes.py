"""What became of a release on its way to production, as its evidence says it: of which kind it is, and how it ended.

stopped in production    a deploy or a smoke job there failed; somebody must decide (retry, roll back, abandon)
abandoned                it stays merged and tagged, and is never published
withdrawn                production was rolled back from it; a hold keeps it away until that is lifted
restored                 production was rolled back to it after that
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from tasks.rules.evidence import LIFTED, RETRIED, STOPPED, WITHDRAWN, Chain
from tasks.rules.names import Named
from tasks.rules.settings_words import Kind

ABANDONED = "abandoned"
RESTORED = "restored"  # a rollback brought production back to a version whose hold was lifted

_OVER = frozenset({"smoked", ABANDONED, WITHDRAWN})  # what ends a stop; a retry goes on with it


@dataclass(frozen=True)
class Hold:
    """Why a version may not go to production again: what runs there instead, who asked for that, why, since when (UTC)."""

    version: str
    to: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Stopped:
    """A release that stopped half way in production: at which commit, why, and since when (UTC).

    `number` counts its stops, so that an answer to one of them is none to the next. `retried`: somebody decided to
    try it again, and it has not come to an end yet.
    """

    version: str
    commit: str
    problem: str
    at: datetime
    number: int = 1
    retried: bool = False


def kind_in(chain: Chain) -> Kind:
    """What kind of release a chain is about, as it was asked for."""
    asked = chain.last("asked")
    noted = asked.facts.get("kind") if asked else None
    kinds: tuple[Kind, ...] = get_args(Kind)
    return next((kind for kind in kinds if kind == noted), "release")


def held(chain: Chain) -> Hold | None:
    """The hold that keeps a withdrawn version away from production now; None where there is none, or it was lifted."""
    for entry in reversed(chain.entries):
        if entry.kind == LIFTED:
            return None
        if entry.kind == WITHDRAWN:
            said = {name: str(entry.facts.get(name, "")) for name in ("to", "by", "reason")}
            return Hold(chain.version, **said, at=entry.at)
    return None


def in_force(chains: Iterable[Chain]) -> Iterator[Hold]:
    """The holds on versions after the newest one that reached production to stay, newest first.

    An older one keeps nothing away any more: what came after it holds what it lacked, or its hold was lifted.

    Args:
        chains: what is noted about each version, newest first.
    """
    for chain in chains:
        hold = held(chain)
        if hold is not None:
            yield hold
        elif chain.last("smoked") is not None and chain.last(WITHDRAWN) is None:
            return


def may_go_again(chain: Chain) -> bool:
    """Whether a withdrawn version may go to production again, its hold being lifted, and has not been there since."""
    kinds = {WITHDRAWN, LIFTED, RESTORED, "smoked"}
    newest = next((e for e in reversed(chain.entries) if e.kind in kinds), None)
    return newest is not None and newest.kind == LIFTED


def given_up(chain: Chain) -> str:
    """Withdrawn or abandoned; "" where it may still go to production, or is there."""
    if held(chain) is not None:
        return WITHDRAWN
    return ABANDONED if chain.last(ABANDONED) is not None else ""


def is_over(chain: Chain, *, published: bool) -> str:
    """Withdrawn, abandoned, or released: what ended a version's way to production; "" while it may go there."""
    back = published and chain.now.last("back-merged") is not None
    return given_up(chain) or ("released" if back else "")


def is_away(chain: Chain) -> bool:
    """Whether a version that was released once is not in production any more, or never was."""
    return bool(given_up(chain)) or may_go_again(chain)


def stopped(chain: Chain) -> Stopped | None:
    """What stopped a release half way in production, while nobody has decided what becomes of it."""
    stop = half_way(chain)
    return None if stop is None or stop.retried else stop


def half_way(chain: Chain) -> Stopped | None:
    """What stopped a release half way in production, until it got there, or was abandoned or withdrawn."""
    retried = False
    for entry in reversed(chain.entries):
        if entry.kind in _OVER:
            return None
        retried = retried or entry.kind == RETRIED
        if entry.kind == STOPPED:
            said = {name: str(entry.facts.get(name, "")) for name in ("commit", "problem")}
            number = sum(each.kind == STOPPED for each in chain.entries)
            return Stopped(chain.version, **said, at=entry.at, number=number, retried=retried)
    return None


def stop_of_another(about: Named, since: Iterable[str], chain_of: Callable[[str], Chain]) -> Stopped | None:
    """What another release stopped at half way in production, until it got there or somebody gave it up.

    Args:
        about: the release that asks.
        since: the names of what went to production since something ended well there, newest first.
        chain_of: what is noted under a name.
    """
    stops = (half_way(chain_of(name)) for name in since if name and not _decides(about, name))
    return next((stop for stop in stops if stop is not None), None)


def _decides(about: Named, name: str) -> bool:
    """Whether what is called so is this release, or what it decides about.

    A rollback decides about what it withdraws, also where another rollback of that stopped half way.
    """
    back = about.withdraws
    if back is None:
        return name == str(about)
    return name == str(back) or name.startswith(f"rollback-{back}-to-")
