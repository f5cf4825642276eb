"""Freezes as they are written in `release.yaml`."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.rules.settings import ReleaseSettings, settings_of

ONCE: dict[str, Any] = {"name": "a", "from": "2026-12-20 18:00", "until": "2027-01-07"}
AGAIN: dict[str, Any] = {"name": "a", "from": "2026-12-20", "rule": "FREQ=WEEKLY", "hours": 24}
BERLIN = {"time_zone": "Europe/Berlin"}


def read(*freezes: dict[str, Any], **others: Any) -> ReleaseSettings:
    return settings_of({"freezes": list(freezes), **others}, source="release.yaml")


def refusal(*freezes: dict[str, Any], **others: Any) -> str:
    with pytest.raises(NeedsHuman) as stop:
        read(*freezes, **others)
    return str(stop.value)


def test_what_is_left_out() -> None:
    (freeze,) = read(ONCE).freezes

    assert (freeze.targets, freeze.kinds, freeze.time_zone) == (("prod",), ("release",), "UTC")
    assert (freeze.rule, freeze.hours) == (None, None)


def test_a_freeze_without_targets_is_about_production_whatever_that_is_called() -> None:
    once, again = read(
        ONCE, {**AGAIN, "name": "b", "targets": ["qa"]}, targets={"staging": "qa", "production": "live"}
    ).freezes

    assert (once.targets, again.targets) == (("live",), ("qa",))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-12-20", "2026-12-20 00:00"),
        ("2026-12-20 18:00", "2026-12-20 18:00"),
        ("2026-12-20T18:00", "2026-12-20 18:00"),
        ("2026-12-20 18:00:00", "2026-12-20 18:00"),
        (date(2026, 12, 20), "2026-12-20 00:00"),
        (datetime(2026, 12, 20, 18, 30), "2026-12-20 18:30"),  # noqa: DTZ001
    ],
)
def test_a_local_time_may_be_written_in_these_ways(written: object, meant: str) -> None:
    (freeze,) = read({**ONCE, "from": written}).freezes

    assert freeze.start == datetime.fromisoformat(meant)
    assert freeze.model_dump()["from"] == meant


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-20 18:00+01:00",
        "2026-12-20T18:00Z",
        datetime(2026, 12, 20, 18, tzinfo=timezone(timedelta(hours=1))),
        "2026-12-20 18:00:30",
        datetime(2026, 12, 20, 18, 0, 30),  # noqa: DTZ001
        "2026-12-20 6:00",
        "2026-12-20 25:00",
        "2026-02-30",
        "20.12.2026",
        "18:00",
        1080,  # what YAML makes of 18:00
        "1999-12-31",
        "2026-12-20\n",
        "2\u0660\u0662\u0666-12-20",
        None,
        True,
    ],
)
def test_what_is_no_local_time_is_refused(written: object) -> None:
    text = refusal({**ONCE, "from": written})

    assert "release.yaml has a problem" in text
    assert "`freezes[0].from` must be a date or a local time such as 2026-12-20 18:00" in text


@pytest.mark.parametrize(
    ("freeze", "says"),
    [
        ({"name": "a"}, "`freezes[0].from` is missing"),
        ({"from": "2026-01-01", "until": "2026-01-02"}, "`freezes[0].name` is missing"),
        ({**ONCE, "from": None}, "`freezes[0].from` must be a date"),
        ({**ONCE, "until": None}, "`freezes[0].until` must be a date"),
        ({**AGAIN, "rule": None}, "`freezes[0].rule` must be text"),
        ({**AGAIN, "hours": None}, "`freezes[0].hours` must be a whole number, not nothing"),
        ({**AGAIN, "hours": 0}, "`freezes[0].hours` must be at least 1, not 0"),
        ({**AGAIN, "hours": 9000}, "`freezes[0].hours` must be at most 8784, not 9000"),
        (
            {**AGAIN, "rule": "FREQ=WEEKLY;BYDAY=SO"},
            "`freezes[0].rule` must have days such as MO or SA as BYDAY",
        ),
        ({**AGAIN, "rule": "FREQ=DAILY;UNTIL=20270101"}, "`freezes[0].rule` must have an UNTIL in UTC"),
        ({**ONCE, "time_zone": "Europe/Berln"}, "must be a time zone (did you mean Europe/Berlin?), not"),
        ({**ONCE, "time_zone": "CEST"}, "`freezes[0].time_zone` must be a time zone"),
        ({**ONCE, "start": "2026-01-01"}, "unknown key `start` in `freezes[0]`"),
        ({**ONCE, "timezone": "UTC"}, "unknown key `timezone` in `freezes[0]`: did you mean `time_zone`?"),
        ({**ONCE, "kinds": []}, "`freezes[0].kinds` must have an entry, not []"),
        ({**ONCE, "kinds": ["release", "release"]}, "`freezes[0].kinds` lists release more than once"),
        ({**ONCE, "kinds": ["fix"]}, "`freezes[0].kinds[0]` must be 'release', 'hotfix' or 'rollback'"),
        ({**ONCE, "targets": []}, "`freezes[0].targets` must have an entry, not []"),
        (
            {**ONCE, "targets": ["production"]},
            (
                "`freezes`: `a` freezes `production`, which is neither `targets.staging` `staging`"
                " nor `targets.production` `prod`"
            ),
        ),
        ({"name": "a", "from": "2026-12-20"}, "`freezes`: `a` needs `until`, or `rule` and `hours`"),
        (
            {**ONCE, "hours": 1},
            "`freezes`: `a` has `hours` but no `rule`: what happens once ends with `until`",
        ),
        (
            {**AGAIN, "until": "2027-01-01"},
            "`freezes`: `a` has `until` and `rule`: what recurs lasts for `hours`",
        ),
        (
            {"name": "a", "from": "2026-12-20", "rule": "FREQ=DAILY"},
            "`freezes`: `a` has a `rule` but no `hours`: how long does each last?",
        ),
        ({**ONCE, "until": "2026-12-20 18:00"}, "`freezes`: `a` has an `until` that is not after its `from`"),
        (
            {**BERLIN, "name": "a", "from": "2027-03-28 02:15", "until": "2027-03-28 02:45"},
            "`freezes`: `a` never holds: the clocks of Europe/Berlin skip all of it",
        ),
        (
            {**AGAIN, "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"},
            "`freezes`: `a` never begins: its `rule` gives no day in the 40 years after `from`",
        ),
        (
            {**AGAIN, "rule": "FREQ=WEEKLY;BYDAY=MO;UNTIL=20261220T235959Z"},
            "`freezes`: `a` never begins: UNTIL is before the first time, 2026-12-21 00:00",
        ),
        (
            {**AGAIN, "rule": "FREQ=DAILY"},
            "`freezes`: `a` would freeze `prod` for ever: for more than a year there is no gap for a release",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(freeze: dict[str, Any], says: str) -> None:
    text = refusal(freeze)

    assert "release.yaml has a problem" in text
    assert says in text


def test_names_are_there_once() -> None:
    assert "`freezes`: more than one is called `A`" in refusal(ONCE, {**AGAIN, "name": "A"})


def test_there_are_not_too_many() -> None:
    """Each is weighed with the others, and a calendar belongs elsewhere."""
    many = [{**ONCE, "name": f"day {n}"} for n in range(31)]

    assert "`freezes` must have at most 30 entries, not [" in refusal(*many)
    assert len(read(*many[1:]).freezes) == 30


def test_freezes_that_together_leave_no_gap_are_refused_by_name() -> None:
    weekends = {**AGAIN, "name": "weekends", "rule": "FREQ=WEEKLY;BYDAY=SA", "hours": 48}
    weekdays = {**AGAIN, "name": "weekdays", "rule": "FREQ=WEEKLY;BYDAY=MO", "hours": 120}

    text = refusal(weekends, {**ONCE, "name": "once"}, weekdays)

    assert "`freezes`: `weekends` and `weekdays` would freeze `prod` for ever" in text
    assert len(read(weekends, {**weekdays, "kinds": ["hotfix"]}).freezes) == 2


def test_a_wrong_target_of_production_is_not_said_of_the_freeze_too() -> None:
    text = refusal({**ONCE, "targets": ["live"]}, targets={"production": "a b"})

    assert "release.yaml has a problem" in text
    assert "`targets.production` must be a target of databricks.yml" in text


def test_a_wrong_freeze_hides_no_other_and_invents_none() -> None:
    text = refusal(
        {"until": "2026-01-02"},
        {**ONCE, "name": "b", "until": "soon"},
        {**ONCE, "name": "c", "targets": ["qa"]},
        {**ONCE, "name": "c"},
    )

    assert "release.yaml has 5 problems" in text
    assert "`freezes[0].name` is missing" in text
    assert "`freezes[0].from` is missing" in text
    assert "`freezes[1].until` must be a date" in text
    assert "`c` freezes `qa`" in text
    assert "more than one is called `c`" in text
