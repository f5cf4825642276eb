"""Rules by which a freeze recurs."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, example, given
from hypothesis import strategies as st
from patience import patient

from tasks.rules.recurrence import recurrence_of

START = datetime(2026, 1, 2, 16)  # noqa: DTZ001  # a Friday; local times have no zone
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    numbered = frequency in {"MONTHLY", "YEARLY"}
    days = st.sampled_from(WEEKDAYS + (["1MO", "-1FR", "2SA"] if numbered else []))
    parts = {
        "INTERVAL": st.integers(1, 6).map(str),
        "BYDAY": st.lists(days, min_size=1, max_size=3, unique=True).map(",".join),
        "BYMONTH": st.lists(st.integers(1, 12), min_size=1, max_size=4).map(_joined),
        "BYHOUR": st.lists(st.integers(0, 23), min_size=1, max_size=2).map(_joined),
        "WKST": st.sampled_from(WEEKDAYS),
        "COUNT": st.integers(1, 500).map(str),
    }
    if frequency != "WEEKLY":
        parts["BYMONTHDAY"] = st.lists(st.sampled_from([1, 15, 29, 31, -1]), min_size=1, max_size=2).map(
            _joined
        )
    chosen = draw(st.lists(st.sampled_from(sorted(parts)), unique=True, max_size=4))
    text = ";".join([f"FREQ={frequency}", *(f"{name}={draw(parts[name])}" for name in chosen)])
    return text + draw(
        st.sampled_from(["", ";BYSETPOS=1", ";BYSETPOS=-1"]) if "BYDAY" in chosen else st.just("")
    )


def _joined(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))


def _start() -> st.SearchStrategy[datetime]:
    return st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001
        lambda moment: moment.replace(second=0, microsecond=0)
    )


@patient
@given(rule=rules(), start=_start(), after=st.integers(-400, 4000), length=st.integers(1, 800))
@example(rule="FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2", start=datetime(2026, 1, 7, 9), after=400, length=9)  # noqa: DTZ001
@example(rule="FREQ=YEARLY", start=datetime(2024, 2, 29), after=3000, length=800)  # noqa: DTZ001
@example(rule="FREQ=MONTHLY;INTERVAL=5", start=datetime(2024, 1, 31), after=3000, length=800)  # noqa: DTZ001
def test_years_in_between_are_skipped_without_a_difference(
    rule: str, start: datetime, after: int, length: int
) -> None:
    """The same times as when they are counted through from the first one."""
    begin, end = (start + timedelta(days=days) for days in (after, after + length))
    counted_through = rrulestr(rule, dtstart=start)
    first = recurrence_of(rule).first(start)
    assume(first is not None)

    assert first == next(iter(counted_through))
    assert recurrence_of(rule).between(start, begin, end) == counted_through.between(begin, end, inc=True)


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        ("FREQ=DAILY", START),
        ("FREQ=WEEKLY", START),
        ("FREQ=WEEKLY;BYDAY=SA", datetime(2026, 1, 3, 16)),  # noqa: DTZ001
        ("FREQ=WEEKLY;BYDAY=SA;COUNT=3", datetime(2026, 1, 3, 16)),  # noqa: DTZ001
        ("FREQ=MONTHLY;BYDAY=-1FR", datetime(2026, 1, 30, 16)),  # noqa: DTZ001
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", datetime(2044, 2, 29, 16)),  # noqa: DTZ001
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", None),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", None),
        ("FREQ=MONTHLY;BYDAY=6MO", None),
    ],
)
def test_the_first_time_or_none(rule: str, first: datetime | None) -> None:
    assert recurrence_of(rule).first(START) == first


def test_a_rule_ends_never_by_count_or_by_a_moment() -> None:
    assert recurrence_of("FREQ=DAILY").endless
    assert not recurrence_of("FREQ=DAILY;COUNT=2").endless
    until = recurrence_of("FREQ=DAILY;UNTIL=20271231T230000Z")
    assert (until.endless, until.until) == (False, datetime(2027, 12, 31, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "must be an RFC 5545 rule in capitals, such as FREQ=WEEKLY;BYDAY=SA"),
        ("every friday", "must be an RFC 5545 rule"),
        ("RRULE:FREQ=DAILY", "must be an RFC 5545 rule"),
        ("freq=daily", "must be an RFC 5545 rule in capitals"),
        ("FREQ=DAILY\nFREQ=WEEKLY", "must be an RFC 5545 rule"),
        ("FREQ=DAILY;", "must be an RFC 5545 rule"),
        ("FREQ=WEEKLY;BYDAY=", "must be an RFC 5545 rule"),
        ("DTSTART=20260101T000000", "must not have DTSTART: `from` says it"),
        ("FREQ=DAILY;BYMINUTE=5", "must not have BYMINUTE: `from` says it"),
        ("FREQ=WEEKLY;BYDAYS=SA", "must not have BYDAYS (did you mean BYDAY?)"),
        ("FREQ=YEARLY;EXDATE=1", "must not have EXDATE"),
        ("BYDAY=SA", "must have a FREQ, such as FREQ=WEEKLY"),
        ("FREQ=HOURLY", "must have a FREQ of DAILY, WEEKLY, MONTHLY or YEARLY"),
        ("FREQ=DAILY;FREQ=WEEKLY", "must name each part once"),
        ("FREQ=DAILY;INTERVAL=0", "must have INTERVAL between 1 and 1000"),
        ("FREQ=DAILY;INTERVAL=-1", "must have INTERVAL between 1 and 1000"),
        ("FREQ=DAILY;INTERVAL=1,2", "must have one number as INTERVAL"),
        ("FREQ=DAILY;COUNT=0", "must have COUNT between 1 and 1000"),
        ("FREQ=DAILY;COUNT=X", "must have COUNT between 1 and 1000"),
        ("FREQ=DAILY;BYMONTH=13", "must have BYMONTH between 1 and 12"),
        ("FREQ=DAILY;BYHOUR=24", "must have BYHOUR between 0 and 23"),
        ("FREQ=DAILY;BYMONTHDAY=0", "must have BYMONTHDAY between 1 and 31"),
        ("FREQ=DAILY;BYMONTHDAY=1,-32", "must have BYMONTHDAY between 1 and 31"),
        ("FREQ=YEARLY;BYYEARDAY=400", "must have BYYEARDAY between 1 and 366"),
        ("FREQ=YEARLY;BYWEEKNO=54", "must have BYWEEKNO between 1 and 53"),
        ("FREQ=MONTHLY;BYDAY=SA;BYSETPOS=0", "must have BYSETPOS between 1 and 366"),
        ("FREQ=WEEKLY;BYDAY=XX", "must have days such as MO or SA as BYDAY"),
        ("FREQ=WEEKLY;BYDAY=2SA", "must have days such as MO or SA as BYDAY"),
        ("FREQ=MONTHLY;BYDAY=0SA", "must have days such as MO or SA as BYDAY (the second Saturday: 2SA)"),
        ("FREQ=WEEKLY;WKST=1MO", "must have one of MO, TU, WE, TH, FR, SA, SU as WKST"),
        ("FREQ=DAILY;UNTIL=20271231", "must have an UNTIL in UTC, such as UNTIL=20271231T230000Z"),
        ("FREQ=DAILY;UNTIL=20271231T230000", "must have an UNTIL in UTC"),
        ("FREQ=DAILY;UNTIL=20271331T230000Z", "must have an UNTIL in UTC"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20271231T230000Z", "must have COUNT or UNTIL, not both"),
    ],
)
def test_what_is_no_rule_is_refused(rule: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as stop:
        recurrence_of(rule)

    assert str(stop.value).startswith(says)


PARTS = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "BYDAY",
    "BYMONTH",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYHOUR",
]


@patient
@given(
    st.lists(st.tuples(st.sampled_from(PARTS), st.text("0123456789,+-MOSADILYWEK", max_size=6)), max_size=4)
)
def test_a_rule_is_read_or_refused_whatever_is_written(parts: list[tuple[str, str]]) -> None:
    text = ";".join(["FREQ=MONTHLY", *(f"{name}={value}" for name, value in parts if name != "FREQ")])
    with suppress(ValueError):
        recurrence_of(text).first(START)
