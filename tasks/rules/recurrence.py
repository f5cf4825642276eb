"""The RFC 5545 rules that a freeze may recur by, and when they begin anew; in local times, whatever the clocks do."""

import re
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import lru_cache

from dateutil.rrule import rrule, rrulestr

from tasks.rules.nearest import nearest

# A rule that gives no day in so many years never will: 29 February on a Monday comes after 40 at the latest.
_PATIENCE_YEARS = 40
_CYCLE_YEARS = 400

_DAYS_OF_PERIOD = {"DAILY": 1, "WEEKLY": 7}
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")

# What numbers a part may have; with a minus sign they count from the end.
_NUMBERS = {
    "INTERVAL": (1, 1000),
    "COUNT": (1, 1000),
    "BYMONTH": (1, 12),
    "BYHOUR": (0, 23),
}
_NUMBERS_FROM_BOTH_ENDS = {"BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYSETPOS": 366}
_SINGLE = {"INTERVAL", "COUNT"}
_ENDS = {"COUNT", "UNTIL"}
_PARTS = {"FREQ", "UNTIL", "WKST", "BYDAY", *_NUMBERS, *_NUMBERS_FROM_BOTH_ENDS}

_SHAPE = re.compile(r"[A-Z]+=[A-Z0-9,+-]+(?:;[A-Z]+=[A-Z0-9,+-]+)*")
_UNTIL = re.compile(r"\d{8}T\d{6}Z")
_WEEKDAY = re.compile(r"(?P<which>[+-]?[1-9]\d?)?(?:MO|TU|WE|TH|FR|SA|SU)")
_NUMBER = re.compile(r"[+-]?\d{1,4}")


@dataclass(frozen=True)
class Recurrence:
    """A rule: `text` without COUNT and UNTIL; `until` (UTC) is the last moment at which it may begin anew."""

    text: str
    frequency: str
    interval: int
    count: int | None
    until: datetime | None

    @property
    def endless(self) -> bool:
        return self.count is None and self.until is None

    def first(self, start: datetime) -> datetime | None:
        """Return the first local time at or after `start`, None if there is none in 40 years."""
        # dateutil seeks a day that never comes until the year 9999. The calendar repeats after 400 years, so it
        # is asked about the last time that it does: the answer is the same, and comes in a moment.
        shift = (MAXYEAR - _PATIENCE_YEARS - start.year) // _CYCLE_YEARS * _CYCLE_YEARS
        later = start.replace(year=start.year + shift)
        found = self._rule(later).after(later, inc=True)
        first = found and found.replace(year=found.year - shift)
        return first if first and first.year <= start.year + _PATIENCE_YEARS else None

    def between(self, start: datetime, after: datetime, before: datetime) -> list[datetime]:
        """Return the local times from `after` to `before`, in order, of a rule that counts from `start`.

        However long ago that was: the years in between are skipped, not counted through.
        """
        if self.count is None:
            rule = self._rule(self._near(start, after)).replace(until=before)
        else:
            rule = self._rule(start).replace(count=self.count)
        return rule.between(after, before, inc=True)

    def _rule(self, start: datetime) -> rrule:
        rule = rrulestr(self.text, dtstart=start)
        if not isinstance(rule, rrule):
            raise TypeError(f"{self.text} is more than one rule")
        return rule

    def _near(self, start: datetime, after: datetime) -> datetime:
        """Return a later start that gives the same times from `after` on.

        One period is left in between: dateutil sees only the rest of the week it starts in, which matters to BYSETPOS.
        """
        if after <= start:
            return start
        if self.frequency in _DAYS_OF_PERIOD:
            period = timedelta(days=self.interval * _DAYS_OF_PERIOD[self.frequency])
            return start + max((after - start) // period - 1, 0) * period
        periods = max((after.year - start.year) // self.interval - 1, 0)
        try:
            return start.replace(year=start.year + periods * self.interval)
        except ValueError:  # 29 February: its rule is counted through
            return start


@lru_cache(maxsize=256)
def recurrence_of(text: str) -> Recurrence:
    """Read an RFC 5545 rule.

    Stricter than dateutil, which takes `BYMONTH=13` for a rule that never comes and `BYMONTHDAY=0` for every day.

    Raises:
        ValueError: it is not one, or of a kind that makes no sense for a freeze; in words that fit after a key.
    """
    if not _SHAPE.fullmatch(text):
        raise ValueError("must be an RFC 5545 rule in capitals, such as FREQ=WEEKLY;BYDAY=SA")
    pairs = [part.split("=", 1) for part in text.split(";")]
    parts = dict(pairs)
    for name, value in parts.items():
        _check_part(name, value)
    if len(parts) < len(pairs):
        raise ValueError("must name each part once")
    _check_together(parts)
    return Recurrence(
        text=";".join(f"{name}={value}" for name, value in pairs if name not in _ENDS),
        frequency=parts["FREQ"],
        interval=int(parts.get("INTERVAL", "1")),
        count=int(parts["COUNT"]) if "COUNT" in parts else None,
        until=_moment(parts["UNTIL"]) if "UNTIL" in parts else None,
    )


def _check_part(name: str, value: str) -> None:
    if name not in _PARTS:
        raise ValueError(f"must not have {name}{_instead(name)}")
    if name == "FREQ" and value not in _FREQUENCIES:
        raise ValueError(f"must have a FREQ of {', '.join(_FREQUENCIES[:-1])} or {_FREQUENCIES[-1]}")
    if name == "UNTIL":
        _moment(value)
    if name in _NUMBERS or name in _NUMBERS_FROM_BOTH_ENDS:
        _check_numbers(name, value.split(","))
    if name == "WKST" and not _is_weekday(value, numbered=False):
        raise ValueError("must have one of MO, TU, WE, TH, FR, SA, SU as WKST")


def _instead(name: str) -> str:
    if name in {"DTSTART", "BYMINUTE", "BYSECOND"}:
        return ": `from` says it"
    guess = nearest(name, _PARTS)
    return f" (did you mean {guess}?)" if guess else ""


def _check_numbers(name: str, values: list[str]) -> None:
    low, high = _NUMBERS.get(name) or (1, _NUMBERS_FROM_BOTH_ENDS[name])
    if name in _SINGLE and len(values) > 1:
        raise ValueError(f"must have one number as {name}")
    for value in values:
        number = int(value) if _NUMBER.fullmatch(value) else None
        if number is not None and name in _NUMBERS_FROM_BOTH_ENDS:
            number = abs(number)
        if number is None or not low <= number <= high:
            raise ValueError(f"must have {name} between {low} and {high}")


def _check_together(parts: dict[str, str]) -> None:
    if "FREQ" not in parts:
        raise ValueError("must have a FREQ, such as FREQ=WEEKLY")
    if set(parts) >= _ENDS:
        raise ValueError("must have COUNT or UNTIL, not both")
    numbered = parts["FREQ"] in {"MONTHLY", "YEARLY"}
    for value in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        if not _is_weekday(value, numbered=numbered):
            how = " (the second Saturday: 2SA)" if numbered else ""
            raise ValueError(f"must have days such as MO or SA as BYDAY{how}")


def _is_weekday(value: str, *, numbered: bool) -> bool:
    found = _WEEKDAY.fullmatch(value)
    return found is not None and (numbered or found["which"] is None)


def _moment(value: str) -> datetime:
    if _UNTIL.fullmatch(value):
        try:
            return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            pass  # 31 February
    raise ValueError("must have an UNTIL in UTC, such as UNTIL=20271231T230000Z")
