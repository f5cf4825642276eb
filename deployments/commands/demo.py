"""`dabflow demo`."""

from typing import Annotated

from cyclopts import Parameter

from deployments.demo import run_demo
from deployments.screen import Screen, make_console


def demo(
    *,
    keep: Annotated[bool, Parameter(negative="", help="leave the sandbox's folder, to look around")] = False,
) -> int:
    """Watch a whole release, from develop to production and back, in a sandbox on this machine."""
    console = make_console()
    console.print(
        "[bold]dabflow demo[/]: a whole release in a sandbox. Real git, Prefect, HTTP; nothing leaves this machine."
    )
    with Screen(console) as screen:
        return run_demo(screen, keep=keep)
