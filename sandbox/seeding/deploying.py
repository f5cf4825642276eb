"""Deploys a commit of the sample repository by really running `databricks bundle deploy`."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sandbox.seeding.people import SeedingFailed
from sandbox.workspace.server import Principal

_DEPLOY_SECONDS = 120


@dataclass(frozen=True)
class Destination:
    """A target of the bundle, its workspace, and who deploys there."""

    target: str
    host: str
    principal: Principal


def deploy(cli: Path, checkout: Path, to: Destination, *, epoch: int) -> None:
    """Deploy what is checked out; `epoch` (seconds) is the time that goes into built files.

    Raises:
        SeedingFailed: the command did not end well; with what it printed.
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-home-") as home:
        done = subprocess.run(
            [cli, "bundle", "deploy", "--target", to.target],
            cwd=checkout,
            env=_environment(to, Path(home), epoch),
            capture_output=True,
            text=True,
            timeout=_DEPLOY_SECONDS,
            check=False,
        )
    if done.returncode:
        raise SeedingFailed(
            f"bundle deploy --target {to.target} ended with {done.returncode}:\n{done.stderr}"
        )


def _environment(to: Destination, home: Path, epoch: int) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(home),
        "DATABRICKS_HOST": to.host,
        "DATABRICKS_CLIENT_ID": to.principal.application_id,
        "DATABRICKS_CLIENT_SECRET": to.principal.client_secret,
        "DATABRICKS_CACHE_ENABLED": "false",
        "DATABRICKS_CLI_DISABLE_TELEMETRY": "1",
        "SOURCE_DATE_EPOCH": str(epoch),
    }
