"""`release.yaml` is read strictly, and what is wrong with it is said completely."""

import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from golden_files import Golden
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tasks.rules.errors import NeedsHuman
from tasks.rules.settings import ReleaseSettings, schema, settings_of
from tasks.rules.versions import Version

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = "release.yaml at 1f3c9ab"

FULL: dict[str, Any] = {
    "branches": {"production": "prod", "develop": "dev", "release_prefix": "rel/", "hotfix_prefix": "fix/"},
    "tag_prefix": "v",
    "targets": {"staging": "qa", "production": "live"},
    "bundles": ["bundles/sales", "bundles/stock"],
    "checks": [{"name": "unit", "command": "pytest -q", "credentials": "qa", "within_minutes": 10}],
    "smoke": {
        "staging": ["smoke_test"],
        "production": ["bundles/sales:smoke_test", "count"],
        "within_minutes": 5,
    },
    "approval": {
        "policy": "github",
        "approvals": [{"from": "data-platform", "count": 1}, {"count": 2}],
        "authors_approve": False,
        "within_days": 7,
        "remind_days_before": 2,
    },
    "rollback": {
        "approval": {
            "policy": "prefect",
            "approvals": [{"count": 1}],
            "authors_approve": True,
            "within_days": 2,
            "remind_days_before": 1,
        }
    },
    "freezes": [
        {
            "name": "year end",
            "targets": ["qa", "live"],
            "kinds": ["release", "rollback"],
            "time_zone": "Europe/Berlin",
            "from": "2026-12-20 18:00",
            "until": "2027-01-07 06:00",
        },
        {
            "name": "weekends",
            "targets": ["live"],
            "kinds": ["release"],
            "time_zone": "UTC",
            "from": "2026-01-02 16:00",
            "rule": "FREQ=WEEKLY;BYDAY=FR;UNTIL=20301231T000000Z",
            "hours": 62,
        },
    ],
    "soak": {"hours": 24, "hotfix_hours": 1},
    "overrides": {"from": "release-managers"},
    "reviewers": ["ravi", "rosa"],
    "back_merge": {"mode": "pull_request"},
    "notifications": [
        {"block": "slack-webhook/releases", "about": ["approval", "drift"], "kinds": ["release", "hotfix"]},
    ],
    "drift": {
        "every_hours": 24,
        "from": "2026-01-01 06:00",
        "time_zone": "Europe/Berlin",
        "targets": ["live"],
    },
}


def read(parsed: object) -> ReleaseSettings:
    return settings_of(parsed, source=SOURCE)


def refusal(parsed: object) -> str:
    with pytest.raises(NeedsHuman) as stop:
        read(parsed)
    return str(stop.value)


@pytest.mark.parametrize("parsed", [None, {}])
def test_every_key_is_optional(parsed: object) -> None:
    settings = read(parsed)

    assert settings == ReleaseSettings()
    assert settings.release_branch(Version(1, 4, 0)) == "release/1.4.0"
    assert settings.hotfix_branch(Version(1, 4, 1)) == "hotfix/1.4.1"
    assert settings.tag(Version(1, 4, 0)) == "1.4.0"
    assert settings.approval.policy == "both"
    assert [(group.team, group.count) for group in settings.approval.approvals] == [(None, 1)]
    assert settings.overrides.team is None


def test_a_rollback_is_approved_like_a_release_unless_it_says_otherwise() -> None:
    usual, own = read({"approval": {"policy": "github"}}), read(FULL)

    assert usual.approval_of("rollback") is usual.approval
    assert own.approval_of("rollback").policy == "prefect"
    assert own.approval_of("release") is own.approval_of("hotfix") is own.approval


def test_every_key_can_be_set() -> None:
    settings = read(FULL)

    assert json.loads(settings.model_dump_json()) == FULL
    assert settings.tag(Version(1, 4, 0)) == "v1.4.0"
    assert settings.version_of_tag("v1.4.0") == Version(1, 4, 0)
    assert settings.version_of_tag("1.4.0") is None
    assert settings.version_of_branch("rel/1.4.0") == Version(1, 4, 0)
    assert settings.version_of_branch("fix/1.4.1") == Version(1, 4, 1)
    assert settings.version_of_branch("release/1.4.0") is None


def test_settings_survive_the_way_through_json() -> None:
    settings = read(FULL)

    assert ReleaseSettings.model_validate(json.loads(settings.model_dump_json())) == settings
    assert ReleaseSettings.model_validate_json(settings.model_dump_json()) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_a_refusal_lists_every_problem(golden: Golden) -> None:
    everything_wrong: dict[object, object] = {
        "aproval": {},
        "policy": "github",
        True: "what YAML makes of the key `on`",
        "branches": {"production": "develop", "release_prefix": "rel", "hotfix_prefix": "hotfix/../"},
        "tag_prefix": "v1",
        "targets": {"staging": "PROD"},
        "bundles": ["../other", "/absolute", ".", "."],
        "checks": [
            {"name": "unit", "command": "  "},
            {"name": "again", "command": "a"},
            {"name": "Again", "command": "b", "credentials": "prod"},
            {"nam": "c"},
            7,
        ],
        "smoke": {"staging": [True, "smoke", "smoke"], "production": ["sales:smoke", "a:b:c", "../x:y"]},
        "approval": {
            "polcy": "both",
            "approvals": [{"count": True}, {"from": "acme/data"}, {"form": "data"}, {"from": None}],
            "authors_approve": "no",
            "within_days": 0,
            "remind_days_before": 90,
            "policy": "nobody",
        },
        "freezes": [
            {"name": "no end", "from": "2026-12-20 18:00"},
            {"name": "offset", "from": "2026-12-20 18:00+01:00", "until": "2027-01-07 18:00:30"},
            {"name": "zone", "time_zone": "Europe/Berln", "from": "2026-12-20", "until": "2026-12-21"},
            {"name": "rule", "from": "2026-12-20", "rule": "FREQ=WEKLY", "hours": 0, "kinds": ["fix"]},
            {"name": "both", "from": "2026-01-01", "until": "2026-01-02", "rule": "FREQ=DAILY", "hours": 1},
            {"name": "target", "targets": ["prd"], "from": "2026-01-01", "until": "2026-01-02"},
            {"name": "Target", "from": "2026-01-01", "rule": "FREQ=DAILY", "hours": 24},
            {"from": "2026-01-01", "until": "2026-01-02", "hour": 1},
        ],
        "soak": {"hours": 1.5, "hotfix": 3},
        "overrides": {"from": "@managers"},
        "reviewers": ["@ravi"],
        "back_merge": "merge",
    }

    golden.check("settings/everything_wrong.txt", refusal(everything_wrong) + "\n")


@pytest.mark.parametrize(
    ("parsed", "says"),
    [
        ([], "it must be a group of keys, not []"),
        ("main", "it must be a group of keys, not 'main'"),
        ({"aproval": {}}, "unknown key `aproval`: did you mean `approval`?"),
        ({"back-merge": {}}, "unknown key `back-merge`: did you mean `back_merge`?"),
        ({"within_days": 3}, "unknown key `within_days`: did you mean `approval.within_days`?"),
        ({"zzz": 1}, "unknown key `zzz`"),
        (
            {"branches": {"prodution": "x"}},
            "unknown key `prodution` in `branches`: did you mean `production`?",
        ),
        ({"checks": [{"name": "a", "command": "b", "cmd": 1}]}, "unknown key `cmd` in `checks[0]`"),
        (
            {"bundles": ["a"], "smoke": {"staging": ["a:test", "b:test"]}},
            "`smoke.staging`: `b:test` is of the folder `b`, which `bundles` does not list",
        ),
        ({"checks": None}, "`checks` must be a list, not nothing"),
        ({"approval": None}, "`approval` must be a group of keys, not nothing"),
        (
            {"approval": {"count": 2}},
            "unknown key `count` in `approval`: did you mean `approval.approvals.count`?",
        ),
        ({"approval": {"approvals": []}}, "`approval.approvals` must have an entry, not []"),
        (
            {"approval": {"approvals": [{"count": "2"}]}},
            "`approval.approvals[0].count` must be a whole number, not '2'",
        ),
        (
            {"approval": {"approvals": [{"count": 0}]}},
            "`approval.approvals[0].count` must be at least 1, not 0",
        ),
        (
            {"approval": {"approvals": [{"form": "data"}]}},
            "unknown key `form` in `approval.approvals[0]`: did you mean `from`?",
        ),
        (
            {"approval": {"approvals": [{"team": "data"}]}},
            "unknown key `team` in `approval.approvals[0]`",
        ),
        ({"approval": {"approvals": [{"from": None}]}}, "`approval.approvals[0].from` must be text"),
        (
            {"approval": {"approvals": [{"from": "acme/data"}]}},
            "must be a team as its address on GitHub ends, such as data-platform, without the organisation and @",
        ),
        (
            {"approval": {"approvals": [{"from": "data"}, {"from": "data", "count": 2}]}},
            "`approval.approvals` has more than one entry from data: make it one, with their sum",
        ),
        (
            {"approval": {"approvals": [{"count": 1}, {"count": 2}]}},
            "`approval.approvals` has more than one entry without `from`",
        ),
        (
            {"approval": {"policy": "prefect", "approvals": [{"from": "data"}]}},
            "which asks for no reviews: teams in `approval.approvals` would guard nothing",
        ),
        (
            {"approval": {"policy": "prefect", "authors_approve": False}},
            "which asks for no reviews: `approval.authors_approve: false` would guard nothing",
        ),
        (
            {"approval": {"within_days": 3}},
            "`approval.remind_days_before` is 3, which is not less than the 3 of `approval.within_days`",
        ),
        ({"approval": {"remind_days_before": 30}}, "is 30, which is not less than the 30"),
        ({"approval": {"remind_days_before": -1}}, "`approval.remind_days_before` must be at least 0"),
        ({"rollback": {"approval": None}}, "`rollback.approval` must be a group of keys, not nothing"),
        (
            {"rollback": {"policy": "github"}},
            "unknown key `policy` in `rollback`: did you mean `approval.policy`?",
        ),
        (
            {"rollback": {"approval": {"within_days": 1}}},
            "`approval.remind_days_before` is 3, which is not less than the 1",
        ),
        ({"soak": {"hours": -1}}, "`soak.hours` must be at least 0, not -1"),
        ({"soak": {"hours": 1.5}}, "`soak.hours` must be a whole number, not 1.5"),
        (
            {"soak": {"hotfix_hours": 240}, "approval": {"within_days": 10}},
            "`soak`: 240 hours are not less than the 10 days of `approval.within_days`",
        ),
        ({"overrides": {"from": None}}, "`overrides.from` must be text"),
        ({"override": {"from": "data"}}, "unknown key `override`: did you mean `overrides`?"),
        ({"approval": {"within_days": 400}}, "`approval.within_days` must be at most 365, not 400"),
        (
            {"approval": {"policy": "Both"}},
            "`approval.policy` must be 'github', 'prefect' or 'both', not 'Both'",
        ),
        ({"branches": {"develop": False}}, "`branches.develop` must be text"),
        ({"branches": {"develop": "a..b"}}, "`branches.develop` has `..`"),
        ({"branches": {"develop": "x.lock"}}, "`branches.develop` has `..` or a part that ends with"),
        ({"branches": {"develop": "with space"}}, "`branches.develop` must be letters"),
        ({"branches": {"develop": "-x"}}, "`branches.develop` must be letters"),
        ({"branches": {"develop": "x\n"}}, "`branches.develop` must be letters"),
        ({"branches": {"release_prefix": "release"}}, "with a slash at the end"),
        ({"branches": {"release_prefix": ""}}, "with a slash at the end"),
        (
            {"branches": {"develop": "main"}},
            "`branches.production` `main` and `branches.develop` `main` are the same",
        ),
        ({"branches": {"develop": "Main"}}, "`branches.production` `main` and `branches.develop` `Main`"),
        ({"branches": {"develop": "main/x"}}, "lie one inside the other"),
        ({"branches": {"develop": "release"}}, "`branches.develop` `release` and `branches.release_prefix`"),
        (
            {"branches": {"hotfix_prefix": "release/"}},
            "`branches.release_prefix` `release/` and `branches.hotfix_",
        ),
        ({"branches": {"hotfix_prefix": "release/fix/"}}, "lie one inside the other"),
        ({"branches": {"hotfix_prefix": "sync/"}}, "dabflow's own `sync/`"),
        ({"tag_prefix": "release/"}, "`tag_prefix` and `branches.release_prefix` are the same"),
        ({"tag_prefix": "v1"}, "without a digit at the end, not 'v1'"),
        ({"tag_prefix": "-v"}, "`tag_prefix` must be empty"),
        ({"targets": {"staging": "prod"}}, "`targets.staging` and `targets.production` are the same target"),
        (
            {"targets": {"staging": "pre-prod", "production": "PRE_PROD"}},
            "`targets.staging` and `targets.production` are the same target",
        ),
        ({"targets": {"staging": "a b"}}, "`targets.staging` must be a target of databricks.yml"),
        ({"bundles": []}, "`bundles` must have an entry, not []"),
        ({"bundles": "."}, "`bundles` must be a list, not '.'"),
        ({"bundles": ["a/../b"]}, "`bundles[0]` must be `.` or a folder"),
        ({"bundles": ["a", "a"]}, "`bundles` lists a more than once"),
        ({"bundles": [".git"]}, "`bundles[0]` must be `.` or a folder"),
        ({"bundles": ["C:\\x"]}, "`bundles[0]` must be `.` or a folder"),
        ({"checks": [{"name": "a"}]}, "`checks[0].command` is missing"),
        ({"checks": [{"name": "a", "command": "b"}] * 2}, "`checks`: more than one is called `a`"),
        (
            {"checks": [{"name": "a", "command": "b", "credentials": "prod"}]},
            "`checks`: `a` runs before the approval, it gets no credentials of production",
        ),
        ({"reviewers": ["ravi", "ravi"]}, "`reviewers` lists ravi more than once"),
        ({"reviewers": ["acme/data"]}, "`reviewers[0]` must be a GitHub login"),
        ({1: 2}, "the key 1 is not text"),
    ],
)
def test_nonsense_is_refused(parsed: object, says: str) -> None:
    text = refusal(parsed)

    assert f"{SOURCE} has a problem:" in text
    assert says in text


def test_a_wrong_value_hides_no_other_problem_and_invents_none() -> None:
    text = refusal({"branches": {"production": "a b", "develop": "main"}, "targets": {"staging": "prod"}})

    assert "has 2 problems" in text
    assert "`branches.production` must be letters" in text
    assert "the same target" in text


def test_the_value_of_an_unknown_key_is_not_repeated() -> None:
    with pytest.raises(NeedsHuman) as stop:
        read({"token": "dapi" + "0123"})  # in two parts: a traceback shows this line, too

    assert "dapi0123" not in "".join(traceback.format_exception(stop.value))


def test_the_shipped_schema_is_what_the_code_reads(golden: Golden) -> None:
    golden.check_file(DOCS / "release.schema.json", json.dumps(schema(), indent=2) + "\n")


@pytest.mark.parametrize("parsed", [{}, FULL])
def test_an_editor_accepts_what_the_code_accepts(parsed: object) -> None:
    Draft202012Validator.check_schema(schema())
    Draft202012Validator(schema()).validate(parsed)


@pytest.mark.parametrize(
    "parsed",
    [
        {"aproval": {}},
        {"approval": {"polcy": "both"}},
        {"checks": [{"name": "a"}]},
        {"bundles": []},
        {"bundles": ["a", "a"]},
        {"bundles": ["a/../b"]},
        {"branches": {"release_prefix": "release"}},
        {"tag_prefix": "v1"},
        {"approval": {"count": 1}},
        {"approval": {"approvals": []}},
        {"approval": {"approvals": [{"count": 0}]}},
        {"approval": {"approvals": [{"from": None}]}},
        {"freezes": [{"name": "a", "from": "tomorrow", "until": "2026-01-02"}]},
        {"freezes": [{"name": "a", "from": "2026-01-01", "until": None}]},
        {"freezes": [{"name": "a", "from": "2026-01-01", "until": "2026-01-02", "kinds": []}]},
        {"overrides": {"from": "@data"}},
    ],
)
def test_an_editor_refuses_what_the_code_refuses(parsed: object) -> None:
    assert not Draft202012Validator(schema()).is_valid(parsed)
    refusal(parsed)
