"""`dabflow worker`."""

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deployments.code_version import code_folder
from deployments.install import insist_on_this_version
from deployments.parts.pool import POOL
from deployments.prefect_api import prefect_client

Options = Annotated[
    str,
    Parameter(
        allow_leading_hyphen=True, help="more options of `prefect worker start`, such as --name or --limit 5"
    ),
]

Pool = Annotated[
    str, Parameter(help="the work pool whose runs it takes, where prefect.yaml names more than one")
]


def worker(*options: Options, pool: Pool = POOL) -> int:
    """Start a worker for dabflow's runs; it stays until Ctrl-C. The connections are those of its environment.

    It does not start where another version of dabflow is installed on the Prefect server.
    """
    with prefect_client() as client:  # without a server's name Prefect would start one for the moment
        insist_on_this_version(client, code_folder())
    here = Path(sys.executable).parent
    # A run is started by the word `python`, as prefect.yaml says: the one beside our Prefect, not the system's.
    path = f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    command = [str(here / "prefect"), "worker", "start", "--pool", pool, "--type", "process", *options]
    os.execve(command[0], command, os.environ | {"PATH": path})  # noqa: S606 - no shell is wanted
