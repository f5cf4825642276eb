"""Where the code of a run is, and whether it is the right one. Prefect calls this first in each run: it is the "pull
step" of prefect.yaml.

DABFLOW_CODE    a folder with dabflow's code; where it is not set, the dabflow that is installed beside the worker's
                Prefect is used. Set it for one run (a job variable) to hold that run to one version.
"""

import logging
import os
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Failed

from deployments.code_version import code_folder, code_version
from tasks.rules.code_versions import must_run
from tasks.rules.errors import NeedsHuman

_ENTRY = Path("flows", "standard_release.py")
_RUN = "PREFECT__FLOW_RUN_ID"

log = logging.getLogger("flows.pull_step")


def go_to_the_code() -> dict[str, str]:
    """Go to the folder of dabflow's code; return it as Prefect wants it.

    Raises:
        NeedsHuman: DABFLOW_CODE names a folder that does not hold dabflow, or holds one that must not run this run.

    Source: Prefect 3.8, "Pull steps": `directory` in a step's answer is where the flow is loaded.
    """
    folder = code_folder()
    run_id = os.environ.get(_RUN)
    if not run_id:
        return _gone_to(folder)
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(run_id))
        try:
            return _gone_to(folder, *_versions(client, run))
        except NeedsHuman as refused:
            # Prefect itself would only say that a process ended with an exit code.
            client.set_flow_run_state(run.id, Failed(message=str(refused)))
            raise


def _versions(client: SyncPrefectClient, run: FlowRun) -> tuple[str, str]:
    """The version that is installed now, and the one that the run was made with; empty where nobody wrote one."""
    if run.deployment_id is None:
        return "", ""
    return client.read_deployment(run.deployment_id).version or "", run.deployment_version or ""


def _gone_to(folder: Path, installed: str = "", made_with: str = "") -> dict[str, str]:
    if not (folder / _ENTRY).is_file():
        raise NeedsHuman(
            f"DABFLOW_CODE is {folder}, and there is no {_ENTRY} in it on this worker",
            "set it to a checkout of dabflow, or leave it unset to use the dabflow that is installed there",
        )
    if installed:
        told = must_run(code_version(folder), installed=installed, made_with=made_with)
        if told:
            log.info(told)
    os.chdir(folder)
    return {"directory": str(folder.resolve())}
