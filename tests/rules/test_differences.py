"""What was approved and what would be done now: named if it differs, and stopped if it goes beyond."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from golden_files import Golden
from hypothesis import given
from hypothesis import strategies as st
from patience import patient
from plan_files import NAMES, SUBJECT, bound, json_of

from tasks.rules import digests
from tasks.rules.differences import beyond, differences
from tasks.rules.release import ProductionPlan

MERGE = "d" * 40


def plan(**entries: dict[str, Any]) -> dict[str, Any]:
    """A plan as printed; `jobs__x` stands for the key `resources.jobs.x`."""
    return {
        "plan_version": 2,
        "cli_version": "1.14.0",
        "plan": {f"resources.{key.replace('__', '.')}": entry for key, entry in entries.items()},
    }


def update(settings: dict[str, Any] | None = None, **fields: tuple[Any, Any, Any]) -> dict[str, Any]:
    """An update of fields, each with what was deployed, what would be, and what the workspace has."""
    changes = {
        path: {"action": "update", "old": old, "new": new, "remote": remote}
        for path, (old, new, remote) in fields.items()
    }
    new = {path: values[1] for path, values in fields.items()}
    return {"action": "update", "new_state": {"value": {**new, **(settings or {})}}, "changes": changes}


def create(**settings: Any) -> dict[str, Any]:
    return {"action": "create", "new_state": {"value": settings}}


def after_merge(printed: dict[str, Any], **changes: Any) -> ProductionPlan:
    return bound(printed, subject=replace(SUBJECT, **{"commit": MERGE, **changes}))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_plan_is_no_difference(name: str) -> None:
    one = bound(json_of(name))

    assert differences(one, bound(json_of(name))) == []
    assert beyond(one, after_merge(json_of(name))) == []


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("tree", "f" * 40, "the files are another tree (ffffffffffff) than was approved (eeeeeeeeeeee)"),
        (
            "cli_version",
            "1.15.0",
            "databricks 1.15.0 would deploy, the plan that was approved is of 1.14.0",
        ),
        ("target", "dev", "the target is `dev`, approved was `prod`"),
        (
            "host",
            "https://other.example",
            "the host is `https://other.example`, approved was `https://prod.example`",
        ),
        ("deployer", "somebody", f"the deployer is `somebody`, approved was `{SUBJECT.deployer}`"),
        (
            "roots",
            {".": "/Workspace/x"},
            "bundle `.` goes to `/Workspace/x`, approved was `/Workspace/.bundle/lakehouse/prod`",
        ),
        (
            "variables",
            {".": {"catalog": "dev"}},
            "variable `catalog` is `dev`, approved was `lakehouse`",
        ),
        ("variables", {".": {}}, "variable `catalog` is nothing, approved was `lakehouse`"),
    ],
)
def test_another_subject_is_beyond_what_was_approved(field: str, value: Any, sentence: str) -> None:
    printed = json_of("job_changed")
    approved, now = bound(printed), after_merge(printed, **{field: value})

    assert beyond(approved, now) == [sentence]
    assert differences(approved, now) == [f"the commit is {MERGE[:12]}, approved was cccccccccccc", sentence]


def test_a_secret_variable_is_not_shown() -> None:
    printed = json_of("job_changed")
    one, other = (
        bound(
            printed,
            subject=replace(
                SUBJECT,
                variables={".": digests.variables_of({"variables": {"db_password": {"value": value}}})},
            ),
        )
        for value in ("hunter1", "hunter2")
    )

    assert differences(one, other) == ["variable `db_password` has another value than was approved"]


def test_a_bundle_more_or_less() -> None:
    two = replace(SUBJECT, roots={"a": "/a", "b": "/b"}, variables={})
    one = replace(SUBJECT, roots={"a": "/a"}, variables={})
    both, alone = bound(plan(), plan(jobs__x=create()), subject=two), bound(plan(), subject=one)

    assert beyond(alone, both) == [
        "bundle `b` was not part of what was approved",
        "job `x` of bundle `b` would be created, the plan that was approved does not know it",
    ]
    assert differences(both, alone) == [
        "bundle `b` is missing, it was part of what was approved",
        "job `x` of bundle `b` is not in the plan any more, approved was that it would be created",
    ]


WITH_REFERENCE = {
    "action": "create",
    "new_state": {
        "value": {"name": "b", "tasks": [{"run_job_task": {"job_id": 0}, "task_key": "go"}]},
        "vars": {"tasks[0].run_job_task.job_id": "${resources.jobs.a.id}"},
    },
}
RESOLVED = create(name="b", tasks=[{"run_job_task": {"job_id": 7}, "task_key": "go"}])
BOTH_FIELDS = update(size=(1, 2, 1), pause=("no", "no", "yes"))


@pytest.mark.parametrize(
    ("approved", "now"),
    [
        pytest.param(create(name="x"), {"action": "skip"}, id="created already"),
        pytest.param(BOTH_FIELDS, {"action": "skip"}, id="updated already"),
        pytest.param({"action": "delete"}, None, id="deleted already"),
        pytest.param({"action": "delete"}, {"action": "delete", "gone": True}, id="deleted, not forgotten"),
        pytest.param(
            {**create(name="x"), "action": "recreate"}, create(name="x"), id="deleted, not yet created again"
        ),
        pytest.param(
            BOTH_FIELDS,
            update({"pause": "no"}, size=(1, 2, 2)),
            id="set already, not in the state",
        ),
        pytest.param(
            BOTH_FIELDS, update({"size": 2}, pause=("no", "no", "yes")), id="one of two fields is done"
        ),
        pytest.param(WITH_REFERENCE, RESOLVED, id="what it refers to exists now"),
        pytest.param(
            {
                **WITH_REFERENCE,
                "action": "update",
                "changes": {
                    "tasks[task_key='go'].run_job_task.job_id": {"action": "update", "old": 5, "new": 0}
                },
            },
            {
                **RESOLVED,
                "action": "update",
                "changes": {
                    "tasks[task_key='go'].run_job_task.job_id": {"action": "update", "old": 5, "new": 7}
                },
            },
            id="what it refers to was recreated",
        ),
        pytest.param({"action": "skip"}, {"action": "skip"}, id="nothing"),
    ],
)
def test_the_rest_of_a_deploy_is_inside_what_was_approved(
    approved: dict[str, Any], now: dict[str, Any] | None
) -> None:
    before = bound(plan(jobs__x=approved))
    after = after_merge(plan(**({} if now is None else {"jobs__x": now})))

    assert beyond(before, after) == []


def changed(entry: dict[str, Any], *path: str, to: Any) -> dict[str, Any]:
    other = deepcopy(entry)
    place = other
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = to
    return other


BEYOND = [
    (None, {"action": "delete"}, "would be deleted, the plan that was approved does not know it"),
    ({"action": "skip"}, {"action": "delete"}, "would be deleted, approved was that it would stay as it is"),
    (BOTH_FIELDS, {"action": "recreate"}, "would be recreated, approved was that it would be updated"),
    ({"action": "delete"}, create(), "would be created, approved was that it would be deleted"),
    (
        create(name="a"),
        BOTH_FIELDS,
        "would be updated (`pause`, `size`), approved was that it would be created",
    ),
    (
        {"action": "delete", "gone": True},
        {"action": "delete"},
        "would be deleted, when it was approved it was gone already",
    ),
    (create(name="a"), create(name="b"), ": `name` would become `b`, approved was `a`"),
    (create(name="a"), create(name="a", size=1), ": `size` would become `1`, approved was nothing"),
    (create(size=1), create(size=True), ": `size` would become `true`, approved was `1`"),
    (
        BOTH_FIELDS,
        update(size=(1, 3, 1), pause=("no", "no", "yes")),
        ": `size` would become `3`, approved was `2`",
    ),
    (
        BOTH_FIELDS,
        update(size=(1, 2, 9), pause=("no", "no", "yes")),
        ": `size` is in the workspace `9`, approved was `1`",
    ),
    (
        BOTH_FIELDS,
        update(size=(8, 2, 1), pause=("no", "no", "yes")),
        ": `size` was last deployed as `8`, approved was `1`",
    ),
    (
        BOTH_FIELDS,
        update(size=(1, 2, 1), pause=("no", "no", "yes"), tags=("a", "b", "a")),
        ": `tags` would also be changed, from `a` to `b`",
    ),
    (
        WITH_REFERENCE,
        changed(RESOLVED, "new_state", "value", "name", to="c"),
        ": `name` would become `c`, approved was `b`",
    ),
    (
        WITH_REFERENCE,
        changed(
            WITH_REFERENCE, "new_state", "vars", to={"tasks[0].run_job_task.job_id": "${resources.jobs.c.id}"}
        ),
        " would refer to other resources than was approved",
    ),
    (
        RESOLVED,
        WITH_REFERENCE,
        " would refer to other resources than was approved",
    ),
    (
        create(env={"DB_PASSWORD": "hunter1"}),
        create(env={"DB_PASSWORD": "hunter2"}),
        ": `env.DB_PASSWORD` would become another value, which is not shown",
    ),
]


@pytest.mark.parametrize(("approved", "now", "sentence"), BEYOND)
def test_more_than_was_approved_is_named(
    approved: dict[str, Any] | None, now: dict[str, Any], sentence: str
) -> None:
    before = bound(plan(**({} if approved is None else {"jobs__x": approved})))
    after = bound(plan(jobs__x=now))

    assert f"job `x`{sentence if sentence[0] == ':' else ' ' + sentence.strip()}" in beyond(before, after)
    assert differences(before, after)


@pytest.mark.parametrize(
    ("approved", "now", "sentence"),
    [
        (create(), None, "job `x` is not in the plan any more, approved was that it would be created"),
        (create(), {"action": "skip"}, "job `x` would stay as it is, approved was that it would be created"),
        ({"action": "skip"}, None, "job `x` is not in the plan any more"),
        (
            BOTH_FIELDS,
            update({"pause": "no"}, size=(1, 2, 1)),
            "job `x`: `pause` would not be changed any more",
        ),
        (
            {"action": "delete"},
            {"action": "delete", "depends_on": [{"node": "resources.jobs.y"}]},
            "job `x` would be deleted, but at another place in the order, or it is gone",
        ),
    ],
)
def test_less_is_a_difference_and_not_beyond(
    approved: dict[str, Any], now: dict[str, Any] | None, sentence: str
) -> None:
    before, after = bound(plan(jobs__x=approved)), bound(plan(**({} if now is None else {"jobs__x": now})))

    assert differences(before, after) == [sentence]
    assert beyond(before, after) == []


@patient
@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_other_digests_always_have_a_difference(one: str, other: str) -> None:
    before, after = bound(json_of(one)), bound(json_of(other))

    assert bool(differences(before, after)) == (before.digest != after.digest)


def test_a_page_of_differences(golden: Golden) -> None:
    """What people read when production is not as it was when they approved."""
    approved = bound(
        plan(
            jobs__daily_report=update(max_concurrent_runs=(1, 2, 1)),
            jobs__weekly_report={"action": "skip"},
            jobs__new_report=create(name="new report", schedule="0 0 6 * * ?"),
            pipelines__ingest={"action": "skip"},
            schemas__bronze={"action": "delete"},
        )
    )
    now = bound(
        plan(
            jobs__daily_report=update(max_concurrent_runs=(1, 2, 7)),
            jobs__weekly_report=update(pause_status=("UNPAUSED", "UNPAUSED", "PAUSED")),
            jobs__new_report=create(name="new report", schedule="0 0 7 * * ?"),
            jobs__unknown={"action": "delete"},
            pipelines__ingest={"action": "recreate"},
        ),
        subject=replace(SUBJECT, cli_version="1.15.0", deployer="somebody-else"),
    )
    text = ["# differences", *differences(approved, now), "", "# beyond", *beyond(approved, now), ""]

    golden.check("plans/differences.txt", "\n".join(text))
