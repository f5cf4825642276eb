"""`notifications` and `drift` in release.yaml."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.rules.settings import ReleaseSettings, settings_of
from tasks.rules.settings_news import Drift, next_look, recipients

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAILY = {"every_hours": 24, "from": "2026-01-01 06:00", "time_zone": "Europe/Berlin"}


def settings(**parsed: Any) -> ReleaseSettings:
    return settings_of(parsed, source="release.yaml")


def drift(**parsed: Any) -> Drift:
    found = settings(drift=parsed).drift
    assert found is not None
    return found


def test_who_is_told_what() -> None:
    entries = settings(
        notifications=[
            {"block": "slack-webhook/all"},
            {"block": "ms-teams-webhook/approvers", "about": ["approval", "reminder"], "kinds": ["hotfix"]},
            {"block": "slack-webhook/all", "about": ["drift"]},
        ]
    ).notifications

    assert recipients(entries, "approval", "hotfix") == ("slack-webhook/all", "ms-teams-webhook/approvers")
    assert recipients(entries, "approval", "release") == ("slack-webhook/all",)
    assert recipients(entries, "drift", None) == ("slack-webhook/all",)


@pytest.mark.parametrize(
    ("parsed", "says"),
    [
        ({"notifications": [{}]}, "`notifications[0].block` is missing"),
        ({"notifications": [{"block": "releases"}]}, "such as slack-webhook/releases, not 'releases'"),
        ({"notifications": [{"block": "https://hooks.slack.com/services/x"}]}, "must be a block's type"),
        ({"notifications": [{"block": "a/b", "about": ["news"]}]}, "must be 'approval', 'reminder'"),
        ({"notifications": [{"block": "a/b", "about": []}]}, "must have an entry"),
        ({"drift": {}}, "`drift.every_hours` is missing"),
        ({"drift": {"every_hours": 0}}, "`drift.every_hours` must be at least 1"),
        ({"drift": {"every_hours": 24, "from": "06:00"}}, "`drift.from` must be a date or a local time"),
        ({"drift": {"every_hours": 1, "targets": ["dev"]}}, "`dev` is neither `targets.staging` `staging`"),
        ({"drift": {"every_hour": 1}}, "did you mean `every_hours`?"),
    ],
)
def test_nonsense_is_refused(parsed: dict[str, Any], says: str) -> None:
    with pytest.raises(NeedsHuman) as stop:
        settings(**parsed)

    assert says in str(stop.value)


def test_drift_is_of_both_targets_where_it_names_none() -> None:
    assert settings().drift is None
    assert drift(every_hours=24).targets == ("staging", "prod")
    assert drift(every_hours=24, targets=["prod"]).targets == ("prod",)
    whole = settings(drift={"every_hours": 24})
    assert ReleaseSettings.model_validate(json.loads(whole.model_dump_json())) == whole


@pytest.mark.parametrize(
    ("parsed", "last", "expected"),
    [
        pytest.param({"every_hours": 24}, None, NOW, id="never yet"),
        pytest.param({"every_hours": 24}, NOW - timedelta(hours=3), NOW + timedelta(hours=21), id="later"),
        pytest.param({"every_hours": 24}, NOW - timedelta(hours=30), NOW, id="overdue"),
        pytest.param(DAILY, NOW - timedelta(hours=3), datetime(2026, 11, 25, 5, tzinfo=UTC), id="at six"),
        pytest.param(DAILY, NOW - timedelta(hours=9), NOW, id="at six, overdue"),
        pytest.param(
            DAILY, datetime(2026, 11, 24, 5, tzinfo=UTC), datetime(2026, 11, 25, 5, tzinfo=UTC), id="on time"
        ),
        pytest.param(DAILY, None, NOW, id="at six, never yet"),
        pytest.param(
            {**DAILY, "from": "2026-12-24 06:00"},
            NOW,
            datetime(2026, 11, 25, 5, tzinfo=UTC),
            id="before `from`",
        ),
        pytest.param(
            {**DAILY, "every_hours": 7 * 24}, NOW, datetime(2026, 11, 26, 5, tzinfo=UTC), id="once a week"
        ),
    ],
)
def test_when_targets_are_looked_at_next(
    parsed: dict[str, Any], last: datetime | None, expected: datetime
) -> None:
    assert next_look(drift(**parsed), last, NOW) == expected


def test_the_clock_on_the_wall_says_six_also_after_it_was_changed() -> None:
    before = datetime(2026, 10, 24, 4, tzinfo=UTC)  # six in summer

    assert next_look(drift(**DAILY), before, before) == datetime(2026, 10, 25, 5, tzinfo=UTC)
