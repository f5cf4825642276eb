"""What act does not check about our workflows: their triggers, permissions, pins, and what the linters say."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = Path(__file__).parents[2] / ".github" / "workflows"
FILES = sorted(WORKFLOWS.glob("*.yml"))
BIN = Path(sys.executable).parent


def workflow(name: str) -> dict[str, Any]:
    # BaseLoader: YAML 1.1 would read the key `on` as true.
    loaded: dict[str, Any] = yaml.load((WORKFLOWS / name).read_text(encoding="utf-8"), yaml.BaseLoader)
    return loaded


def jobs(loaded: dict[str, Any]) -> list[dict[str, Any]]:
    return list(loaded["jobs"].values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_and_says_which_version_that_is(file: Path) -> None:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "uses:" in line]

    assert lines
    for line in lines:
        assert re.fullmatch(r"\s+uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_jobs_may_read_the_repository_and_nothing_else(file: Path) -> None:
    loaded = workflow(file.name)

    assert loaded["permissions"] == {}
    for job in jobs(loaded):
        assert job["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_jobs_end_by_themselves_and_keep_no_credentials(file: Path) -> None:
    loaded = workflow(file.name)

    assert "concurrency" in loaded
    for job in jobs(loaded):
        assert int(job["timeout-minutes"]) <= 30
        assert job["steps"][0]["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_expression_is_inside_a_script(file: Path) -> None:
    """Values reach scripts through their environment, where no shell reads them as code."""
    for job in jobs(workflow(file.name)):
        assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]


def test_a_release_is_started_by_hand_with_a_form() -> None:
    loaded = workflow("release.yml")
    inputs = loaded["on"]["workflow_dispatch"]["inputs"]

    assert list(loaded["on"]) == ["workflow_dispatch"]
    assert list(inputs) == ["bump", "version", "reason"]
    assert inputs["bump"]["options"] == ["auto", "major", "minor", "patch"]
    assert all(one["description"] for one in inputs.values())
    assert loaded["concurrency"]["cancel-in-progress"] == "false"


def test_a_release_is_woken_by_what_may_decide_it() -> None:
    loaded = workflow("wake.yml")

    assert loaded["on"] == {
        "pull_request_review": {"types": ["submitted", "edited", "dismissed"]},
        "pull_request": {"types": ["closed"]},
        "push": {"branches": ["release/**", "hotfix/**", "sync/**"]},
    }
    assert loaded["concurrency"]["cancel-in-progress"] == "false"
    (job,) = jobs(loaded)
    script = job["steps"][0]["with"]["ref"]
    assert script == "${{ github.event.repository.default_branch }}", "never the pull request's own script"


def test_ci_runs_our_own_command_on_every_python_we_support() -> None:
    (job,) = jobs(workflow("ci.yml"))

    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["zizmor", "--offline", "--no-progress", "--persona=auditor"], id="zizmor"),
        pytest.param(
            ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"], id="the workflow schema"
        ),
    ],
)
def test_the_linters_find_nothing(command: list[str]) -> None:
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:], *map(str, FILES)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
