"""What an approver reads: the dangerous first, drift apart, nothing secret, readable at any size."""

from typing import Any

import pytest
from golden_files import Golden
from plan_files import NAMES, made_up, plan_of

from tasks.rules.affected import ActiveRun, Affected, Continuous, Protection
from tasks.rules.markdown import GITHUB_LIMIT
from tasks.rules.pages import fitting, whole
from tasks.rules.plan_text import About, confirmed_by, plan_line, plan_sections
from tasks.rules.plans import Plan

COMMIT, BEFORE = "41be" + "0" * 36, "9f2c" + "0" * 36
WHEEL = "/Workspace/.bundle/lakehouse/prod/artifacts/.internal/lakehouse-{}-py3-none-any.whl"


REST = "the whole plan is an artifact of the run"


def about(**more: Any) -> About:
    return About(
        **{
            "target": "prod",
            "commit": COMMIT,
            "previous_commit": BEFORE,
            "files_changed": ("src/extract.py",),
            **more,
        }
    )


def markdown(plan: Plan, **more: Any) -> str:
    return whole(plan_sections(plan, about(**more)))


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
        f"plans/{name}.md",
        markdown(plan_of(name), previous_commit=None if name == "clean_target" else BEFORE),
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
        jobs__lost_report={"action": "create"},
        jobs__lost_report__permissions={"action": "create"},
        pipelines__old_stream={"action": "delete"},
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

    affected = Affected(
        known=frozenset(
            f"resources.{key}"
            for key in (
                "jobs.daily_report",
                "jobs.old_report",
                "jobs.lost_report",
                "jobs.lost_report.permissions",
            )
        ),
        runs=(
            run("daily_report", 41, "RUNNING"),
            run("quiet_report", 42, "PENDING"),
            run("old_report", 43, "RUNNING"),
        ),
        continuous=tuple(
            Continuous(f"resources.pipelines.{name}", f"https://prod.example/pipelines/{name}")
            for name in ("ingest", "stream", "old_stream")
        ),
        runs_so_far={"resources.jobs.old_report": 37},
    )
    protection = Protection(
        deployed=frozenset({"resources.pipelines.ingest", "resources.volumes.landing"}),
        planned=frozenset({"resources.volumes.landing"}),
    )

    golden.check(
        "plans/everything_at_once.md",
        markdown(
            plan,
            files_changed=("resources/jobs.yml", "src/odd`name.py"),
            affected=affected,
            protection=protection,
        ),
    )


def run(job: str, number: int, state: str) -> ActiveRun:
    url = f"https://prod.example/jobs/7/runs/{number}"
    return ActiveRun(f"resources.jobs.{job}", number, state, url)


def test_a_first_deployment(golden: Golden) -> None:
    """Nobody has deployed there, so nothing can run or be lost."""
    golden.check(
        "plans/first_deployment.md",
        markdown(plan_of("clean_target"), previous_commit=None, files_changed=(), affected=Affected()),
    )


def test_nothing_but_code_changed(golden: Golden) -> None:
    affected = Affected(
        known=frozenset({"resources.jobs.daily_report"}), runs=(run("daily_report", 41, "RUNNING"),)
    )

    golden.check("plans/only_code.md", markdown(plan_of("no_change"), affected=affected))


def test_what_could_not_be_found_out(golden: Golden) -> None:
    """The safe side: what is not known to be unprotected counts as protected."""
    plan = made_up(jobs__a={"action": "delete"}, jobs__b={"action": "delete"}, jobs__c={"action": "recreate"})
    affected = Affected(
        runs_so_far={"resources.jobs.a": 0, "resources.jobs.b": 100}, unknown="prod refused the list of runs"
    )
    protection = Protection(unknown="`databricks bundle validate` for prod failed: unknown field")

    golden.check(
        "plans/unknown.md",
        markdown(plan, affected=affected, protection=protection, several=True, bundle="a/b"),
    )


@pytest.mark.parametrize(
    ("protection", "held"),
    [
        (Protection(), False),
        (Protection(deployed=frozenset({"resources.jobs.x"})), True),
        (Protection(planned=frozenset({"resources.jobs.x"})), True),
        (Protection(deployed=frozenset({"resources.jobs.y"})), False),
        (Protection(unknown="it could not be validated"), True),
    ],
)
def test_what_is_not_known_to_be_unprotected_is_protected(protection: Protection, held: bool) -> None:
    assert protection.holds("resources.jobs.x") is held


def test_a_key_is_confirmed_with_its_bundle_where_there_are_several() -> None:
    assert confirmed_by("resources.jobs.x", about()) == "resources.jobs.x"
    assert confirmed_by("resources.jobs.x", about(several=True, bundle="a")) == "a:resources.jobs.x"


def test_what_was_deleted_by_hand_is_drift() -> None:
    plan = made_up(jobs__x={"action": "create"}, jobs__y={"action": "create"})
    affected = Affected(known=frozenset({"resources.jobs.x"}))

    text = markdown(plan, affected=affected)

    assert plan_line(plan, affected) == "2 to create; drift in 1"
    assert "- job `x` was deleted by hand: it is created again, with a new id and no history" in text
    assert "- **create** job `y`" in text
    assert "nothing had ever been deployed" not in text


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

    text = markdown(plan, previous_commit=None, bundle="bundles/sales")

    assert text.splitlines()[0] == "**`bundles/sales` on prod: 1 to create**"


def test_no_file_differs() -> None:
    assert markdown(made_up(), files_changed=()).endswith("No file differs from `9f2c00000000`.\n")


def test_all_files_are_on_the_page() -> None:
    text = markdown(made_up(), files_changed=tuple(f"src/{number}.py" for number in range(1250)))

    assert "### Files changed since `9f2c00000000`: 1,250" in text
    assert text.endswith("- `src/1249.py`\n")


def test_one_new_wheel_in_500_jobs_is_one_thing_to_read() -> None:
    wheel = {"old": WHEEL.format("0.1.0"), "new": WHEEL.format("0.2.0")}
    plan = made_up(**{f"jobs__report_{number:03}": update(wheel=wheel) for number in range(500)})

    text = markdown(plan)

    assert "- **update** 500 jobs: `report_000`, `report_001`" in text
    assert len(text) < 12_000
    assert len(text.splitlines()) < 15


def many() -> list[Any]:
    """500 jobs, each with changes of its own, and one of everything that matters more."""
    entries = {f"jobs__report_{number:03}": update(name={"new": f"{number} " * 60}) for number in range(500)}
    by_hand = update(size={"old": 1, "new": 1, "remote": 7})
    plan = made_up(**entries, pipelines__zzz={"action": "delete"}, jobs__zzz=by_hand)
    affected = Affected(
        known=frozenset({"resources.jobs.zzz"}),
        runs=tuple(run(f"report_{number:03}", number, "RUNNING") for number in range(500)),
    )
    files = tuple(f"src/{number}.py" for number in range(5000))
    return plan_sections(plan, about(affected=affected, files_changed=files))


def test_a_plan_of_500_changes_fits_and_keeps_what_matters(golden: Golden) -> None:
    text = fitting(many(), 6000, rest=REST)

    assert len(text) <= 6000
    golden.check("plans/many_short.md", text)


@pytest.mark.parametrize("characters", [*range(1000, 3000, 97), GITHUB_LIMIT, 200_000, 1_000_000])
def test_whatever_the_room_the_text_fits_and_says_what_is_left_out(characters: int) -> None:
    sections = many()
    text = fitting(sections, characters, rest=REST)

    assert len(text) <= characters
    assert (REST in text) == (text != whole(sections))
    assert "**delete** pipeline `zzz`" in text
    assert "### Drift" in text


def test_one_huge_change_does_not_push_out_the_others() -> None:
    fields = {f"field_{number}": {"old": 1, "new": number} for number in range(2, 5002)}
    plan = made_up(jobs__huge=update(**fields), jobs__small=update(size={"old": 1, "new": 2}))

    text = fitting(plan_sections(plan, about()), GITHUB_LIMIT, rest=REST)

    assert "- **update** job `small`" in text
    assert f"  - *and 4,961 more: {REST}*" in text


def test_nothing_fits() -> None:
    assert len(fitting(many(), 300, rest=REST)) <= 300
