"""`dabflow uninstall`."""

from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from deployments.prefect_api import prefect_client, server
from deployments.screen import make_console
from deployments.uninstall import uninstall as take_away


def uninstall(
    *,
    dry_run: Annotated[bool, Parameter(name="--dry-run", negative=())] = False,
    although_open: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Remove from the Prefect server what `dabflow install` made. Blocks with credentials and the history stay.

    Stop the workers first: a worker makes its pool again.

    Args:
        dry_run: Only say what would be removed.
        although_open: Also where releases wait or run. They go on when they are started again on another server.
    """
    console = make_console()
    with prefect_client() as client:
        console.print(f"Prefect server: {server()}", soft_wrap=True)
        for line in take_away(client, dry=dry_run, although_open=although_open):
            console.print(escape(line.text), soft_wrap=True)
    return 0
