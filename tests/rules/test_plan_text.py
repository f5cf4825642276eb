"""What an approver reads: the dangerous first, drift apart, nothing secret, readable at any size."""

from typing import Any

import pytest
from golden_files import Golden
from plan_files import NAMES, made_up, plan_of

from tasks.rules.markdown import GITHUB_LIMIT, limited
from tasks.rules.plan_text import plan_line, plan_markdown
from tasks.rules.plans import Plan

COMMIT, BEFORE = "41be" + "0" * 36, "9f2c" + "0" * 36
WHEEL = "/Workspace/.bundle/lakehouse/prod/artifacts/.internal/lakehouse-{}-py3-none-any.whl"


def markdown(
    plan: Plan, *, previous: str | None = BEFORE, files: tuple[str, ...] = ("src/extract.py",)
) -> str:
    return plan_markdown(plan, target="prod", commit=COMMIT, previous_commit=previous, files_changed=files)


def update(**fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": "update",
        "changes": {path: {"action": "update", **field} for path, field in fields.items()},
    }


def field_line(field: dict[str, Any], path: str = "field") -> str:
    plan = made_up(jobs__x={"action": "update", "changes": {path: {"action": "update", **field}}})
    return next(line.strip() for line in markdown(plan).splitlines() if line.startswith("  - "))


@pytest.mark.parametrize("name", NAMES)
def test_plans_of_the_real_cli(name: str, golden: Golden) -> None:
    golden.check(
        f"plans/{name}.md", markdown(plan_of(name), previous=None if name == "clean_target" else BEFORE)
    )


def test_everything_at_once(golden: Golden) -> None:
    new_wheel = {"old": WHEEL.format("0.1.0"), "new": WHEEL.format("0.2.0"), "remote": WHEEL.format("0.1.0")}
    plan = made_up(
        jobs__daily_report=update(
            wheel=new_wheel, pause_status={"old": "UNPAUSED", "new": "UNPAUSED", "remote": "PAUSED"}
        ),
        jobs__weekly_report=update(wheel=new_wheel),
        jobs__monthly_report=update(wheel=new_wheel),
        jobs__hourly_report=update(max_concurrent_runs={"old": 1, "new": 2, "remote": 7}),
        jobs__new_report={"action": "create"},
        jobs__new_report__permissions={"action": "create"},
        jobs__old_report={"action": "delete"},
        jobs__old_report__permissions={"action": "delete"},
        jobs__daily_report__permissions=update(
            **{"[group_name='engineers'].level": {"old": "CAN_RUN", "new": "CAN_MANAGE"}}
        ),
        jobs__gone_report={"action": "delete", "gone": True},
        jobs__quiet_report={"action": "skip"},
        pipelines__ingest={
            "action": "recreate",
            "changes": {
                "storage": {"action": "recreate", "reason": "immutable", "old": "/mnt/a", "new": "/mnt/b"},
                "channel": {"action": "update", "old": "CURRENT", "remote": "CURRENT"},
            },
        },
        volumes__landing={"action": "delete"},
        vector_search_indexes__docs={"action": "delete"},
        clusters__shared={
            "action": "resize",
            "changes": {"num_workers": {"action": "resize", "old": 2, "new": 4}},
        },
        schemas__bronze=update(comment={"new": "raw data"}) | {"action": "update_id"},
        job_runs__after_deploy={"action": "recreate"},
    )

    golden.check(
        "plans/everything_at_once.md", markdown(plan, files=("resources/jobs.yml", "src/odd`name.py"))
    )


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (made_up(), "no resources"),
        (made_up(jobs__x={"action": "skip"}), "1 unchanged"),
        (plan_of("drift"), "1 to update, 2 unchanged; drift in 1"),
        (plan_of("pipeline_recreated"), "1 to recreate, 2 unchanged; 1 destructive"),
        (plan_of("removed_and_gone"), "1 to delete, 2 unchanged"),
    ],
)
def test_one_line(plan: Plan, line: str) -> None:
    assert plan_line(plan) == line


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ({"old": 1, "new": 2, "remote": 1}, "- `field`: `1` → `2`"),
        ({"old": 1, "new": 2, "remote": 7}, "- `field`: `1` → `2` (the target has `7`, changed by hand)"),
        ({"old": 1, "new": 1, "remote": 7}, "- `field`: `7` → `1`"),
        ({"old": 1, "new": 1}, "- `field`: taken away by hand, is `1` again"),
        ({"remote": "x"}, "- `field`: `x`, added by hand, is taken away"),
        ({"new": "x"}, "- `field`: becomes `x`"),
        ({"old": "x", "remote": "x"}, "- `field`: `x` is taken away"),
        ({}, "- `field`: changes"),
        ({"old": "1", "new": 1, "remote": "1"}, '- `field`: `"1"` → `1`'),
        ({"old": "true", "new": True, "remote": "true"}, '- `field`: `"true"` → `true`'),
        ({"old": "", "new": " x", "remote": ""}, '- `field`: `""` → `" x"`'),
        ({"old": {"b": 1, "a": [1]}, "new": None}, '- `field`: `{"a": [1], "b": 1}` is taken away'),
        ({"new": "a\nb | `c` <b>"}, "- `field`: becomes ``a\\nb | `c` <b>``"),
        ({"new": "safe\u202efdp.exe"}, "- `field`: becomes `safe\\u202efdp.exe`"),
    ],
)
def test_a_field_in_words(field: dict[str, Any], line: str) -> None:
    assert field_line(field) == line


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("spark_env_vars.DB_PASSWORD", {"old": "hunter1", "new": "hunter2", "remote": "hunter1"}),
        ("spark_env_vars.DB_PASSWORD", {"old": "hunter2", "new": "hunter2", "remote": "hunter1"}),
        ("spark_env_vars.DB_PASSWORD", {"old": "x", "new": "hunter2", "remote": "hunter1"}),
        ("spark_env_vars", {"new": {"API_TOKEN": "hunter2"}}),
        ("parameters", {"old": ["--token", "hunter1"], "new": ["--token", "hunter2"]}),
    ],
)
def test_a_secret_is_not_shown(path: str, field: dict[str, Any]) -> None:
    line = field_line(field, path)

    assert "hunter" not in line
    assert "(redacted)" in line or "not shown" in line


def test_the_value_of_a_secret_resource_is_not_shown() -> None:
    plan = made_up(
        secrets__x={"action": "update", "changes": {"value": {"action": "update", "new": "hunter2"}}}
    )

    assert "hunter2" not in markdown(plan)


def test_a_long_value_is_cut() -> None:
    line = field_line({"new": "x" * 1000})

    assert line == f"- `field`: becomes `{'x' * 160}… (840 more)`"


def test_a_change_deep_inside_long_values_is_seen() -> None:
    line = field_line({"old": "SELECT " * 100 + "old", "new": "SELECT " * 100 + "new"})

    assert line == "- `field`: `…CT SELECT SELECT SELECT old` → `…CT SELECT SELECT SELECT new`"


def test_the_bundle_is_named_where_there_are_several() -> None:
    plan = made_up(jobs__x={"action": "create"})

    text = plan_markdown(
        plan, target="prod", commit=COMMIT, previous_commit=None, files_changed=[], bundle="bundles/sales"
    )

    assert text.splitlines()[0] == "**`bundles/sales` on prod: 1 to create**"


def test_no_file_differs() -> None:
    assert markdown(made_up(), files=()).endswith("No file differs from `9f2c00000000`.\n")


def test_many_files_are_counted() -> None:
    text = markdown(made_up(), files=tuple(f"src/{number}.py" for number in range(1250)))

    assert "### Files changed since `9f2c00000000`: 1,250" in text
    assert text.endswith("- and 1,150 more\n")


def test_one_new_wheel_in_500_jobs_is_one_thing_to_read() -> None:
    wheel = {"old": WHEEL.format("0.1.0"), "new": WHEEL.format("0.2.0")}
    plan = made_up(**{f"jobs__report_{number:03}": update(wheel=wheel) for number in range(500)})

    text = markdown(plan)

    assert "- **update** 500 jobs: `report_000`, `report_001`" in text
    assert len(text) < 12_000
    assert len(text.splitlines()) < 15


def test_500_different_changes_are_cut_to_what_github_takes_and_keep_the_dangerous() -> None:
    entries = {f"jobs__report_{number:03}": update(name={"new": f"{number} " * 60}) for number in range(500)}
    plan = made_up(**entries, pipelines__zzz={"action": "delete"})

    text = limited(markdown(plan), rest="the whole plan is an artifact of the run")

    assert len(text) <= GITHUB_LIMIT
    assert text.index("**delete** pipeline `zzz`") < 300
    assert "are left out: the whole plan is an artifact of the run.*" in text
