"""Local times on the days when clocks are changed."""

import sys
import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import patient

from tasks.rules.errors import NeedsHuman
from tasks.rules.local_times import begins, ends, known_zone, on_the_wall, zone_of

BERLIN = "Europe/Berlin"
# Also a zone that changes by half an hour, one that once skipped a whole day, and one without changes.
ZONES = [BERLIN, "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Santiago", "UTC"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "local", "first", "last"),
    [
        pytest.param("UTC", "2026-07-01 12:00", "12:00", "12:00", id="UTC"),
        pytest.param(BERLIN, "2026-07-01 12:00", "10:00", "10:00", id="summer"),
        pytest.param(BERLIN, "2026-12-01 12:00", "11:00", "11:00", id="winter"),
        pytest.param(BERLIN, "2026-10-25 01:59", "23:59", "23:59", id="before clocks go back"),
        pytest.param(BERLIN, "2026-10-25 02:00", "00:00", "01:00", id="shown twice, the first"),
        pytest.param(BERLIN, "2026-10-25 02:30", "00:30", "01:30", id="shown twice"),
        pytest.param(BERLIN, "2026-10-25 03:00", "02:00", "02:00", id="after clocks went back"),
        pytest.param(BERLIN, "2027-03-28 01:59", "00:59", "00:59", id="before clocks go forward"),
        pytest.param(BERLIN, "2027-03-28 02:00", "01:00", "01:00", id="skipped, the first"),
        pytest.param(BERLIN, "2027-03-28 02:30", "01:00", "01:00", id="skipped"),
        pytest.param(BERLIN, "2027-03-28 03:00", "01:00", "01:00", id="after clocks went forward"),
        pytest.param("America/New_York", "2026-11-01 01:30", "05:30", "06:30", id="New York, twice"),
        pytest.param("America/New_York", "2027-03-14 02:30", "07:00", "07:00", id="New York, skipped"),
        pytest.param("Australia/Sydney", "2027-04-04 02:30", "15:30", "16:30", id="Sydney, twice in April"),
        pytest.param(
            "Australia/Sydney", "2026-10-04 02:30", "16:00", "16:00", id="Sydney, skipped in October"
        ),
        pytest.param("Australia/Lord_Howe", "2026-10-04 02:15", "15:30", "15:30", id="half an hour skipped"),
        pytest.param("Pacific/Apia", "2011-12-30 12:00", "10:00", "10:00", id="a day skipped"),
    ],
)
def test_a_local_time_is_a_moment(zone: str, local: str, first: str, last: str) -> None:
    moments = [moment(at(local), zone_of(zone)) for moment in (begins, ends)]

    assert [f"{moment:%H:%M}" for moment in moments] == [first, last]
    assert {(moment.tzinfo, moment.fold) for moment in moments} == {(UTC, 0)}


@patient
@given(
    local=st.datetimes(min_value=datetime(2005, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    zone=st.sampled_from(ZONES),
)
def test_the_first_and_the_last_moment_at_which_the_clock_gets_there(local: datetime, zone: str) -> None:
    local, there, second = local.replace(second=0, microsecond=0), zone_of(zone), timedelta(seconds=1)

    first, last = begins(local, there), ends(local, there)

    assert first <= last
    assert on_the_wall(first, there) >= local > on_the_wall(first - second, there)
    assert on_the_wall(last, there) >= local > on_the_wall(last - second, there)


@pytest.mark.parametrize("name", ["UTC", BERLIN, "CET", "America/Argentina/Buenos_Aires"])
def test_time_zones_are_known(name: str) -> None:
    assert known_zone(name) == name
    assert zone_of(name).utcoffset(datetime(2026, 1, 1)) is not None  # noqa: DTZ001


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Europe/Berln", "must be a time zone (did you mean Europe/Berlin?)"),
        ("europe/berlin", "must be a time zone (did you mean Europe/Berlin?)"),
        ("Berlin", "must be a time zone (did you mean Europe/Berlin?)"),
        ("New York", "must be a time zone (did you mean America/New_York?)"),
        ("utc", "must be a time zone (did you mean UTC?)"),
        ("xyzzyx", "must be a time zone such as Europe/Berlin"),
        ("", "must be a time zone such as Europe/Berlin"),
        ("Europe", "must be a time zone"),
        ("../Berlin", "must be a time zone"),
        ("/etc/localtime", "must be a time zone"),
        ("localtime", "must be a time zone"),  # whatever the machine is set to
        ("a\0b", "must be a time zone"),
    ],
)
def test_what_is_no_time_zone_is_refused(name: str, says: str) -> None:
    with pytest.raises(ValueError, match="must be a time zone") as stop:
        known_zone(name)

    assert str(stop.value).startswith(says)


def test_a_machine_without_time_zones_knows_utc_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(to=[])
    ZoneInfo.clear_cache()
    try:
        assert known_zone("UTC") == "UTC"
        assert zone_of("UTC") is UTC
        with pytest.raises(ValueError, match="must be UTC as long as this machine has no time zones"):
            known_zone(BERLIN)
        with pytest.raises(NeedsHuman, match="does not know the time zone Europe/Berlin"):
            zone_of(BERLIN)
    finally:
        zoneinfo.reset_tzpath()
