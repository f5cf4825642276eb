"""Installed from nothing on PostgreSQL, with two workers that share no disk: a release changes from one to the other."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import postgres
import pytest
from bare import make_bare
from golden_files import Golden
from other_prefect import OtherPrefect
from playing import GONE, SLUG, People
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.settings import PREFECT_API_URL, temporary_settings
from released import assert_released_once

from deployments.command import main
from deployments.prefect_api import connected
from deployments.runs import Run
from sandbox.processes import start, stop
from sandbox.world import World

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).resolve().parents[2]
GIVE_UP_SECONDS = 150
SUBMITS = re.compile(r"Worker '(\w+)' submitting")


@pytest.fixture
def on_postgres(
    other_prefect: OtherPrefect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OtherPrefect]:
    """A server on PostgreSQL, named to the commands of this test."""
    if not other_prefect.on_postgres:
        if os.environ.get("CI"):
            pytest.fail(f"{postgres.ABSENT}; .ci/run installs it")
        pytest.skip(postgres.ABSENT)
    monkeypatch.chdir(tmp_path)  # a sandbox in the project's folder is not meant
    monkeypatch.setenv("DABFLOW_REPOSITORY", SLUG)
    monkeypatch.setenv("DABFLOW_REQUESTED_BY", "rita")
    with temporary_settings({PREFECT_API_URL: other_prefect.api}):
        with get_client(sync_client=True) as client:
            make_bare(client)
        yield other_prefect


@contextmanager
def worker(folder: Path, name: str, api: str) -> Iterator[Path]:
    """`dabflow worker` with a home and a disk of its own; yields its log."""
    environment = os.environ | {
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(folder / name / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "DABFLOW_HOME": str(folder / name / "dabflow"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "deployments.command", "worker", "--name", name]
    child = start(folder, name, command, environment, cwd=folder)
    try:
        yield Path(child.log)
    finally:
        stop(folder, name)


def until(holds: Callable[[Run], bool], log: Path) -> Run:
    """The newest run of the repository, once that holds."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    with connected() as api:
        while True:
            found = next((run for run in api.runs(SLUG)), None)
            if found and holds(found):
                return found
            assert time.monotonic() < deadline, f"{found}\n{log.read_text()[-6000:]}"
            time.sleep(0.3)


def submitted_by(run: Run) -> list[str]:
    """The workers that took the run, in order."""
    with get_client(sync_client=True) as client:
        logs = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[UUID(run.id)])))
    return [
        found[1]
        for log in sorted(logs, key=lambda log: log.timestamp)
        if (found := SUBMITS.search(log.message))
    ]


def another_dabflow(folder: Path) -> Path:
    """A copy of this one with a change in it."""
    for part in ("flows", "tasks", "deployments"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", folder)
    with (folder / "tasks" / "lock.py").open("a", encoding="utf-8") as file:
        file.write("\n# somebody changed this\n")
    return folder


def test_one_begins_a_release_and_the_other_brings_it_to_production(
    world: World, on_postgres: OtherPrefect, tmp_path: Path, golden: Golden
) -> None:
    people = People(world)
    assert main(["install", "--repository", SLUG]) == 0

    with worker(tmp_path, "one", on_postgres.api) as log:
        assert main(["release", "--bump", "minor", "--reason", "weekly"]) == 0
        run = until(lambda run: run.waits, log)
    people.review("ravi", people.release_pull()["number"])
    with worker(tmp_path, "two", on_postgres.api) as log:
        assert (
            main(["approve", "1.4.0", "--reason", "go", "--destroys", GONE.removeprefix("resources.")]) == 0
        )
        run = until(lambda run: run.ended, log)

    assert (run.state, run.message) == ("Completed", run.message), log.read_text()[-6000:]
    assert_released_once(world, people)
    assert submitted_by(run) == ["one", "two"]

    refused = subprocess.run(
        [sys.executable, "-m", "deployments.command", "worker"],
        cwd=tmp_path,
        env=os.environ
        | {"PREFECT_API_URL": on_postgres.api, "PYTHONPATH": str(another_dabflow(tmp_path / "other"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    golden.check("install/another-version.txt", re.sub(r"\+[0-9a-f]{12}", "+DIGEST", refused.stderr))
    assert main(["uninstall"]) == 0
