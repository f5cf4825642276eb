"""The script that GitHub Actions call, as a process of its own, against a real Prefect server."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Failed, Running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from trigger_world import Front, deploy, forget, front, started_runs

from sandbox.serving import Served, listening_socket

SCRIPT = Path(__file__).parents[2] / "deployments" / "trigger.py"
KEY = "pnu_0123456789abcdefghij"


@dataclass
class Job:
    """One GitHub Actions job that runs the script."""

    folder: Path
    api: str
    run_id: str

    def run(self, *arguments: str, attempt: str = "1", **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.defpath,
            "PREFECT_API_URL": self.api,
            "GITHUB_REPOSITORY": "acme/lakehouse",
            "GITHUB_ACTOR": "rita",
            "GITHUB_RUN_ID": self.run_id,
            "GITHUB_RUN_ATTEMPT": attempt,
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "DABFLOW_WITHIN_SECONDS": "5",
            "BUMP": "minor",
            **more,
        }
        return subprocess.run(
            [sys.executable, "-I", str(SCRIPT), *(arguments or ["release"])],
            env={name: value for name, value in environment.items() if value},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session")
def deployed(prefect_server: str) -> str:
    """The API of a real server that knows the flow's deployment."""
    deploy()
    return prefect_server


@pytest.fixture
def job(deployed: str, tmp_path: Path) -> Job:
    return Job(tmp_path, deployed, run_id=tmp_path.name)


@pytest.fixture
def behind_front(deployed: str, tmp_path: Path) -> Iterator[tuple[Job, Front]]:
    with front(deployed, tmp_path / "front") as opened:
        yield Job(tmp_path, f"{opened.url}/api", run_id=tmp_path.name), opened


def test_a_run_is_started_with_what_the_form_says(job: Job) -> None:
    done = job.run(VERSION="1.4.0", REASON="  the report is wanted\nby Friday ")

    run = the_run(job)
    assert done.returncode == 0, done.stdout
    assert run.parameters == {
        "repository": "acme/lakehouse",
        "requested_by": "rita",
        "bump": "minor",
        "version": "1.4.0",
        "reason": "the report is wanted\nby Friday",
    }
    assert run.state is not None
    assert run.state.is_scheduled()


def test_the_job_hands_on_the_runs_page(job: Job) -> None:
    done = job.run()

    run = the_run(job)
    page = f"{job.api.removesuffix('/api')}/runs/flow-run/{run.id}"
    assert (job.folder / "output").read_text() == f"flow_run_id={run.id}\nurl={page}\nstate=started\n"
    assert page in (job.folder / "summary").read_text()
    assert "Asked for by `rita`" in (job.folder / "summary").read_text()
    assert page in done.stdout


def test_pages_may_be_elsewhere(job: Job) -> None:
    job.run(PREFECT_UI_URL="https://prefect.example/")

    assert "url=https://prefect.example/runs/flow-run/" in (job.folder / "output").read_text()


def test_the_same_attempt_twice_starts_one_run(job: Job) -> None:
    job.run()
    first = (job.folder / "output").read_text()
    (job.folder / "output").unlink()
    job.run()

    assert (job.folder / "output").read_text() == first
    the_run(job)


def test_a_second_attempt_finds_the_run_of_the_first(job: Job) -> None:
    job.run(attempt="1")
    set_state(the_run(job), Running())
    done = job.run(attempt="2")

    assert done.returncode == 0
    assert [run.id for run in started_runs(job.run_id, attempts=2)] == [the_run(job).id]


def test_an_attempt_after_a_failed_run_starts_another(job: Job) -> None:
    """Whoever runs a failed job again wants the release to go on."""
    job.run(attempt="1")
    set_state(the_run(job), Failed())
    job.run(attempt="2")
    job.run(attempt="3")

    first = the_run(job).id
    (second,) = [run.id for run in started_runs(job.run_id, attempts=3) if run.id != first]
    named = (job.folder / "output").read_text().splitlines()[::3]
    assert named == [f"flow_run_id={run}" for run in (first, second, second)]


def test_a_lost_answer_starts_one_run(behind_front: tuple[Job, Front]) -> None:
    """Prefect made the run, its answer was lost: the script asks again and finds it."""
    job, opened = behind_front
    opened.arm(kind="after", method="POST", path=".*/create_flow_run", status=503)

    done = job.run()

    assert done.returncode == 0, done.stdout
    assert opened.asked == ["GET default 200", "POST create_flow_run 503", "POST create_flow_run 200"]
    the_run(job)


@pytest.mark.parametrize("status", [0, 503])
def test_a_server_that_is_away_for_a_moment_is_asked_again(
    behind_front: tuple[Job, Front], status: int
) -> None:
    job, opened = behind_front
    opened.arm(kind="after", method="GET", path=".*/default", status=status)

    done = job.run()

    assert done.returncode == 0, done.stdout
    assert "asking again in 0.5 s" in done.stdout
    the_run(job)


def test_a_server_that_wants_to_be_left_alone_is(behind_front: tuple[Job, Front]) -> None:
    job, opened = behind_front
    opened.arm(kind="refuse", path=".*/default", status=429, headers={"Retry-After": "1"})

    assert "asking again in 1.0 s" in job.run().stdout
    the_run(job)


def test_a_server_that_stays_away_fails_the_job_with_a_sentence(tmp_path: Path) -> None:
    sock = listening_socket()
    api = f"http://127.0.0.1:{sock.getsockname()[1]}/api"
    sock.close()

    done = Job(tmp_path, api, "away").run(DABFLOW_WITHIN_SECONDS="1")

    assert done.returncode == 75
    assert f"::error::the Prefect server at {api} does not answer" in done.stdout
    assert "What to do: see that it runs and that this runner reaches it" in done.stdout


def test_an_unknown_deployment_is_named(job: Job) -> None:
    forget("pull-request-check/default")

    done = job.run("check", PULL_REQUEST="7")

    assert done.returncode == 1
    assert "has no deployment pull-request-check/default (Deployment not found)" in done.stdout
    assert "`dabflow install`" in done.stdout


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"BUMP": "huge"}, ["'huge' is not one of", "correct the field bump, then"]),
        ({"VERSION": "v1.4"}, ["v1.4", "correct the field version, then"]),
        ({"GITHUB_REPOSITORY": "acme/.."}, ["'acme/..' does not match", "correct what it names"]),
    ],
)
def test_parameters_are_refused_with_the_servers_reason(
    job: Job, form: dict[str, str], said: list[str]
) -> None:
    done = job.run(**form)

    assert done.returncode == 1
    assert not [words for words in said if words not in done.stdout], done.stdout
    assert started_runs(job.run_id) == []


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({"PREFECT_API_KEY": KEY}, f"Bearer {KEY}"),
        ({"PREFECT_API_AUTH_STRING": f"admin:{KEY}"}, "Basic YWRtaW46cG51XzAxMjM0NTY3ODlhYmNkZWZnaGlq"),
        ({"PREFECT_API_KEY": "not-this", "PREFECT_API_AUTH_STRING": "a:b"}, "Basic YTpi"),
        ({}, ""),
    ],
)
def test_how_the_server_knows_us(
    behind_front: tuple[Job, Front], variables: dict[str, str], header: str
) -> None:
    job, opened = behind_front

    done = job.run(**variables)

    assert set(opened.authorizations) == {header}
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_does_not_let_us_in(behind_front: tuple[Job, Front], status: int) -> None:
    job, opened = behind_front
    opened.arm(kind="refuse", path=".*", status=status, body={"exception_message": "Unauthorized"})

    done = job.run(PREFECT_API_KEY=KEY)

    assert done.returncode == 1
    assert f"does not let us in ({status} Unauthorized)" in done.stdout
    assert KEY not in done.stdout + done.stderr


def test_a_key_is_not_carried_on_to_another_address(behind_front: tuple[Job, Front]) -> None:
    job, opened = behind_front
    elsewhere = {"Location": f"{opened.url}/elsewhere"}
    opened.arm(kind="refuse", path=".*/default", status=302, headers=elsewhere)

    done = job.run(PREFECT_API_KEY=KEY)

    assert done.returncode == 2
    assert "set PREFECT_API_URL to where the API is" in done.stdout
    assert opened.authorizations == []


@pytest.mark.parametrize("path", ["", "/api/health"])
def test_what_is_no_prefect_api_is_said_to_be_none(deployed: str, tmp_path: Path, path: str) -> None:
    """The pages instead of the API: every address below them answers with HTML."""

    async def page(_: Request) -> Response:
        return PlainTextResponse("<html>") if path == "" else JSONResponse([1])

    served = Served(Starlette(routes=[Route("/{path:path}", page)]), listening_socket()).start()
    try:
        done = Job(tmp_path, f"{served.url}{path}", "html").run()
    finally:
        served.stop()

    assert done.returncode == 2
    assert "is no Prefect API" in done.stdout


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PREFECT_API_URL": ""}, "PREFECT_API_URL is not set"),
        ({"PREFECT_API_URL": "prefect.example/api"}, "PREFECT_API_URL is not the address of an API"),
        ({"PREFECT_API_URL": "https://me:secret@prefect.example/api"}, "is not the address of an API"),
        ({"PREFECT_UI_URL": "javascript:alert(1)"}, "PREFECT_UI_URL is not an address"),
        ({"PREFECT_UI_URL": "https://x\nurl=https://evil.example"}, "PREFECT_UI_URL is not an address"),
        ({"GITHUB_ACTOR": ""}, "GITHUB_ACTOR is not set"),
        ({"GITHUB_RUN_ID": ""}, "GITHUB_RUN_ID is not set"),
        ({"DABFLOW_WITHIN_SECONDS": "soon"}, "DABFLOW_WITHIN_SECONDS is not a number"),
    ],
)
def test_a_missing_variable_is_named(tmp_path: Path, variables: dict[str, str], said: str) -> None:
    done = Job(tmp_path, "http://127.0.0.1:9/api", "x").run(**variables)

    assert done.returncode == 2
    assert said in done.stdout
    assert "secret" not in done.stdout


def test_what_people_wrote_is_never_a_workflow_command(behind_front: tuple[Job, Front]) -> None:
    job, opened = behind_front
    opened.arm(kind="refuse", method="POST", path=".*", status=409, body={"detail": "no\n::add-mask::100%"})

    done = job.run()

    commands = [line for line in done.stdout.splitlines() if line.startswith("::")]
    ours = [command for command in commands if not command.startswith("::warning::no worker")]
    assert [command.split(" ", 1)[0] for command in ours] == ["::error::Prefect"]
    assert "refuses to start the run (409): no ::add-mask::100%25. What to do:" in commands[-1]


def test_the_script_is_for_old_pythons_too() -> None:
    for file in SCRIPT.parent.glob("trigger*.py"):
        ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_the_script_needs_nothing_but_python() -> None:
    """Isolated and without site-packages it still gets as far as its first question."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), "release"],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout.startswith("error: GITHUB_REPOSITORY is not set")


def the_run(job: Job) -> FlowRun:
    (run,) = started_runs(job.run_id)
    return run


def set_state(run: FlowRun, state: State) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, state, force=True)
