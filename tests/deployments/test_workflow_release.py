"""The workflow that starts a release, really run by `act` against a real Prefect server."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from trigger_world import Front, deploy, front, started_runs

from sandbox.serving import listening_socket

PROJECT = Path(__file__).parents[2]
WORKFLOW = ".github/workflows/release.yml"
KEY = "pnu_0123456789abcdefghij"
ACT = shutil.which("act", path=str(Path(sys.executable).parent)) or shutil.which("act")

pytestmark = [
    pytest.mark.xdist_group("prefect"),
    pytest.mark.skipif(
        ACT is None and "CI" not in os.environ,
        reason="act is not installed; it has no wheel for this machine",
    ),
]


@dataclass(frozen=True)
class Ran:
    """One run of the workflow: what act printed, line by line, and how it ended."""

    exit_code: int
    text: str
    lines: list[dict[str, Any]]

    def outputs(self) -> dict[str, str]:
        return {line["name"]: line["arg"] for line in self.lines if line.get("command") == "set-output"}

    def errors(self) -> list[str]:
        return [line["arg"] for line in self.lines if line.get("command") == "error"]

    def result(self) -> str:
        return next(str(line["jobResult"]) for line in self.lines if "jobResult" in line)


@dataclass(frozen=True)
class Actions:
    """GitHub Actions of acme/lakehouse, as far as act is that."""

    checkout: Path
    stub: Path
    api: str
    run_id: str

    def dispatch(self, *, attempt: int = 1, api: str | None = None, **inputs: str) -> Ran:
        settings = {
            "--var": [f"PREFECT_API_URL={api or self.api}"],
            "--secret": [
                "PREFECT_API_KEY"
            ],  # the value comes from act's environment, not from a process list
            "--input": [f"{name}={value}" for name, value in inputs.items()],
            "--env": [
                f"GITHUB_RUN_ID={self.run_id}",
                f"GITHUB_RUN_ATTEMPT={attempt}",
                "DABFLOW_WITHIN_SECONDS=3",
            ],
            "--local-repository": [f"{used}={self.stub}" for used in actions_used()],
        }
        done = subprocess.run(
            [
                str(ACT),
                "workflow_dispatch",
                *("--workflows", WORKFLOW, "--platform", "ubuntu-latest=-self-hosted", "--actor", "rita"),
                *("--no-cache-server", "--artifact-server-addr", "127.0.0.1", "--json"),
                *(part for option, values in settings.items() for v in values for part in (option, v)),
            ],
            cwd=self.checkout,
            env={"PATH": os.environ["PATH"], "HOME": str(self.stub.parent), "PREFECT_API_KEY": KEY},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return Ran(done.returncode, done.stdout + done.stderr, lines)


def actions_used() -> list[str]:
    steps = yaml.safe_load((PROJECT / WORKFLOW).read_text(encoding="utf-8"))["jobs"]["start"]["steps"]
    return [step["uses"] for step in steps if "uses" in step]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository acme/lakehouse that holds the workflow and its script."""
    folder = tmp_path_factory.mktemp("actions") / "lakehouse"
    for file in (PROJECT / WORKFLOW, *(PROJECT / "deployments").glob("trigger*.py")):
        there = folder / file.relative_to(PROJECT)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, there)
    identity = ["-c", "user.name=ravi", "-c", "user.email=ravi@acme.example"]
    for command in (
        ["init", "--quiet", "--initial-branch=develop"],
        ["remote", "add", "origin", "https://github.com/acme/lakehouse.git"],
        ["add", "."],
        [*identity, "commit", "--quiet", "--message", "feat: releases start in Actions"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def actions(prefect_server: str, checkout: Path, tmp_path: Path) -> Actions:
    deploy()
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "action.yml").write_text(
        "name: stub\ndescription: the files are there already\n"
        'runs: {using: composite, steps: [{shell: bash, run: "true"}]}\n'
    )
    return Actions(checkout, stub, prefect_server, run_id=tmp_path.name)


@pytest.fixture
def behind_front(actions: Actions, tmp_path: Path) -> Iterator[Front]:
    with front(actions.api, tmp_path / "front") as opened:
        yield opened


def test_a_dispatch_starts_a_run_with_what_the_form_says(actions: Actions) -> None:
    ran = actions.dispatch(bump="minor", reason='by "Friday"; $(exit 1) `false`')

    (run,) = started_runs(actions.run_id)
    assert ran.result() == "success", ran.text
    assert run.parameters == {
        "repository": "acme/lakehouse",
        "requested_by": "rita",
        "bump": "minor",
        "reason": 'by "Friday"; $(exit 1) `false`',
    }
    assert ran.outputs()["flow_run_id"] == str(run.id)
    assert ran.outputs()["url"].endswith(f"/runs/flow-run/{run.id}")


def test_a_dispatch_with_an_exact_version(actions: Actions) -> None:
    actions.dispatch(version="1.4.0")

    (run,) = started_runs(actions.run_id)
    assert run.parameters["version"] == "1.4.0"


def test_a_second_attempt_starts_no_second_run(actions: Actions) -> None:
    first, second = actions.dispatch(bump="minor"), actions.dispatch(bump="minor", attempt=2)

    assert first.outputs() == second.outputs()
    assert len(started_runs(actions.run_id, attempts=2)) == 1


def test_the_key_lets_us_in_and_is_shown_nowhere(actions: Actions, behind_front: Front) -> None:
    ran = actions.dispatch(api=f"{behind_front.url}/api", reason=f"somebody pasted {KEY}")

    assert set(behind_front.authorizations) == {f"Bearer {KEY}"}
    assert ran.result() == "success"
    assert KEY not in ran.text


def test_a_server_that_is_away_fails_the_job_with_a_sentence(actions: Actions) -> None:
    sock = listening_socket()
    api = f"http://127.0.0.1:{sock.getsockname()[1]}/api"
    sock.close()

    ran = actions.dispatch(api=api)

    assert ran.exit_code == 1
    assert ran.result() == "failure"
    (error,) = ran.errors()
    assert error.startswith(f"the Prefect server at {api} does not answer")


def test_a_bump_that_no_form_offers_is_refused(actions: Actions) -> None:
    """GitHub checks the choice, whoever calls its API may send anything: the server has the last word."""
    ran = actions.dispatch(bump="huge")

    (error,) = ran.errors()
    assert "Prefect refuses to start the run (409)" in error
    assert started_runs(actions.run_id) == []
