"""`freezes` in `release.yaml`: when production is left alone, once or again and again."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from tasks.rules.local_times import begins, ends, known_zone, zone_of
from tasks.rules.recurrence import Recurrence, recurrence_of
from tasks.rules.settings_problems import Clash, raise_clashes
from tasks.rules.settings_section import LEFT_OUT, Section, optional
from tasks.rules.settings_words import CheckName, Kinds, TargetNames

_LONGEST_HOURS = 366 * 24
_LOCAL_TIME = r"^2\d{3}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::00)?)?$"


def _local_time(value: object) -> datetime:
    """Return what was meant, however YAML read it; a date is its first moment."""
    text = value.isoformat() if isinstance(value, date) else value
    if isinstance(text, str) and re.fullmatch(_LOCAL_TIME, text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # 31 February
    raise ValueError(
        "must be a date or a local time such as 2026-12-20 18:00, in whole minutes;"
        " without an offset, `time_zone` says it"
    )


def _rule(text: str) -> str:
    recurrence_of(text)
    return text


LocalTime = Annotated[
    datetime,
    BeforeValidator(_local_time),
    PlainSerializer(lambda value: f"{value:%Y-%m-%d %H:%M}"),
    WithJsonSchema(
        {"type": "string", "pattern": _LOCAL_TIME, "examples": ["2026-12-20 18:00", "2026-12-20"]}
    ),
]
Zone = Annotated[str, AfterValidator(known_zone), Field(examples=["Europe/Berlin"])]
Rule = Annotated[str, AfterValidator(_rule), Field(examples=["FREQ=WEEKLY;BYDAY=SA"])]
Hours = Annotated[int, Field(ge=1, le=_LONGEST_HOURS)]


class Freeze(Section):
    """A time in which a target is left alone: once (`from`, `until`) or recurring (`rule`, `from`, `hours`)."""

    name: Annotated[CheckName, Field(description="what people read; each name once")]
    targets: Annotated[
        TargetNames, Field(default_factory=tuple, description="the frozen targets; if left out, production's")
    ]
    kinds: Annotated[
        Kinds, Field(description="what may not go there meanwhile: release, hotfix, rollback")
    ] = ("release",)
    time_zone: Annotated[Zone, Field(description="of `from`, `until` and `hours`")] = "UTC"
    start: Annotated[
        LocalTime,
        Field(alias="from", description="local time of its beginning, with `rule` of the first one"),
    ]
    until: Annotated[
        datetime | None,
        optional(LocalTime),
        LEFT_OUT,
        Field(description="local time of its end; a date: at 00:00"),
    ] = None
    rule: Annotated[
        str | None,
        optional(Rule),
        LEFT_OUT,
        Field(description="RFC 5545, when it begins again; an UNTIL is in UTC"),
    ] = None
    hours: Annotated[
        int | None,
        optional(Hours),
        LEFT_OUT,
        Field(description="with `rule`: how long each lasts, by the clock on the wall"),
    ] = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        raise_clashes([Clash(f"`freezes`: `{self.name}` {text}", ()) for text in _misfits(self)])
        return self


def _misfits(freeze: Freeze) -> Iterator[str]:
    return _misfits_of_one(freeze) if freeze.rule is None else _misfits_of_many(freeze, freeze.rule)


def _misfits_of_one(freeze: Freeze) -> Iterator[str]:
    zone = zone_of(freeze.time_zone)
    if freeze.until is None:
        yield "needs `until`, or `rule` and `hours`"
    elif freeze.hours is not None:
        yield "has `hours` but no `rule`: what happens once ends with `until`"
    elif freeze.until <= freeze.start:
        yield "has an `until` that is not after its `from`"
    elif ends(freeze.until, zone) <= begins(freeze.start, zone):
        yield f"never holds: the clocks of {freeze.time_zone} skip all of it"


def _misfits_of_many(freeze: Freeze, rule: str) -> Iterator[str]:
    if freeze.until is not None:
        yield "has `until` and `rule`: what recurs lasts for `hours`, and its UNTIL is a part of the rule"
    elif freeze.hours is None:
        yield "has a `rule` but no `hours`: how long does each last?"
    else:
        yield from _never(freeze, recurrence_of(rule))


def _never(freeze: Freeze, recurrence: Recurrence) -> Iterator[str]:
    first = recurrence.first(freeze.start)
    if first is None:
        yield "never begins: its `rule` gives no day in the 40 years after `from`"
    elif recurrence.until is not None and begins(first, zone_of(freeze.time_zone)) > recurrence.until:
        yield f"never begins: UNTIL is before the first time, {first:%Y-%m-%d %H:%M}"
