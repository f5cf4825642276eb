"""The code that a run runs: the deployment of prefect.yaml, started as a worker does it, in an empty folder."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from bare import make_bare
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate

from deployments.code_version import code_version
from deployments.install import install
from deployments.prefect_api import RELEASE, prefect_client

pytestmark = pytest.mark.usefixtures("prefect_server")

ROOT = Path(__file__).resolve().parents[2]
# Refused by the first step, before anything is asked of GitHub.
NOWHERE = {"repository": "acme/lakehouse", "requested_by": "rita", "version": "1.4.0"}


@pytest.fixture(scope="module")
def api(prefect_server: str) -> str:
    with prefect_client() as prefect:
        make_bare(prefect)
        list(install(prefect))
    return prefect_server


def scheduled() -> UUID:
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(RELEASE)
        return client.create_flow_run_from_deployment(deployment.id, parameters=NOWHERE).id


@contextmanager
def version_of_the_release(version: str) -> Iterator[None]:
    """As if that version had been installed."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(RELEASE)
        client.update_deployment(found.id, DeploymentUpdate(version=version))
        yield
        client.update_deployment(found.id, DeploymentUpdate(version=found.version))


def said(run: UUID) -> str:
    """The run's state and its message."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
    return f"{state.name}: {state.message}" if state else ""


def ran(api: str, folder: Path, **environment: str) -> tuple[str, str]:
    """Run it in the process that our job variables name; what it said in Prefect, and what was printed."""
    run = scheduled()
    printed = ran_it(api, folder, run, **environment)
    return said(run), printed


def ran_it(api: str, folder: Path, run: UUID, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DABFLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "prefect.engine"],
        cwd=folder,
        env=kept | {"PREFECT_API_URL": api, "PREFECT__FLOW_RUN_ID": str(run), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_without_a_word_it_is_the_dabflow_that_is_installed(api: str, tmp_path: Path) -> None:
    state, _ = ran(api, tmp_path)

    assert "DABFLOW_GITHUB_TOKEN" in state, "our own first step ran, and missed its token"


def test_a_worker_finds_its_python_wherever_it_is_started(api: str, tmp_path: Path) -> None:
    """The system's python knows no Prefect, and `.venv/bin` is on nobody's PATH."""
    run = scheduled()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DABFLOW_")}
    done = subprocess.run(
        [Path(sys.executable).with_name("dabflow"), "worker", "--run-once"],
        cwd=tmp_path,
        env=kept | {"PREFECT_API_URL": api, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "DABFLOW_GITHUB_TOKEN" in said(run), done.stdout + done.stderr


def test_another_checkout_is_used_where_it_is_named(api: str, tmp_path: Path) -> None:
    for package in ("flows", "tasks", "deployments"):
        shutil.copytree(ROOT / package, tmp_path / "other" / package)
    flow = tmp_path / "other" / "flows" / "standard_release.py"
    flow.write_text(
        flow.read_text().replace(
            "    wanted = Wanted(", "    raise SystemError(__file__)\n    wanted = Wanted("
        )
    )

    other = str(code_version(tmp_path / "other"))

    refused, _ = ran(api, tmp_path, DABFLOW_CODE=str(tmp_path / "other"))
    with version_of_the_release(other):
        state, printed = ran(api, tmp_path, DABFLOW_CODE=str(tmp_path / "other"))

    assert refused.startswith(
        f"Failed: this worker has dabflow {other}, but its deployments were installed by "
    )
    assert str(flow) in state, printed


def test_a_run_of_a_version_with_which_this_one_is_not_compatible_does_nothing(
    api: str, tmp_path: Path
) -> None:
    """It waited, say, while its worker was upgraded; what it kept may have another form now."""
    with version_of_the_release("9.9.9+0123456789ab"):
        run = scheduled()

    ran_it(api, tmp_path, run)

    assert said(run).startswith("Failed: this run was made with dabflow 9.9.9+0123456789ab, and ")
    assert "start the release again with the same parameters" in said(run)
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(run).run_count == 0


def test_a_folder_without_our_code_is_named_with_what_to_do(api: str, tmp_path: Path) -> None:
    _, printed = ran(api, tmp_path, DABFLOW_CODE=str(tmp_path / "gone"))

    assert f"DABFLOW_CODE is {tmp_path / 'gone'}" in printed
    assert "what to do: set it to a checkout of dabflow" in printed
