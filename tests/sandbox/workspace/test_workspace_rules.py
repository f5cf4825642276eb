"""Rules of the workspace that need no server: how runs end, what parameters become, what a notebook holds."""

import json
from typing import Any

import pytest

from sandbox.workspace.notebooks import cells_of, is_notebook, source_of
from sandbox.workspace.outcomes import not_to_run, verdict
from sandbox.workspace.parameters import filled, job_parameters
from sandbox.workspace.updates import event_filter

GOOD, BAD, SKIPPED, NEVER = "SUCCESS", "FAILED", "UPSTREAM_FAILED", "EXCLUDED"


@pytest.mark.parametrize(
    ("run_if", "upstream", "expected"),
    [
        ("ALL_SUCCESS", [], None),
        ("ALL_SUCCESS", [GOOD, GOOD], None),
        ("ALL_SUCCESS", [GOOD, BAD], SKIPPED),
        ("ALL_SUCCESS", [SKIPPED], SKIPPED),
        ("ALL_SUCCESS", [NEVER], NEVER),
        ("ALL_DONE", [BAD], None),
        ("NONE_FAILED", [GOOD, NEVER], None),
        ("NONE_FAILED", [BAD], SKIPPED),
        ("AT_LEAST_ONE_SUCCESS", [GOOD, BAD], None),
        ("AT_LEAST_ONE_SUCCESS", [BAD], SKIPPED),
        ("ALL_FAILED", [BAD, "TIMEDOUT"], None),
        ("ALL_FAILED", [GOOD], NEVER),
        ("AT_LEAST_ONE_FAILED", [GOOD, "CANCELED"], None),
        ("AT_LEAST_ONE_FAILED", [GOOD], NEVER),
    ],
)
def test_which_tasks_are_passed_over(run_if: str, upstream: list[str], expected: str | None) -> None:
    how = not_to_run({"run_if": run_if}, upstream)

    assert (how.result if how else None) == expected


def test_a_disabled_task_is_passed_over() -> None:
    how = not_to_run({"disabled": True}, [])

    assert how is not None
    assert how.result == NEVER


def task(key: str, result: str, *after: str) -> dict[str, Any]:
    state = {"life_cycle_state": "TERMINATED", "result_state": result, "state_message": f"{key} says"}
    return {"task_key": key, "state": state, "depends_on": [{"task_key": k} for k in after]}


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([], "SUCCESS"),
        ([task("a", GOOD), task("b", GOOD, "a")], "SUCCESS"),
        ([task("a", BAD), task("b", SKIPPED, "a")], "FAILED"),
        ([task("a", BAD), task("clean_up", GOOD, "a")], "SUCCESS_WITH_FAILURES"),
        ([task("a", GOOD), task("on_failure", NEVER, "a")], "SUCCESS"),
    ],
)
def test_the_last_tasks_decide_how_a_run_ends(tasks: list[dict[str, Any]], expected: str) -> None:
    assert verdict(tasks)["result_state"] == expected


def test_a_failed_run_names_the_task_that_failed() -> None:
    state = verdict([task("a", BAD), task("b", SKIPPED, "a")])

    assert state["life_cycle_state"] == "INTERNAL_ERROR"
    assert state["state_message"] == "Task a failed with message: a says."


def test_job_parameters_are_those_declared_and_those_given() -> None:
    settings = {"parameters": [{"name": "day", "default": "monday"}, {"name": "size", "default": "1"}]}

    assert job_parameters(settings, {"day": "friday", "extra": "x"}) == [
        {"name": "day", "default": "monday", "value": "friday"},
        {"name": "extra", "value": "x"},
        {"name": "size", "default": "1", "value": "1"},
    ]


def test_references_are_filled_wherever_they_stand() -> None:
    value = {"a": ["{{job.parameters.day}}", "x {{ run_id }} {{unknown}}"], "n": 3}

    assert filled(value, {"job.parameters.day": "friday", "run_id": "7"}) == {
        "a": ["friday", "x 7 {{unknown}}"],
        "n": 3,
    }


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.py", b"# Databricks notebook source\n", True),
        ("a.py", b"print(1)\n# Databricks notebook source\n", False),
        ("a.sql", b"# Databricks notebook source\n", False),
        ("a.ipynb", b"{}", True),
    ],
)
def test_what_makes_a_notebook(name: str, content: bytes, *, expected: bool) -> None:
    assert is_notebook(name, content) is expected


SOURCE = """# Databricks notebook source
# MAGIC %md
# MAGIC # Title

# COMMAND ----------

print(1)

# COMMAND ----------

# MAGIC %python
# MAGIC print(2)

# COMMAND ----------

# MAGIC %sql select 1
"""


def test_a_notebook_has_cells_with_magics_and_lines() -> None:
    cells = cells_of(SOURCE)

    assert [(cell.magic, cell.line) for cell in cells] == [("md", 1), ("", 6), ("", 10), ("sql", 15)]
    assert cells[1].source.strip() == "print(1)"
    assert cells[2].source.strip() == "print(2)"


def test_a_jupyter_notebook_becomes_source() -> None:
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": ["a = 1\n", "print(a)"]},
        {"cell_type": "code", "source": "%sql\nselect 1"},
    ]
    source = source_of(json.dumps({"cells": cells}).encode())

    assert [cell.magic for cell in cells_of(source)] == ["md", "", "sql"]
    assert "a = 1\nprint(a)" in cells_of(source)[1].source


def test_events_are_filtered_as_the_command_asks() -> None:
    event = {"level": "ERROR", "timestamp": "2026-01-02T00:00:00.000Z", "origin": {"update_id": "u1"}}

    assert event_filter("")(event)
    assert event_filter("level='ERROR'")(event)
    assert event_filter("update_id = 'u1' AND timestamp > '2026-01-01T00:00:00.000Z'")(event)
    assert not event_filter("update_id = 'u1' AND timestamp > '2026-01-02T00:00:00.000Z'")(event)
    with pytest.raises(ValueError, match="not understood: maturity"):
        event_filter("maturity = 'x'")
