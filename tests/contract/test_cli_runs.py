"""`bundle run` of jobs, notebooks and pipelines, and runs that are under way: recordings 02, 23, 24 and 38."""

from typing import Any

import pytest
from cli_lab import Lab
from cli_recordings import Recording, assert_same, blocks, normal

STAGING = "bundle deploy -t staging"
FAILS = "print('checking')\n\nraise ValueError('row count is 0')\n"
TRACE = """\
checking
Traceback (most recent call last):
  File "[TASK-DIR]/smoke.py", line 3, in <module>
    raise ValueError('row count is 0')
ValueError: row count is 0"""
NOTEBOOKS = """\
resources:
  jobs:
    nb:
      name: nb
      tasks:
        - task_key: a
          notebook_task:
            notebook_path: ../src/nb.py
        - task_key: b
          notebook_task:
            notebook_path: ../src/nb2.ipynb
"""
NB2 = (
    '{"cells": [{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": '
    '["print(\'x\')"]}], "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 4}'
)


def test_a_pipeline_is_refreshed(lab: Lab) -> None:
    assert lab.run(STAGING).exit_code == 0
    for name in ("9-run-pipeline", "9-run-pipeline-json"):
        assert_same(lab, f"02-clean-target/{name}")


def test_deploying_while_something_runs(lab: Lab) -> None:
    """Only the flag or the setting looks for active runs; a plan has no such flag."""
    (lab.bundle / "src/smoke.py").write_text("import time\n\ntime.sleep(600)\n")
    assert_same(lab, "23-active-runs/0-first-deploy")
    assert lab.run("bundle run -t staging smoke_test --no-wait").exit_code == 0
    try:
        for name in ("plan-has-no-such-flag", "deploy-fail-on-active-runs"):
            assert_same(lab, f"23-active-runs/{name}")
        lab.edit("resources/daily_report.yml", "0 0 6", "0 5 6")
        assert_same(lab, "23-active-runs/deploy-without-flag")
        setting = "  name: lakehouse\n  deployment:\n    fail_on_active_runs: true\n"
        lab.edit("databricks.yml", "  name: lakehouse\n", setting)
        assert_same(lab, "23-active-runs/plan-with-setting")
    finally:
        lab.api("POST", "/api/2.2/jobs/runs/cancel-all", {"job_id": lab.ids()["smoke_test"]})


def test_a_run_that_fails(lab: Lab) -> None:
    (lab.bundle / "src/smoke.py").write_text(FAILS)
    (lab.bundle / "src/extract.py").write_text("import sys\n\nsys.exit(3)\n")
    assert_same(lab, "24-run-fails/0-first-deploy")
    _answer_output(lab, {"error": "ValueError: row count is 0", "error_trace": TRACE})
    for name in ("run-fails", "run-fails-json"):
        assert_same(lab, f"24-run-fails/{name}")
    lab.calm()
    _answer_output(lab, {"error": "exit status 3", "error_trace": ""})
    assert_same(lab, "24-run-fails/run-first-task-fails")


def _answer_output(lab: Lab, body: dict[str, Any], nth: int = 1) -> None:
    """Let the workspace tell the output of tasks in the words of the recorded fake."""
    lab.fault(kind="refuse", path=".*/runs/get-output", status=200, body=body, nth=nth, times=9)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (
            "run-cancelled",
            {"life_cycle_state": "TERMINATED", "result_state": "CANCELED", "state_message": "Run cancelled."},
        ),
        ("run-timed-out", {"life_cycle_state": "TERMINATED", "result_state": "TIMEDOUT"}),
        ("run-skipped", {"life_cycle_state": "SKIPPED", "state_message": "max concurrent runs"}),
    ],
)
def test_a_run_that_ends_otherwise(lab: Lab, name: str, state: dict[str, Any]) -> None:
    """What the workspace answers was made up when this was recorded, and is here."""
    assert lab.run(STAGING).exit_code == 0
    body = {"run_id": 5, "run_name": "x", "run_page_url": f"{lab.host}/#job/5/run/5", "state": state}
    lab.fault(kind="refuse", path=".*/runs/get", status=200, body=body, times=9)
    assert_same(lab, f"24-run-fails/{name}")


def test_a_pipeline_update_that_fails(lab: Lab) -> None:
    """The recorded fake had no events, and so no reason."""
    (lab.bundle / "src/ingest.py").write_text("raise ValueError('no such table')\n")
    assert lab.run(STAGING).exit_code == 0
    name = "24-run-fails/pipeline-update-fails"
    recorded = Recording(name)
    result = lab.run(recorded.words)
    assert (result.exit_code, result.stdout) == (recorded.exit_code, recorded.stdout)
    missing = blocks(recorded.stderr) - blocks(normal(lab, result.stderr))
    assert not missing
    assert "ValueError: no such table" in result.stderr


def test_notebooks(lab: Lab) -> None:
    """They are sent like files, with their endings; jobs name them without."""
    (lab.bundle / "resources/nb.yml").write_text(NOTEBOOKS)
    (lab.bundle / "src/nb.py").write_text("# Databricks notebook source\nprint('nb ok')\n")
    (lab.bundle / "src/nb2.ipynb").write_text(NB2)
    assert_same(lab, "38-notebooks/1-deploy")
    # The recorded fake ran the first one only, and gave its prints for its result.
    _answer_output(lab, {"metadata": {}}, nth=2)
    lab.fault(kind="refuse", path=".*/runs/get-output", status=200, body={"logs": "nb ok\n"})
    assert_same(lab, "38-notebooks/2-run")
