"""`dabflow setup`."""

from deployments.prefect_api import connected
from deployments.screen import make_console
from deployments.setup import set_up


def setup() -> int:
    """Make the Prefect side match this project: the work pool and the deployments. Safe to run again."""
    console = make_console()
    with connected() as api:
        for line in set_up(api):
            console.print(line, soft_wrap=True)
    return 0
