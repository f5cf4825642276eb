"""`dabflow install`."""

from deployments.install import install as install_all
from deployments.prefect_api import connected
from deployments.screen import make_console


def install() -> int:
    """Make the Prefect side match this project: the work pool and the deployments. Safe to run again."""
    console = make_console()
    with connected() as api:
        for line in install_all(api):
            console.print(line, soft_wrap=True)
    return 0
