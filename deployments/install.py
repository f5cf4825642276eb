"""Make the Prefect side match this repository: the work pool, the deployments that prefect.yaml describes, and the
automation that has GitHub told when a release's run ends without a word.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from prefect.events import AutomationCore, EventTrigger, Posture, ResourceSpecification, RunDeployment
from prefect.settings import get_current_settings

from deployments.prefect_api import POOL, PrefectApi, server
from tasks.rules.errors import NeedsHuman

FOLDER = Path(__file__).resolve().parent.parent
HOUSEKEEPING = "housekeeping/ended"
AUTOMATION = "dabflow: a release's run ended"
RELEASING = ("standard-release", "hotfix", "rollback")  # the flows that bring a release to production
_WITHIN_SECONDS = 120
_TAIL_LINES = 15


def install(api: PrefectApi) -> Iterator[str]:
    """Pool, deployments of prefect.yaml and automation are as this project has them; yields what is so now.

    Raises:
        NeedsHuman: Prefect refuses; the text has what it said.
    """
    made = api.ensure_pool()
    yield f"work pool {POOL}: {'made' if made else 'is there'}"
    _deploy_all()
    yield f"deployments of {FOLDER / 'prefect.yaml'}: as described, on {server()}"
    made = api.ensure_automation(when_a_run_ended(api.deployment_id(HOUSEKEEPING)))
    yield f"automation {AUTOMATION}: {'made' if made else 'is there'}"


def when_a_run_ended(deployment: UUID) -> AutomationCore:
    """What starts housekeeping for one run as soon as Prefect sees that it ended badly.

    A run that is cancelled or expires while it is suspended executes nothing, no hook either. A killed run is
    reported twice by its worker: housekeeping looks before it acts, so the second time changes nothing.

    Source: Prefect 3.8, "Event triggers"; events are named after the name of the state, measured with 3.8.8.
    """
    which = {"__prefect_kind": "jinja", "template": "{{ flow_run.id }}"}
    return AutomationCore(
        name=AUTOMATION,
        description="GitHub is told how a release's run ended that could not tell it itself (dabflow install).",
        enabled=True,
        # The two types are the defaults; named, they are also sent where Prefect's client sends what was set only.
        trigger=EventTrigger(
            type="event",
            expect={f"prefect.flow-run.{state}" for state in ("Failed", "Cancelled", "Crashed")},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "flow", "prefect.resource.name": list(RELEASING)}
            ),
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            RunDeployment(
                type="run-deployment",
                source="selected",
                deployment_id=deployment,
                parameters={"flow_run_id": which},
            )
        ],
    )


def _deploy_all() -> None:
    command = [str(Path(sys.executable).parent / "prefect"), "--no-prompt", "deploy", "--all"]
    environment = os.environ | {"PREFECT_API_URL": get_current_settings().api.url or ""}
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_WITHIN_SECONDS,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL_LINES:])
        raise NeedsHuman(
            f"`prefect deploy --all` failed:\n{tail}", "correct that, then run dabflow install again"
        )
