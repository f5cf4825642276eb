"""What act does not check about our workflows: their triggers, permissions, pins, and what the linters say.

And the same about the files that call them from a bundle repository, filled in as `dabflow init` does it.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from acting import OURS, PROJECT, caller

from deployments.trigger_orders import KINDS

WORKFLOWS = PROJECT / OURS
NAMES = sorted(path.name for path in WORKFLOWS.glob("*.yml"))
CALLED = [name for name in NAMES if name != "ci.yml"]
STARTED = ["hotfix.yml", "release.yml", "rollback.yml"]
FORKS = "github.event.pull_request.head.repo.full_name == github.repository"
BIN = Path(sys.executable).parent


def read(text: str) -> dict[str, Any]:
    # BaseLoader: YAML 1.1 would read the key `on` as true.
    loaded: dict[str, Any] = yaml.load(text, yaml.BaseLoader)
    return loaded


def workflow(name: str) -> dict[str, Any]:
    return read((WORKFLOWS / name).read_text(encoding="utf-8"))


def calling(name: str) -> dict[str, Any]:
    return read(caller(name))


def the_job(loaded: dict[str, Any]) -> dict[str, Any]:
    (job,) = loaded["jobs"].values()
    assert isinstance(job, dict)
    return job


def test_every_workflow_that_can_be_called_has_a_caller() -> None:
    assert sorted(path.name for path in (PROJECT / "deployments" / "callers").glob("*")) == CALLED


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_githubs_own_pinned_and_says_which_version_that_is(name: str) -> None:
    text = (WORKFLOWS / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "uses:" in line]

    assert lines
    for line in lines:
        assert re.fullmatch(r"\s+uses: actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("name", CALLED)
def test_a_caller_pins_ours_by_its_commit_and_uses_nothing_else(name: str) -> None:
    text = (PROJECT / "deployments" / "callers" / name).read_text(encoding="utf-8")

    assert re.findall(r"uses: (.*)", text) == [f"{{dabflow}}/.github/workflows/{name}@{{sha}}"]
    assert "run:" not in text


@pytest.mark.parametrize("name", NAMES)
def test_jobs_may_read_the_repository_and_nothing_else(name: str) -> None:
    for loaded in (workflow(name), *([calling(name)] if name in CALLED else [])):
        assert loaded["permissions"] == {}
        assert the_job(loaded)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("name", NAMES)
def test_jobs_end_by_themselves_and_keep_no_credentials(name: str) -> None:
    job = the_job(workflow(name))

    ends = job["timeout-minutes"]
    assert ends in {"10", "30"} or ends == "${{ inputs.wait_minutes > 0 && 360 || 10 }}"
    assert job["steps"][0]["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("name", NAMES)
def test_no_expression_is_inside_a_script(name: str) -> None:
    """Values reach scripts through their environment, where no shell reads them as code."""
    scripts = [step["run"] for step in the_job(workflow(name))["steps"] if "run" in step]

    assert len(scripts) == 1
    assert "${{" not in scripts[0]


@pytest.mark.parametrize("name", CALLED)
def test_the_script_is_dabflows_at_the_commit_that_the_caller_has_pinned(name: str) -> None:
    checkout, script = the_job(workflow(name))["steps"]

    assert checkout["with"]["repository"] == "${{ job.workflow_repository }}"
    assert checkout["with"]["ref"] == "${{ job.workflow_sha }}"
    assert script["run"].startswith("python3 -I deployments/trigger.py ")


@pytest.mark.parametrize("name", CALLED)
def test_secrets_are_handed_over_one_by_one_and_used_in_an_environment(name: str) -> None:
    job, handed = the_job(workflow(name)), the_job(calling(name))["secrets"]

    assert set(handed) == set(workflow(name)["on"]["workflow_call"]["secrets"])
    assert all(value == f"${{{{ secrets.{secret} }}}}" for secret, value in handed.items())
    assert job["environment"].startswith("dabflow")


@pytest.mark.parametrize("name", STARTED)
def test_what_can_be_typed_can_be_handed_over(name: str) -> None:
    """A form and a call have the same fields; only a choice is a text in a call: the flow checks it."""
    on = workflow(name)["on"]
    form, call = on["workflow_dispatch"]["inputs"], on["workflow_call"]["inputs"]

    assert list(on) == ["workflow_dispatch", "workflow_call"]
    assert list(form) == list(call)
    for field, asked in form.items():
        same = {key: value for key, value in asked.items() if key != "options"}
        assert call[field] == {**same, "type": same["type"].replace("choice", "string")}
        assert asked["description"]


@pytest.mark.parametrize("name", STARTED)
def test_a_caller_hands_over_its_whole_form(name: str) -> None:
    form = dict(workflow(name)["on"]["workflow_dispatch"]["inputs"])
    form.pop("wait_minutes")
    loaded = calling(name)

    assert loaded["on"] == {"workflow_dispatch": {"inputs": form}}
    assert the_job(loaded)["with"] == {field: f"${{{{ inputs.{field} }}}}" for field in form}


@pytest.mark.parametrize("name", STARTED)
def test_every_field_of_a_form_reaches_the_script(name: str) -> None:
    kind = KINDS[name.removesuffix(".yml")]
    (step,) = [step for step in the_job(workflow(name))["steps"] if "run" in step]
    fields = {field.variable: f"${{{{ inputs.{field.label} }}}}" for field in kind.fields}

    handed = {key: value for key, value in step["env"].items() if not key.startswith("PREFECT_")}
    assert handed == {**fields, "WAIT_MINUTES": "${{ inputs.wait_minutes }}"}
    required = {f.label for f in kind.fields if f.required}
    form = workflow(name)["on"]["workflow_dispatch"]["inputs"]
    assert {field for field, asked in form.items() if asked.get("required") == "true"} == required


@pytest.mark.parametrize("name", STARTED)
def test_no_start_is_dropped_behind_another(name: str) -> None:
    """GitHub keeps only the newest of those that wait for a group."""
    concurrency = the_job(workflow(name))["concurrency"]

    assert concurrency["group"].endswith("-${{ github.run_id }}")
    assert concurrency["cancel-in-progress"] == "false"


def test_a_bump_is_one_of_four() -> None:
    bump = workflow("release.yml")["on"]["workflow_dispatch"]["inputs"]["bump"]

    assert bump["options"] == ["auto", "major", "minor", "patch"]


def test_a_release_is_woken_by_what_may_decide_it() -> None:
    on = {
        "pull_request_review": {"types": ["submitted", "edited", "dismissed"]},
        "pull_request": {"types": ["closed"]},
        "push": {"branches": ["release/**", "hotfix/**", "sync/**"]},
    }
    loaded = workflow("wake.yml")

    assert {event: which for event, which in loaded["on"].items() if event != "workflow_call"} == on
    assert calling("wake.yml")["on"] == on
    assert the_job(loaded)["concurrency"]["cancel-in-progress"] == "false"
    assert the_job(loaded)["if"] == f"github.event_name == 'push' || {FORKS}"
    assert f"|| {FORKS} && (startsWith(" in the_job(calling("wake.yml"))["if"]


def test_a_pull_request_is_checked_when_it_has_something_new_to_check() -> None:
    on = {"pull_request": {"types": ["opened", "synchronize", "reopened", "ready_for_review"]}}
    loaded = workflow("pull-request-check.yml")

    assert {event: which for event, which in loaded["on"].items() if event != "workflow_call"} == on
    assert calling("pull-request-check.yml")["on"] == on
    assert the_job(loaded)["concurrency"]["cancel-in-progress"] == "true"


def test_nothing_of_a_fork_is_checked_with_secrets() -> None:
    for one in (workflow("pull-request-check.yml"), calling("pull-request-check.yml")):
        assert the_job(one)["if"] == f"{FORKS} && !github.event.pull_request.draft"
        assert "pull_request_target" not in one["on"]
        assert "workflow_run" not in one["on"]


def test_ci_runs_our_own_command_on_every_python_we_support() -> None:
    job = the_job(workflow("ci.yml"))

    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert "concurrency" in workflow("ci.yml")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["zizmor", "--offline", "--no-progress", "--persona=auditor"], id="zizmor"),
        pytest.param(
            ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"], id="the workflow schema"
        ),
    ],
)
def test_the_linters_find_nothing(command: list[str], tmp_path: Path) -> None:
    folder = tmp_path / OURS
    folder.mkdir(parents=True)
    for name in CALLED:
        (folder / name).write_text(caller(name), encoding="utf-8")
    files = [*(WORKFLOWS / name for name in NAMES), *(folder / name for name in CALLED)]

    done = subprocess.run(
        [str(BIN / command[0]), *command[1:], *map(str, files)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
