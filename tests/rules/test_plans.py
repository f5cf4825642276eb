"""A plan is read strictly, and what it means is told the same way as the CLI tells it."""

import json
from typing import Any

import pytest
from plan_files import NAMES, json_of, made_up, plan_of, text_of

from tasks.rules.errors import NeedsHuman
from tasks.rules.plans import Action, Counts, FieldChange, Plan, ResourceChange


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("clean_target", Counts(create=3)),
        ("deleted_by_hand", Counts(create=1, unchanged=2)),
        ("drift", Counts(update=1, unchanged=2)),
        ("immutable_folder", Counts(update=3)),
        ("job_changed", Counts(update=1, unchanged=2)),
        ("job_removed", Counts(delete=1, unchanged=2)),
        ("no_change", Counts(unchanged=11)),
        ("permissions", Counts(create=11)),
        ("pipeline_recreated", Counts(recreate=1, unchanged=2)),
        ("pipeline_removed", Counts(delete=1, unchanged=2)),
        ("removed_and_gone", Counts(delete=1, unchanged=2)),
        ("wheel_changed", Counts(update=1, unchanged=2)),
    ],
)
def test_what_the_real_cli_printed_is_understood(name: str, counts: Counts) -> None:
    plan = plan_of(name)

    assert plan.counts == counts
    assert plan.cli_version == "1.14.0-dev"
    assert plan.empty == (name == "no_change")
    assert plan.creates_everything == (name in {"clean_target", "permissions"})
    assert (plan.lineage is None) == (name in {"clean_target", "permissions"})
    assert [each.key for each in plan.resources] == sorted(each.key for each in plan.resources)


def test_every_recording_is_in_the_table_above() -> None:
    assert len(NAMES) == 12


@pytest.mark.parametrize(
    ("name", "destructive"),
    [
        ("job_removed", ["resources.jobs.smoke_test"]),
        ("pipeline_removed", ["resources.pipelines.ingest"]),
        ("pipeline_recreated", ["resources.pipelines.ingest"]),
        ("removed_and_gone", []),
        ("drift", []),
        ("clean_target", []),
    ],
)
def test_destructive(name: str, destructive: list[str]) -> None:
    assert [each.key for each in plan_of(name).destructive] == destructive


@pytest.mark.parametrize(
    ("key", "entry", "destructive"),
    [
        ("resources.jobs.x", {"action": "delete"}, True),
        ("resources.jobs.x", {"action": "recreate"}, True),
        ("resources.jobs.x", {"action": "delete", "gone": True}, False),
        ("resources.jobs.x", {"action": "update_id"}, False),
        ("resources.jobs.x.permissions", {"action": "delete"}, False),
        ("resources.schemas.x.grants", {"action": "recreate"}, False),
        ("resources.jobs.permissions", {"action": "delete"}, True),
        ("resources.job_runs.x", {"action": "recreate"}, False),
        ("resources.some_new_kind.x", {"action": "delete"}, True),
    ],
)
def test_destructive_is_everything_but_rights_and_runs(
    key: str, entry: dict[str, Any], *, destructive: bool
) -> None:
    plan = Plan.of_object({"plan_version": 2, "cli_version": "1", "plan": {key: entry}})

    assert bool(plan.destructive) == destructive


@pytest.mark.parametrize(
    ("key", "kind", "name", "right"),
    [
        ("resources.jobs.daily", "jobs", "daily", None),
        ("resources.jobs.daily.permissions", "jobs", "daily", "permissions"),
        ("resources.schemas.bronze.grants", "schemas", "bronze", "grants"),
        ("resources.jobs.permissions", "jobs", "permissions", None),
        ("resources.jobs.a.b", "jobs", "a.b", None),
    ],
)
def test_a_key_is_taken_apart(key: str, kind: str, name: str, right: str | None) -> None:
    change = ResourceChange(key, Action.UPDATE)

    assert (change.kind, change.name, change.right) == (kind, name, right)


def test_drift_is_what_only_the_workspace_changed() -> None:
    (job,) = plan_of("drift").drifted

    assert [(field.path, field.new, field.remote) for field in job.drift] == [
        ("max_concurrent_runs", 1, 7),
        ("schedule.pause_status", "UNPAUSED", "PAUSED"),
    ]
    assert plan_of("job_changed").drifted == ()


@pytest.mark.parametrize(
    ("old", "new", "remote", "drifted", "overwrites"),
    [
        (1, 1, 7, True, False),
        (1, 2, 1, False, False),
        (1, 2, 2, False, False),
        (1, 2, 7, False, True),
        (None, 2, None, False, False),
        (1, 2, None, False, False),
        (None, None, "by hand", True, False),
        ("gone by hand", "gone by hand", None, True, False),
        (1, 1, True, True, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 2}, False, False),
    ],
)
def test_a_field(old: object, new: object, remote: object, *, drifted: bool, overwrites: bool) -> None:
    field = FieldChange("x", old, new, remote)

    assert (field.drifted, field.overwrites) == (drifted, overwrites)


def test_skipped_differences_are_not_changes() -> None:
    (job,) = plan_of("job_changed").changes

    assert [field.path for field in job.fields] == ["schedule.quartz_cron_expression"]
    assert all(not each.fields for each in plan_of("no_change").resources)


def test_the_field_that_forces_a_recreate_says_so() -> None:
    (pipeline,) = plan_of("pipeline_recreated").changes

    forced = [field for field in pipeline.fields if field.action is Action.RECREATE]
    assert [(field.path, field.reason) for field in forced] == [("storage", "immutable")]


def test_runs_that_each_deploy_starts_leave_a_plan_empty() -> None:
    assert made_up(job_runs__now={"action": "recreate"}, jobs__x={"action": "skip"}).empty
    assert not made_up(job_runs__now={"action": "create"}).empty
    assert not made_up(job_runs__now={"action": "recreate"}, jobs__x={"action": "delete", "gone": True}).empty


def test_a_bundle_without_resources_is_a_plan_too() -> None:
    plan = made_up()

    assert plan.empty
    assert not plan.creates_everything


HELP = "Databricks Asset Bundles let you express data/AI/analytics projects as code.\n\nUsage:\n"


@pytest.mark.parametrize(
    ("text", "because"),
    [
        pytest.param("", "no JSON", id="nothing"),
        pytest.param(HELP, "it starts with 'Databricks Asset Bundles", id="help text with exit code 0"),
        pytest.param("[]", "no JSON object", id="a list"),
        pytest.param("{}", "plan_version is None, not 2", id="another object"),
        pytest.param('{"plan_version": 1}', "plan_version is 1, not 2", id="version 1"),
        pytest.param('{"plan_version": 3}', "plan_version is 3, not 2", id="version 3"),
        pytest.param('{"cli_version": "1", "plan": {}}', "plan_version is None", id="terraform engine"),
        pytest.param('{"plan_version": 2, "cli_version": "1"}', "plan is missing", id="no plan"),
        pytest.param(
            '{"plan_version": 2, "cli_version": "1", "plan": []}', "plan is missing", id="plan is a list"
        ),
        pytest.param('{"plan_version": 2, "plan": {}}', "cli_version or plan", id="no CLI version"),
        pytest.param('{"plan_version": 2, "x": NaN}', "no JSON", id="NaN"),
        pytest.param("[" * 100_000, "no JSON", id="deep"),
    ],
)
def test_anything_else_is_refused(text: str, because: str) -> None:
    with pytest.raises(NeedsHuman) as stop:
        Plan.of_json(text)

    assert because in stop.value.problem
    assert "databricks version" in stop.value.remedy


@pytest.mark.parametrize(
    ("key", "entry", "because"),
    [
        ("resources.jobs.x", {"action": "replace"}, "unknown action 'replace'"),
        ("resources.jobs.x", {}, "unknown action None"),
        ("resources.jobs.x", [], "is not an entry of a plan"),
        ("resources.jobs", {"action": "skip"}, "is not an entry of a plan"),
        ("jobs.x.y", {"action": "skip"}, "is not an entry of a plan"),
        ("resources.jobs.x", {"action": "update", "changes": []}, None),
        ("resources.jobs.x", {"action": "update", "changes": [1]}, "changes is not an object"),
        ("resources.jobs.x", {"action": "update", "changes": {"a": 1}}, "the change of a is not an object"),
        (
            "resources.jobs.x",
            {"action": "update", "changes": {"a": {"action": "odd"}}},
            "x: a has the unknown action",
        ),
    ],
)
def test_an_entry_that_is_not_understood_is_refused(key: str, entry: object, because: str | None) -> None:
    text = json.dumps({"plan_version": 2, "cli_version": "1", "plan": {key: entry}})
    if because is None:
        assert Plan.of_json(text).changes
        return

    with pytest.raises(NeedsHuman, match=because):
        Plan.of_json(text)


def test_a_plan_of_selected_resources_is_refused() -> None:
    with pytest.raises(NeedsHuman, match="selected resources only"):
        Plan.of_object({**json_of("no_change"), "not_selected": 2})


def test_a_plan_cut_short_is_refused() -> None:
    with pytest.raises(NeedsHuman):
        Plan.of_json(text_of("job_changed")[:-20])
