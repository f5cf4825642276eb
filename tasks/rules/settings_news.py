"""`notifications` and `drift` in `release.yaml`: who is told what, and how often targets are looked at."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from tasks.rules.local_times import begins, on_the_wall, zone_of
from tasks.rules.settings_freezes import LocalTime, Zone
from tasks.rules.settings_section import LEFT_OUT, Section, optional
from tasks.rules.settings_words import About, BlockName, Kind, Kinds, Subjects, TargetNames

_LONGEST_HOURS = 30 * 24


class Notification(Section):
    """Who is told what: one of the Prefect server's notification blocks, and what it gets."""

    block: Annotated[
        BlockName,
        Field(
            description="a notification block of the Prefect server, as type/name",
            examples=["slack-webhook/releases"],
        ),
    ]
    about: Annotated[Subjects, Field(description="what it is told about; if left out, everything")] = (
        "approval",
        "reminder",
        "production",
        "stopped",
        "conflict",
        "drift",
    )
    kinds: Annotated[Kinds, Field(description="of which kinds of release; drift is of none")] = (
        "release",
        "hotfix",
        "rollback",
    )


class Drift(Section):
    """How often targets are looked at for what was changed there by hand."""

    every_hours: Annotated[
        int,
        Field(
            ge=1, le=_LONGEST_HOURS, description="so many hours after the look before, or counted from `from`"
        ),
    ]
    start: Annotated[
        datetime | None,
        optional(LocalTime),
        LEFT_OUT,
        Field(alias="from", description="local time of a look; the others are before and after it"),
    ] = None
    time_zone: Annotated[Zone, Field(description="of `from`")] = "UTC"
    targets: Annotated[
        TargetNames,
        Field(default_factory=tuple, description="the targets; if left out, staging and production"),
    ]


def recipients(notifications: Iterable[Notification], about: About, kind: Kind | None) -> tuple[str, ...]:
    """The blocks that are told, each once.

    Args:
        notifications: from the settings of the production branch.
        about: what has happened.
        kind: of which kind of release; None for what no release has done.
    """
    meant = (n.block for n in notifications if about in n.about and (kind is None or kind in n.kinds))
    return tuple(dict.fromkeys(meant))


def next_look(drift: Drift, last: datetime | None, now: datetime) -> datetime:
    """When targets are to be looked at next; `now` where that is due.

    With a `from` of 06:00 and 24 hours it is at 06:00 by the clock on the wall, also when clocks are changed.

    Args:
        drift: from the settings of the production branch.
        last: when they were looked at last, None if never.
        now: with a time zone.
    """
    if last is None:
        return now
    period = timedelta(hours=drift.every_hours)
    if drift.start is None:
        return max(last + period, now)
    zone, start = zone_of(drift.time_zone), drift.start
    passed = (on_the_wall(last, zone) - start) // period
    times = (begins(start + (passed + more) * period, zone) for more in range(3))
    return max(next(moment for moment in times if moment > last), now)
