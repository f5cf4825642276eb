"""When production is left alone: freeze windows and soak time.

frozen      the freeze that holds now, and when nothing is frozen any more
forever     the freezes that never let go
soak_ends   until when a candidate has to stay on staging
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from tasks.rules.local_times import begins, ends, on_the_wall, zone_of
from tasks.rules.recurrence import recurrence_of
from tasks.rules.settings_approval import Soak
from tasks.rules.settings_freezes import Freeze

# No change of clocks was ever longer than a day.
_CLOCKS_DIFFER = timedelta(days=2)
_LONGEST_LOOK = timedelta(days=2 * 366)
_FOREVER = timedelta(days=400)


@dataclass(frozen=True)
class Frozen:
    """A freeze that holds. `until` (UTC) is the first moment at which no freeze does."""

    name: str
    until: datetime


def frozen(freezes: Sequence[Freeze], *, target: str, kind: str, now: datetime) -> Frozen | None:
    """Return the freeze that keeps a kind of release away from a target now, None if there is none.

    Freezes that overlap or touch are one: `until` is the end of the last of them. Where that is more than two years
    away, `until` is a moment at which another look is due.

    Args:
        freezes: from the settings of the production branch.
        target: the bundle target that would be deployed.
        kind: release, hotfix or rollback.
        now: with a time zone.
    """
    meant = _meant(freezes, target, kind)
    holds = next((freeze for freeze in meant if _end(freeze, now) is not None), None)
    return None if holds is None else Frozen(holds.name, _thaw(meant, now, within=_LONGEST_LOOK))


def forever(freezes: Sequence[Freeze], *, target: str, kind: str) -> tuple[str, ...]:
    """Return the names of freezes that together leave no gap for more than a year, once all have begun."""
    rules = [freeze for freeze in _meant(freezes, target, kind) if _is_endless(freeze)]
    if not _leave_no_gap(rules):
        return ()
    for freeze in tuple(rules):
        others = [other for other in rules if other is not freeze]
        if _leave_no_gap(others):
            rules = others
    return tuple(freeze.name for freeze in rules)


def soak_ends(soak: Soak, *, kind: str, since: datetime, now: datetime) -> datetime | None:
    """Return when a candidate has been on staging long enough, None if it has; a rollback need not.

    Args:
        soak: from the settings of the production branch.
        kind: release, hotfix or rollback.
        since: when its rehearsal on staging succeeded.
        now: with a time zone.
    """
    hours = {"release": soak.hours, "hotfix": soak.hotfix_hours}.get(kind, 0)
    end = since + timedelta(hours=hours)
    return end if now < end else None


def _meant(freezes: Sequence[Freeze], target: str, kind: str) -> list[Freeze]:
    return [freeze for freeze in freezes if target in freeze.targets and kind in freeze.kinds]


def _thaw(freezes: Sequence[Freeze], moment: datetime, *, within: timedelta) -> datetime:
    """Return the first moment from `moment` on at which none of the freezes holds, or one after `within`."""
    latest = moment + within
    while moment < latest:
        found = [end for end in (_end(freeze, moment) for freeze in freezes) if end is not None]
        if not found:
            break
        moment = max(found)
    return moment


def _end(freeze: Freeze, moment: datetime) -> datetime | None:
    """Return the end of the window of a freeze that holds at a moment, None if none does."""
    zone = zone_of(freeze.time_zone)
    window = (freeze.start, freeze.until) if freeze.until else _latest(freeze, moment, zone)
    if window is None or begins(window[0], zone) > moment:
        return None
    end = ends(window[1], zone)
    return end if moment < end else None


def _latest(freeze: Freeze, moment: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """Return the last window of a recurring freeze that has begun, if it can hold still."""
    recurrence, lasts = recurrence_of(freeze.rule or ""), timedelta(hours=freeze.hours or 0)
    here = on_the_wall(moment, zone)
    starts = recurrence.between(freeze.start, here - lasts - _CLOCKS_DIFFER, here + _CLOCKS_DIFFER)
    latest = moment if recurrence.until is None else min(moment, recurrence.until)
    begun = (start for start in reversed(starts) if begins(start, zone) <= latest)
    return next(((start, start + lasts) for start in begun), None)


def _leave_no_gap(rules: Sequence[Freeze]) -> bool:
    if not rules:
        return False
    all_begun = max(_first(freeze) for freeze in rules)
    return _thaw(rules, all_begun, within=_FOREVER) >= all_begun + _FOREVER


def _is_endless(freeze: Freeze) -> bool:
    return freeze.rule is not None and recurrence_of(freeze.rule).endless


def _first(freeze: Freeze) -> datetime:
    first = recurrence_of(freeze.rule or "").first(freeze.start)
    return begins(first or freeze.start, zone_of(freeze.time_zone))
