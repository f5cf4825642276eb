"""Runs that end without their own code running, on a real Prefect server and worker: GitHub is told.

Each of four releases waits, or hangs, in a run of its own on the worker. One expires, one is cancelled in the UI, one
is rejected, one is killed. What tells GitHub is what `dabflow install` made: the automation and the deployments.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from proposed_release import ProposedRelease

from flows.this_run import tags_of
from sandbox import prefect_side
from sandbox.prefect_side import SERVER, WORKER
from sandbox.processes import stop
from sandbox.world import World
from tasks.rules.texts import marker
from tasks.rules.versions import Version

pytestmark = pytest.mark.timeout(600)

PROJECT = Path(__file__).parents[2]
POOL = "dabflow"
EXPIRES, CANCELLED, REJECTED, KILLED = (Version(1, 4, patch) for patch in range(4))
HEADINGS = {
    EXPIRES: "expired, not approved",
    CANCELLED: "cancelled, not approved",
    REJECTED: "rejected",
    KILLED: "stopped, not approved",
}
# On an idle machine each is told within twenty seconds; a busy one needs that long for a Python to start.
GIVE_UP_SECONDS = 180


class Prefect:
    """A server with a worker, set up as `dabflow install` does it, and the API of it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**environment, "DABFLOW_CODE": str(PROJECT)}
        self.api = httpx.Client(base_url=f"{prefect_side.prefect_url(folder)}/api", timeout=30)
        self.deployment = ""

    def start(self) -> None:
        server = prefect_side.start_prefect(self.folder, self.environment)
        prefect_side.wait_for_prefect(self.folder, server)
        prefect_side.ensure_work_pool(self.folder, POOL)
        since = prefect_side.now()
        worker = prefect_side.start_worker(self.folder, self.environment, pool=POOL, cwd=PROJECT)
        setup = [sys.executable, "-m", "deployments.command", "install"]
        prefect_side.run_setup(self.folder, [setup], PROJECT, self.environment)
        prefect_side.wait_for_worker(self.folder, worker, pool=POOL, since=since)
        # A flow of the release's name, so that the automation takes it for one.
        flow = self.post("/flows/", name="standard-release")["id"]
        self.deployment = self.post(
            "/deployments/",
            name="proposed",
            flow_id=flow,
            work_pool_name=POOL,
            entrypoint="tests/proposed_release.py:proposed",
            pull_steps=[{"deployments.pull_step.go_to_the_code": {}}],
            job_variables={
                "command": f"{sys.executable} -m prefect.engine",
                "env": {"PYTHONPATH": f"{PROJECT}{os.pathsep}{PROJECT / 'tests'}"},
            },
            enforce_parameter_schema=False,
        )["id"]

    def post(self, path: str, **body: Any) -> Any:
        answer = self.api.post(path, json=body)
        for _ in range(20):
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(0.3)  # SQLite is busy now and then
            answer = self.api.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def run(self, release: ProposedRelease, *, hangs: bool = False, **waiting: Any) -> str:
        found = release.waiting(**waiting)
        parameters = {"repository": found.repository, "waiting": found.to_json(), "hangs": hangs}
        made = self.post(
            f"/deployments/{self.deployment}/create_flow_run",
            name=release.release.title,
            tags=tags_of(found.repository, found.version),
            parameters=parameters,
        )
        return str(made["id"])

    def state(self, run: str) -> str:
        return str(self.api.get(f"/flow_runs/{run}").json()["state_name"])

    def logs(self) -> str:
        return "".join(file.read_text() for file in sorted((self.folder / "logs").glob("prefect-w*")))[-8000:]


@pytest.fixture
def prefect(world: World, tmp_path: Path) -> Iterator[Prefect]:
    folder = tmp_path / "prefect"
    folder.mkdir()
    started = Prefect(folder, world.environment())
    try:
        started.start()
        yield started
    finally:
        started.api.close()
        stop(folder, WORKER)
        stop(folder, SERVER)


def until(holds: Callable[[], bool], what: Callable[[], str]) -> float:
    """Wait until something holds; say how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < GIVE_UP_SECONDS, what()
        time.sleep(0.3)
    return time.monotonic() - began


def test_expired_cancelled_rejected_and_killed_are_told(world: World, prefect: Prefect) -> None:
    releases = {version: ProposedRelease(world, version) for version in HEADINGS}
    soon = datetime.now(UTC) + timedelta(seconds=10)
    runs = {
        EXPIRES: prefect.run(releases[EXPIRES], deadline=soon, remind_at=soon),
        CANCELLED: prefect.run(releases[CANCELLED]),
        REJECTED: prefect.run(releases[REJECTED]),
        KILLED: prefect.run(releases[KILLED], hangs=True),
    }

    def states() -> str:
        return str({str(version): prefect.state(run) for version, run in runs.items()}) + prefect.logs()

    for version, state in ((CANCELLED, "Suspended"), (REJECTED, "Suspended"), (KILLED, "Running")):
        until(lambda: prefect.state(runs[version]) == state, states)  # noqa: B023 - used at once
    answer = {"decision": "reject", "reason": "the rounding is wrong"}
    prefect.post(f"/flow_runs/{runs[CANCELLED]}/set_state", state={"type": "CANCELLING"})
    until(
        lambda: prefect.post(f"/flow_runs/{runs[REJECTED]}/resume", run_input=answer)["status"] == "ACCEPT",
        states,
    )
    os.kill(process_of(prefect, runs[KILLED]), signal.SIGKILL)
    began = time.monotonic()

    for version, heading in HEADINGS.items():
        release = releases[version]
        expected = f"### {release.release.title}: {heading}"
        # Started again, a run that was killed goes on with its question and its reviews.
        asks_on = "queued" if version is KILLED else "inactive"
        until(
            lambda: expected in comment(release) and asks(release) == {asks_on},  # noqa: B023
            lambda: f"{comment(release)}\n{asks(release)}\n{states()}",  # noqa: B023
        )
        sys.stdout.write(f"{heading}: told after {time.monotonic() - began:.1f} s or less\n")
    pulls = {version: release.hub.pull_request(release.number).state for version, release in releases.items()}
    assert pulls == {EXPIRES: "open", CANCELLED: "open", REJECTED: "closed", KILLED: "open"}
    until(lambda: prefect.state(runs[REJECTED]) == "Rejected", states)
    assert "the rounding is wrong" in comment(releases[REJECTED])


def comment(release: ProposedRelease) -> str:
    found = release.hub.comment(release.number, marker(release.release))
    return found[1] if found else ""


def asks(release: ProposedRelease) -> set[str]:
    """The states of the records that ask for an approval."""
    return {record.state for record in release.records() if "asks" in record.payload}


def process_of(prefect: Prefect, run: str) -> int:
    """The process in which a run executes: Prefect knows it as host:pid."""
    pid = prefect.api.get(f"/flow_runs/{run}").json()["infrastructure_pid"]
    return int(str(pid).rpartition(":")[2])
