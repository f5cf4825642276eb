"""When production is left alone, on both sides of a change of clocks too."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from patience import patient

from tasks.rules.freezes import Frozen, forever, frozen, soak_ends
from tasks.rules.recurrence import recurrence_of
from tasks.rules.settings_approval import Soak
from tasks.rules.settings_freezes import Freeze

BERLIN, NEW_YORK, SYDNEY = "Europe/Berlin", "America/New_York", "Australia/Sydney"
SECOND = timedelta(seconds=1)


def freeze(name: str = "freeze", **keys: Any) -> Freeze:
    start = keys.pop("start")
    return Freeze.model_validate({"name": name, "targets": ["prod"], "from": start, **keys})


def weekend(zone: str) -> Freeze:
    """Saturday 00:00 to Monday 00:00."""
    return freeze("weekend", start="2026-01-03", rule="FREQ=WEEKLY;BYDAY=SA", hours=48, time_zone=zone)


def here(text: str, zone: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def held(
    freezes: Sequence[Freeze], now: datetime, *, target: str = "prod", kind: str = "release"
) -> Frozen | None:
    return frozen(freezes, target=target, kind=kind, now=now)


def until(freezes: Sequence[Freeze], now: datetime) -> datetime | None:
    found = held(freezes, now)
    return found.until if found else None


def test_nothing_is_frozen_without_freezes() -> None:
    assert held([], datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_a_freeze_holds_from_its_first_moment_and_not_in_its_last() -> None:
    year_end = freeze("year end", start="2026-12-20 18:00", until="2027-01-07", time_zone=BERLIN)
    first, last = here("2026-12-20 18:00", BERLIN), here("2027-01-07 00:00", BERLIN)

    assert held([year_end], first - SECOND) is None
    assert held([year_end], first) == Frozen("year end", last.astimezone(UTC))
    assert held([year_end], last - SECOND) == Frozen("year end", last.astimezone(UTC))
    assert held([year_end], last) is None


@pytest.mark.parametrize(
    ("target", "kind", "holds"),
    [
        ("prod", "release", True),
        ("prod", "hotfix", False),
        ("prod", "rollback", False),
        ("staging", "release", False),
    ],
)
def test_a_freeze_is_about_a_target_and_kinds(target: str, kind: str, holds: bool) -> None:
    once = freeze(start="2026-01-01", until="2026-01-02")

    assert (held([once], here("2026-01-01 12:00", "UTC"), target=target, kind=kind) is not None) == holds


def test_a_freeze_may_be_about_more() -> None:
    once = freeze(
        start="2026-01-01", until="2026-01-02", targets=["staging", "prod"], kinds=["hotfix", "rollback"]
    )
    now = here("2026-01-01 12:00", "UTC")

    assert held([once], now) is None
    assert held([once], now, target="staging", kind="hotfix") is not None
    assert held([once], now, kind="rollback") is not None


@pytest.mark.parametrize(
    ("zone", "saturday", "monday", "hours"),
    [
        pytest.param(BERLIN, "2026-10-17", "2026-10-19", 48, id="Berlin, a week before"),
        pytest.param(BERLIN, "2026-10-24", "2026-10-26", 49, id="Berlin, clocks go back"),
        pytest.param(BERLIN, "2026-10-31", "2026-11-02", 48, id="Berlin, a week after"),
        pytest.param(BERLIN, "2027-03-27", "2027-03-29", 47, id="Berlin, clocks go forward"),
        pytest.param(NEW_YORK, "2026-10-31", "2026-11-02", 49, id="New York, clocks go back"),
        pytest.param(NEW_YORK, "2027-03-13", "2027-03-15", 47, id="New York, clocks go forward"),
        pytest.param(SYDNEY, "2026-10-03", "2026-10-05", 47, id="Sydney, clocks go forward in October"),
        pytest.param(SYDNEY, "2027-04-03", "2027-04-05", 49, id="Sydney, clocks go back in April"),
        pytest.param("UTC", "2026-10-24", "2026-10-26", 48, id="UTC"),
    ],
)
def test_a_weekend_is_from_midnight_to_midnight(zone: str, saturday: str, monday: str, hours: int) -> None:
    """By the clock on the wall, however many hours that is."""
    first, last = (here(day, zone).astimezone(UTC) for day in (saturday, monday))

    assert last - first == timedelta(hours=hours)
    assert held([weekend(zone)], first - SECOND) is None
    assert until([weekend(zone)], first) == last
    assert until([weekend(zone)], last - SECOND) == last
    assert held([weekend(zone)], last) is None


@pytest.mark.parametrize(
    ("day", "start", "first", "last"),
    [
        pytest.param("2026-10-25", "02:30", "00:30", "02:30", id="begins in the hour that comes twice"),
        pytest.param("2026-10-25", "01:30", "23:30", "01:30", id="ends in the hour that comes twice"),
        pytest.param(
            "2026-10-25", "01:00", "23:00", "01:00", id="ends when that hour begins, the second time"
        ),
        pytest.param("2026-10-25", "02:00", "00:00", "02:00", id="is the hour that comes twice"),
        pytest.param("2027-03-28", "02:30", "01:00", "01:30", id="begins in the hour that is skipped"),
        pytest.param("2027-03-28", "01:30", "00:30", "01:00", id="ends in the hour that is skipped"),
        pytest.param("2027-03-28", "03:00", "01:00", "02:00", id="begins when clocks went forward"),
    ],
)
@pytest.mark.parametrize("recurring", [False, True])
def test_clocks_change_within_a_freeze_of_one_hour(
    day: str, start: str, first: str, last: str, recurring: bool
) -> None:
    """What comes twice is frozen both times and in between, what is skipped is not missed."""
    opens = datetime.fromisoformat(f"{day} {start}")
    closes = opens + timedelta(hours=1)
    keys = (
        {"start": f"2026-01-01 {start}", "rule": "FREQ=DAILY", "hours": 1}
        if recurring
        else {"start": f"{opens:%Y-%m-%d %H:%M}", "until": f"{closes:%Y-%m-%d %H:%M}"}
    )
    hour = freeze(time_zone=BERLIN, **keys)
    begin = datetime.fromisoformat(f"{day} {first}").replace(tzinfo=UTC)
    begin -= timedelta(days=1) if first > last else timedelta(0)
    end = datetime.fromisoformat(f"{day} {last}").replace(tzinfo=UTC)

    quarters = [begin + timedelta(minutes=15) * n for n in range((end - begin) // timedelta(minutes=15))]

    assert held([hour], begin - SECOND) is None
    assert {until([hour], moment) for moment in [*quarters, end - SECOND]} == {end}
    assert held([hour], end) is None


def test_an_hour_that_is_skipped_is_not_frozen() -> None:
    """Nobody can deploy in it, and nobody is kept from deploying after it."""
    skipped = freeze(start="2026-01-01 02:00", rule="FREQ=DAILY", hours=1, time_zone=BERLIN)

    assert until([skipped], here("2027-03-27 02:30", BERLIN)) == here("2027-03-27 03:00", BERLIN)
    assert held([skipped], here("2027-03-28 01:59", BERLIN)) is None
    assert held([skipped], here("2027-03-28 03:00", BERLIN)) is None


def test_freezes_that_overlap_or_touch_are_one() -> None:
    weekends = weekend(BERLIN)
    monday = freeze("monday", start="2026-10-26", until="2026-10-26 12:00", time_zone=BERLIN)
    audit = freeze("audit", start="2026-10-26 08:00", until="2026-10-30 18:00", time_zone=BERLIN)
    friday = freeze("friday", start="2026-10-30 18:00", until="2026-10-31", time_zone=BERLIN)
    later = freeze("later", start="2026-11-02 00:01", until="2026-11-03", time_zone=BERLIN)
    freezes = [later, friday, audit, monday, weekends]

    assert held(freezes, here("2026-10-24 12:00", BERLIN)) == Frozen(
        "weekend", here("2026-11-02", BERLIN).astimezone(UTC)
    )
    assert held(freezes, here("2026-11-02", BERLIN)) is None
    assert held(freezes, here("2026-10-26 09:00", BERLIN)) == Frozen(
        "audit", here("2026-11-02", BERLIN).astimezone(UTC)
    )


def test_windows_of_one_rule_may_overlap() -> None:
    on_call = freeze(start="2026-01-01 20:00", rule="FREQ=DAILY;BYHOUR=8,20;COUNT=6", hours=13)

    assert until([on_call], here("2026-01-01 20:00", "UTC")) == here("2026-01-04 21:00", "UTC")


def test_an_until_is_the_last_moment_at_which_a_freeze_begins_again() -> None:
    # 31 October begins at 23:00 in UTC, the Saturdays before it at 22:00.
    ending = freeze(
        start="2026-10-03",
        rule="FREQ=WEEKLY;BYDAY=SA;UNTIL=20261030T220000Z",
        hours=48,
        time_zone=BERLIN,
    )

    assert until([ending], here("2026-10-24 12:00", BERLIN)) == here("2026-10-26", BERLIN)
    assert held([ending], here("2026-10-31 12:00", BERLIN)) is None


def test_a_rule_is_read_in_the_time_zone_of_its_freeze() -> None:
    """Friday evening in New York is Saturday in Berlin."""
    friday = freeze(start="2026-01-02 20:00", rule="FREQ=WEEKLY;BYDAY=FR", hours=4, time_zone=NEW_YORK)

    assert until([friday], here("2026-07-04 02:00", BERLIN)) == here("2026-07-04 06:00", BERLIN)
    assert held([friday], here("2026-07-03 20:00", BERLIN)) is None


def test_many_years_of_a_rule_are_not_counted_through() -> None:
    """As many rules are looked at as would take minutes to count through."""
    nights = freeze(start="2000-01-01 22:00", rule="FREQ=DAILY", hours=8, time_zone=BERLIN)

    for day in range(1000):
        moment = datetime(2900, 1, 1, 22, tzinfo=UTC) + timedelta(days=day)
        found = until([nights], moment)
        assert found is not None
        assert timedelta(0) < found - moment < timedelta(hours=8)


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        pytest.param([{"rule": "FREQ=DAILY", "hours": 24}], ("0",), id="daily"),
        pytest.param([{"rule": "FREQ=DAILY", "hours": 23}], (), id="an hour is free"),
        pytest.param([{"rule": "FREQ=WEEKLY", "hours": 168}], ("0",), id="weekly"),
        pytest.param([{"rule": "FREQ=WEEKLY", "hours": 167}], (), id="an hour a week is free"),
        pytest.param([{"rule": "FREQ=MONTHLY", "hours": 24 * 31}], ("0",), id="monthly"),
        pytest.param([{"rule": "FREQ=MONTHLY", "hours": 24 * 30}], (), id="a day in some months is free"),
        pytest.param([{"rule": "FREQ=YEARLY", "hours": 24 * 366}], ("0",), id="yearly"),
        pytest.param([{"rule": "FREQ=DAILY;COUNT=1000", "hours": 24}], (), id="it ends by count"),
        pytest.param(
            [{"rule": "FREQ=DAILY;UNTIL=20991231T000000Z", "hours": 24}], (), id="it ends by a moment"
        ),
        pytest.param([{"until": "2999-01-01"}], (), id="it ends"),
        pytest.param(
            [
                {"rule": "FREQ=WEEKLY;BYDAY=SA", "hours": 48},
                {"rule": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=20", "hours": 400},
                {"rule": "FREQ=WEEKLY;BYDAY=MO", "hours": 120, "start": "2030-01-01"},
            ],
            ("0", "2"),
            id="two of three together",
        ),
        pytest.param(
            [
                {"rule": "FREQ=WEEKLY;BYDAY=SA", "hours": 48},
                {"rule": "FREQ=WEEKLY;BYDAY=MO", "hours": 120, "kinds": ["hotfix"]},
            ],
            (),
            id="of other kinds",
        ),
        pytest.param(
            [
                {"rule": "FREQ=WEEKLY;BYDAY=SA", "hours": 48},
                {"rule": "FREQ=WEEKLY;BYDAY=MO", "hours": 120, "targets": ["staging"]},
            ],
            (),
            id="of other targets",
        ),
    ],
)
def test_freezes_without_a_gap_are_found(keys: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    freezes = [freeze(str(n), **{"start": "2026-01-01", **each}) for n, each in enumerate(keys)]

    assert forever(freezes, target="prod", kind="release") == names


def test_a_look_at_freezes_of_many_years_ends() -> None:
    """Where the end is far away the gate looks again before it."""
    days = [freeze(str(n), start=f"{2026 + n}-01-01", until=f"{2027 + n}-01-01") for n in range(10)]
    now = here("2026-06-01", "UTC")

    found = until(days, now)

    assert found is not None
    assert now + timedelta(days=2 * 365) < found <= here("2036-01-01", "UTC")


@pytest.mark.parametrize(
    ("kind", "after_hours", "ends_after_hours"),
    [
        ("release", 0, 24),
        ("release", 23, 24),
        ("release", 24, None),
        ("hotfix", 0, 1),
        ("hotfix", 1, None),
        ("rollback", 0, None),
    ],
)
def test_soak_time(kind: str, after_hours: int, ends_after_hours: int | None) -> None:
    """It is a duration: clocks do not matter."""
    soak, since = Soak(hours=24, hotfix_hours=1), here("2026-10-24 12:00", BERLIN).astimezone(UTC)
    end = None if ends_after_hours is None else since + timedelta(hours=ends_after_hours)

    assert soak_ends(soak, kind=kind, since=since, now=since + timedelta(hours=after_hours)) == end


def test_without_soak_time_nobody_waits() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert soak_ends(Soak(), kind="release", since=now, now=now) is None


@st.composite
def freezes_of_a_year(draw: st.DrawFn) -> list[Freeze]:
    """Up to four freezes, most of them at times when clocks are changed."""
    return [draw(st.one_of(_once(), _recurring())) for _ in range(draw(st.integers(1, 4)))]


ZONES = st.sampled_from([BERLIN, NEW_YORK, SYDNEY, "Australia/Lord_Howe", "UTC"])
NEAR_CHANGES = st.sampled_from(
    ["2026-10-24", "2026-10-31", "2026-10-03", "2027-03-27", "2027-04-03", "2026-12-31"]
)


@st.composite
def _local(draw: st.DrawFn) -> datetime:
    minutes = draw(st.integers(0, 8 * 24 * 4)) * 15
    return datetime.fromisoformat(draw(NEAR_CHANGES)) + timedelta(minutes=minutes)


@st.composite
def _once(draw: st.DrawFn) -> Freeze:
    start = draw(_local())
    until = start + timedelta(minutes=15 * draw(st.integers(8, 500)))
    return freeze("once", start=str(start), until=str(until), time_zone=draw(ZONES))


@st.composite
def _recurring(draw: st.DrawFn) -> Freeze:
    start = draw(_local()) - timedelta(days=draw(st.sampled_from([0, 7, 70, 365, 3650])))
    rule = draw(
        st.sampled_from(
            [
                "FREQ=DAILY",
                "FREQ=DAILY;INTERVAL=3",
                "FREQ=WEEKLY;BYDAY=SA,SU",
                "FREQ=WEEKLY;INTERVAL=2",
                "FREQ=MONTHLY;BYMONTHDAY=-1",
                "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU",
                "FREQ=DAILY;COUNT=200",
                "FREQ=DAILY;UNTIL=20261025T003000Z",
            ]
        )
    )
    hours = draw(st.sampled_from([1, 2, 3, 12, 23, 24, 25, 48]))
    assume(recurrence_of(rule).until is None or start.year < 2026)
    return freeze("recurring", start=str(start), rule=rule, hours=hours, time_zone=draw(ZONES))


def _moments() -> st.SearchStrategy[datetime]:
    return st.tuples(NEAR_CHANGES, st.integers(-86400, 5 * 86400)).map(
        lambda pair: datetime.fromisoformat(pair[0]).replace(tzinfo=UTC) + timedelta(seconds=pair[1])
    )


@patient
@given(freezes=freezes_of_a_year(), now=_moments())
def test_until_is_the_first_moment_at_which_nothing_is_frozen(freezes: list[Freeze], now: datetime) -> None:
    """One second earlier something is, and so it is at each moment in between."""
    assume(not forever(freezes, target="prod", kind="release"))
    end = until(freezes, now)
    if end is None:
        return

    between = [now + (end - now) * part / 20 for part in range(20)]

    assert now < end
    assert held(freezes, end) is None
    assert held(freezes, end - SECOND) is not None
    assert {until(freezes, moment) for moment in [*between, end - SECOND]} == {end}


@patient
@given(each=st.one_of(_once(), _recurring()), now=_moments())
def test_what_the_clock_on_the_wall_shows_within_a_window_is_frozen(each: Freeze, now: datetime) -> None:
    """And beyond that only what lies between the two times that the clock shows the same."""
    zone = ZoneInfo(each.time_zone)
    shown = [
        (now + timedelta(minutes=minutes)).astimezone(zone).replace(tzinfo=None) for minutes in (-70, 0, 70)
    ]
    clocks_stay = all(later - earlier == timedelta(minutes=70) for earlier, later in pairwise(shown))
    recurrence = recurrence_of(each.rule) if each.rule else None
    assume(recurrence is None or recurrence.until is None)
    if recurrence is None:
        windows = [(each.start, each.until or each.start)]
    else:
        lasts = timedelta(hours=each.hours or 0)
        starts = recurrence.between(each.start, shown[1] - lasts, shown[1])
        windows = [(start, start + lasts) for start in starts]
    within = any(start <= shown[1] < stop for start, stop in windows)

    assert (held([each], now) is not None) >= within
    if clocks_stay:
        assert (held([each], now) is not None) == within
