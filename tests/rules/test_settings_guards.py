"""What guards production, and how a change of it is said."""

from typing import Any

import pytest

from tasks.rules.settings import ReleaseSettings, settings_of
from tasks.rules.settings_guards import Guards, guard_changes, guards_of

YEAR_END = {"name": "year end", "from": "2026-12-20 18:00", "until": "2027-01-07 06:00"}
WEEKENDS = {
    "name": "weekends",
    "kinds": ["release", "hotfix"],
    "time_zone": "Europe/Berlin",
    "from": "2026-01-02 16:00",
    "rule": "FREQ=WEEKLY;BYDAY=FR",
    "hours": 62,
}
UNGUARDED = {"tag_prefix", "bundles", "checks", "smoke", "reviewers", "back_merge", "notifications", "drift"}


def read(parsed: dict[str, Any]) -> ReleaseSettings:
    return settings_of(parsed, source="release.yaml")


def test_every_key_guards_production_or_is_known_not_to() -> None:
    assert set(Guards.model_fields) == set(ReleaseSettings.model_fields) - UNGUARDED


def test_guards_are_those_of_the_settings() -> None:
    settings = read({"approval": {"policy": "prefect"}, "freezes": [YEAR_END], "soak": {"hours": 3}})

    guards = guards_of(settings)

    assert guards == Guards.model_validate_json(guards.model_dump_json())
    assert (guards.approval.policy, guards.freezes, guards.soak.hours) == ("prefect", settings.freezes, 3)


@pytest.mark.parametrize(
    ("production", "candidate", "says"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param(
            {},
            {"reviewers": ["ravi"], "smoke": {"staging": ["x"]}, "back_merge": {"mode": "pull_request"}},
            [],
            id="what guards nothing",
        ),
        pytest.param(
            {},
            {"approval": {"policy": "prefect"}, "targets": {"production": "live"}},
            [
                "`targets.production` is `prod`, this release makes it `live`",
                "`approval.policy` is `both`, this release makes it `prefect`",
            ],
            id="plain values",
        ),
        pytest.param(
            {},
            {"rollback": {"approval": {"policy": "prefect"}}},
            [
                "`rollback.approval.policy` is new: `prefect`",
                "`rollback.approval.approvals` is new: `1 from whoever may write`",
                "`rollback.approval.authors_approve` is new: `true`",
                "`rollback.approval.within_days` is new: `30`",
                "`rollback.approval.remind_days_before` is new: `3`",
            ],
            id="an own policy for rollbacks",
        ),
        pytest.param(
            {"approval": {"approvals": [{"count": 2}, {"from": "data-platform"}], "authors_approve": False}},
            {},
            [
                (
                    "`approval.approvals` is `1 from data-platform and 2 from whoever may write`,"
                    " this release makes it `1 from whoever may write`"
                ),
                "`approval.authors_approve` is `false`, this release makes it `true`",
            ],
            id="approvals",
        ),
        pytest.param(
            {"approval": {"approvals": [{"from": "a"}, {"from": "b"}]}},
            {"approval": {"approvals": [{"from": "b"}, {"from": "a"}]}},
            [],
            id="the order of groups",
        ),
        pytest.param(
            {"freezes": [YEAR_END], "soak": {"hours": 24}},
            {"overrides": {"from": "everybody"}},
            [
                (
                    "the freeze `year end` is `2026-12-20 18:00 to 2027-01-07 06:00 (UTC): no release to prod`,"
                    " this release removes it"
                ),
                "`soak.hours` is `24`, this release makes it `0`",
                "`overrides.from` is `nobody`, this release makes it `everybody`",
            ],
            id="a freeze removed, soak and overrides",
        ),
        pytest.param(
            {"freezes": [YEAR_END]},
            {"freezes": [{**WEEKENDS, "targets": ["staging", "prod"]}, {**YEAR_END, "until": "2027-01-02"}]},
            [
                (
                    "the freeze `year end` is `2026-12-20 18:00 to 2027-01-07 06:00 (UTC): no release to prod`,"
                    " this release makes it `2026-12-20 18:00 to 2027-01-02 00:00 (UTC): no release to prod`"
                ),
                (
                    "the freeze `weekends` is new: `FREQ=WEEKLY;BYDAY=FR from 2026-01-02 16:00 on, 62 hours each"
                    " (Europe/Berlin): no release, hotfix to staging, prod`"
                ),
            ],
            id="freezes changed and added",
        ),
        pytest.param(
            {"targets": {"production": "live"}, "freezes": [YEAR_END]},
            {"freezes": [YEAR_END]},
            [
                "`targets.production` is `live`, this release makes it `prod`",
                (
                    "the freeze `year end` is `2026-12-20 18:00 to 2027-01-07 06:00 (UTC): no release to live`,"
                    " this release makes it `2026-12-20 18:00 to 2027-01-07 06:00 (UTC): no release to prod`"
                ),
            ],
            id="a freeze without targets follows production",
        ),
    ],
)
def test_a_release_shows_what_it_changes_about_its_own_gate(
    production: dict[str, Any], candidate: dict[str, Any], says: list[str]
) -> None:
    assert guard_changes(read(production), read(candidate)) == says
