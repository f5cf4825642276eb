"""Make the Prefect side match this repository: the work pool, and the deployments that prefect.yaml describes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from prefect.settings import get_current_settings

from deployments.prefect_api import POOL, PrefectApi, server
from tasks.rules.errors import NeedsHuman

FOLDER = Path(__file__).resolve().parent.parent
_WITHIN_SECONDS = 120
_TAIL_LINES = 15


def set_up(api: PrefectApi) -> Iterator[str]:
    """The pool and every deployment of prefect.yaml are as this project has them; yields what is so now.

    Raises:
        NeedsHuman: Prefect refuses; the text has what it said.
    """
    made = api.ensure_pool()
    yield f"work pool {POOL}: {'made' if made else 'is there'}"
    _deploy_all()
    yield f"deployments of {FOLDER / 'prefect.yaml'}: as described, on {server()}"


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
            f"`prefect deploy --all` failed:\n{tail}", "correct that, then run dabflow setup again"
        )
