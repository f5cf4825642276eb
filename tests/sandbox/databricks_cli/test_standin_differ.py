"""What a difference between the last deploy, the configuration and the workspace calls for."""

from typing import Any

import pytest

from sandbox.databricks_cli.differ import compare, strongest
from sandbox.databricks_cli.kinds import JOB_RULES, PERMISSION_RULES, PIPELINE_RULES

JOB = {"name": "a", "max_concurrent_runs": 1, "tasks": [{"task_key": "t"}], "tags": {"dev": "x"}}


@pytest.mark.parametrize(
    ("new", "remote", "path", "action", "reason"),
    [
        pytest.param({}, {"timeout_seconds": 0}, "timeout_seconds", "skip", "empty", id="empty default"),
        pytest.param({}, {"format": "MULTI_TASK"}, "format", "skip", "backend_default", id="filled in"),
        pytest.param({}, {"max_concurrent_runs": 7}, "max_concurrent_runs", "update", "", id="drift"),
        pytest.param({"name": "b"}, {}, "name", "update", "", id="changed here"),
        pytest.param({"name": "b"}, {"name": "b"}, "name", "skip", "remote_already_set", id="done by hand"),
        pytest.param({"tags": {"dev": "y"}}, {}, "tags['dev']", "update", "", id="a key of a map"),
        pytest.param(
            {"tasks": [{"task_key": "t", "timeout_seconds": 5}]},
            {},
            "tasks[task_key='t'].timeout_seconds",
            "update",
            "",
            id="a task by its key",
        ),
    ],
)
def test_a_job(new: dict[str, Any], remote: dict[str, Any], path: str, action: str, reason: str) -> None:
    changes = compare(JOB, {**JOB, **new}, {**JOB, **remote}, JOB_RULES)

    assert {p: (c.action, c.reason) for p, c in changes.items()} == {path: (action, reason)}


def test_the_order_of_tasks_is_no_difference() -> None:
    one, other = {"task_key": "a"}, {"task_key": "b"}

    assert compare({"tasks": [one, other]}, {"tasks": [one, other]}, {"tasks": [other, one]}, JOB_RULES) == {}


def test_a_moved_storage_means_a_new_pipeline() -> None:
    changes = compare({"storage": "/a"}, {"storage": "/b"}, {"storage": "/a", "id": "1"}, PIPELINE_RULES)

    assert strongest(changes) == "recreate"
    assert list(changes) == ["storage"]


def test_permissions_are_named_by_their_principal() -> None:
    saved = {"object_id": "/jobs/1", "__embed__": [{"level": "CAN_VIEW", "group_name": "users"}]}
    new = {"object_id": "/jobs/1", "__embed__": [{"level": "CAN_MANAGE", "group_name": "users"}]}

    assert list(compare(saved, new, saved, PERMISSION_RULES)) == ["[group_name='users'].level"]
