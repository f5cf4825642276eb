"""What a clock on a wall shows, and which moments that is; also on the days when clocks are changed.

A local time that the clocks skip in spring means the moment of the change. One that they show twice in autumn means
the first of the two where something begins, the second where it ends: what is frozen then is frozen both times.
"""

import zoneinfo
from bisect import bisect_left
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks.rules.errors import NeedsHuman
from tasks.rules.nearest import nearest

_UTC_NAME = "UTC"
_NO_PLACES = {"localtime", "Factory"}  # whatever a machine is set to, and nothing


def known_zone(name: str) -> str:
    """Return the name of a time zone that this machine knows; UTC is known everywhere.

    Raises:
        ValueError: it is not known, in words that fit after the name of a key.
    """
    known = _known_zones(zoneinfo.TZPATH)
    if name in known:
        return name
    if len(known) == 1:
        raise ValueError(
            "must be UTC as long as this machine has no time zones (install the package tzdata on it)"
        )
    raise ValueError(f"must be a time zone{_meant(name, known)}")


@cache
def _known_zones(_folders: tuple[str, ...]) -> frozenset[str]:
    """The zones of this machine; reading its folders takes 10 ms, and settings are read all the time."""
    return frozenset({_UTC_NAME, *zoneinfo.available_timezones()}) - _NO_PLACES


def zone_of(name: str) -> tzinfo:
    """Return the time zone of that name.

    Raises:
        NeedsHuman: this machine does not know it; the one that read the settings did.
    """
    if name == _UTC_NAME:
        return UTC
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        raise NeedsHuman(
            f"this machine does not know the time zone {name}", "install the package tzdata on it"
        ) from error


def begins(local: datetime, zone: tzinfo) -> datetime:
    """Return the first moment (UTC) at which a clock in `zone` shows `local` or, if it skips that, more."""
    return _moment(local, zone, fold=0)


def ends(local: datetime, zone: tzinfo) -> datetime:
    """Return the last moment (UTC) at which a clock in `zone` comes to show `local` or, if it skips that, more."""
    return _moment(local, zone, fold=1)


def on_the_wall(moment: datetime, zone: tzinfo) -> datetime:
    """Return what a clock in `zone` shows at a moment."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _moment(local: datetime, zone: tzinfo, *, fold: int) -> datetime:
    moment = _by_offset(local, zone, fold=fold)
    return moment if on_the_wall(moment, zone) == local else _change(local, zone)


def _change(skipped: datetime, zone: tzinfo) -> datetime:
    """Return the moment at which the clocks of `zone` skip a local time."""
    # Read with the offset from after the change it lies before the change, and the other way round.
    before, after = (_by_offset(skipped, zone, fold=fold) for fold in (1, 0))
    seconds = range(int((after - before).total_seconds()))

    def is_over(second: int) -> bool:
        return on_the_wall(before + timedelta(seconds=second), zone) >= skipped

    return before + timedelta(seconds=bisect_left(seconds, True, key=is_over))


def _by_offset(local: datetime, zone: tzinfo, *, fold: int) -> datetime:
    return local.replace(tzinfo=zone, fold=fold).astimezone(UTC).replace(fold=0)


def _meant(name: str, known: frozenset[str]) -> str:
    places = {zone.rsplit("/", 1)[-1]: zone for zone in sorted(known)}
    guess = nearest(name, known) if "/" in name else places.get(nearest(name, places) or "")
    return f" (did you mean {guess}?)" if guess else " such as Europe/Berlin"
