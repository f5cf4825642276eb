"""`notifications` and `drift` in `release.yaml`: who is told what, and how often targets are looked at."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from tasks.rules.local_times import begins, on_the_wall, zone_of
from tasks.rules.recurrence import recurrence_of
from tasks.rules.settings_freezes import LocalTime, Rule, Zone
from tasks.rules.settings_problems import Clash, raise_clashes
from tasks.rules.settings_section import LEFT_OUT, Section, optional
from tasks.rules.settings_words import About, BlockName, Kind, Kinds, Subjects, TargetNames

_LONGEST_HOURS = 30 * 24
_A_DAY = timedelta(days=1)  # no change of clocks was ever longer


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
    """How often targets are looked at for what was changed by hand: `every_hours`, or by a `rule`."""

    every_hours: Annotated[
        int | None,
        optional(Annotated[int, Field(ge=1, le=_LONGEST_HOURS)]),
        LEFT_OUT,
        Field(description="so many hours after the look before"),
    ] = None
    rule: Annotated[
        str | None,
        optional(Rule),
        LEFT_OUT,
        Field(description="RFC 5545, the days on which they are looked at", examples=["FREQ=DAILY"]),
    ] = None
    start: Annotated[
        datetime | None,
        optional(LocalTime),
        LEFT_OUT,
        Field(alias="from", description="with `rule`: local time of the first look, and the time of day"),
    ] = None
    time_zone: Annotated[Zone, Field(description="of `from`")] = "UTC"
    targets: Annotated[
        TargetNames,
        Field(default_factory=tuple, description="the targets; if left out, staging and production"),
    ]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        raise_clashes([Clash(f"`drift` {text}", ()) for text in _misfits(self)])
        return self


def recipients(notifications: Iterable[Notification], about: About, kind: Kind | None) -> tuple[str, ...]:
    """The blocks that are told, each once.

    Args:
        notifications: from the settings of the production branch.
        about: what has happened.
        kind: of which kind of release; None for what no release has done.
    """
    meant = (n.block for n in notifications if about in n.about and (kind is None or kind in n.kinds))
    return tuple(dict.fromkeys(meant))


def next_look(drift: Drift, last: datetime | None, now: datetime) -> datetime | None:
    """When targets are to be looked at next, `now` where that is due; None where the rule has ended.

    Args:
        drift: from the settings of the production branch.
        last: when they were looked at last, None if never.
        now: with a time zone.
    """
    if last is None:
        return now
    if drift.every_hours is not None:
        return max(last + timedelta(hours=drift.every_hours), now)
    found = _after(drift, last, now)
    return None if found is None else max(found, now)


def _after(drift: Drift, last: datetime, now: datetime) -> datetime | None:
    """The first time after the last look that the rule names, where that is less than 40 days away."""
    if drift.rule is None or drift.start is None:
        return None
    zone, recurrence = zone_of(drift.time_zone), recurrence_of(drift.rule)
    here, horizon = on_the_wall(last, zone), on_the_wall(now, zone) + timedelta(days=40)
    times = recurrence.between(drift.start, here - _A_DAY, horizon)
    moments = (begins(time, zone) for time in times)
    until = recurrence.until
    return next((m for m in moments if m > last and (until is None or m <= until)), None)


def _misfits(drift: Drift) -> Iterator[str]:
    if (drift.every_hours is None) == (drift.rule is None):
        yield "needs either `every_hours` or a `rule`"
    elif drift.rule is not None and drift.start is None:
        yield "has a `rule` but no `from`: from when on, and at what time of day?"
    elif drift.rule is None and drift.start is not None:
        yield "has `from` but no `rule`"
