"""A bundle repository's workflow that starts a release by ours, really run by `act` against a real Prefect server."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from acting import Acting, acting_in, needs_act
from trigger_world import Front, deploy, front, started_runs

from sandbox.serving import listening_socket

WORKFLOW = "release.yml"
KEY = "pnu_0123456789abcdefghij"

pytestmark = needs_act


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
    """GitHub Actions of acme/lakehouse."""

    acting: Acting
    api: str
    run_id: str

    def dispatch(self, *, attempt: int = 1, api: str | None = None, **inputs: str) -> Ran:
        settings = {
            "--var": [f"PREFECT_API_URL={api or self.api}"],
            # The value comes from act's environment, not from a process list.
            "--secret": ["PREFECT_API_KEY"],
            "--input": [f"{name}={value}" for name, value in inputs.items()],
            "--env": [f"GITHUB_RUN_ID={self.run_id}", f"GITHUB_RUN_ATTEMPT={attempt}"],
        }
        options = (part for option, values in settings.items() for v in values for part in (option, v))
        done = self.acting.act(
            "workflow_dispatch", *options, actor="rita", environment={"PREFECT_API_KEY": KEY}
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return Ran(done.returncode, done.stdout + done.stderr, lines)


@pytest.fixture(scope="module")
def acting(tmp_path_factory: pytest.TempPathFactory) -> Acting:
    return acting_in(tmp_path_factory.mktemp("actions"), "acme/lakehouse", WORKFLOW)


@pytest.fixture
def actions(prefect_server: str, acting: Acting, tmp_path: Path) -> Actions:
    deploy()
    return Actions(acting, prefect_server, run_id=tmp_path.name)


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
