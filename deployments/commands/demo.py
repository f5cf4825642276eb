"""`dabflow demo`."""

from typing import Annotated

from cyclopts import Parameter

from deployments.demo import Act, run_demo
from deployments.screen import Screen, make_console


def demo(
    *,
    act: Annotated[
        Act,
        Parameter(
            help="the last act that is played: a release; a hotfix that overtakes it; a rollback of it, too"
        ),
    ] = "hotfix",
    keep: Annotated[bool, Parameter(negative="", help="leave the sandbox's folder, to look around")] = False,
) -> int:
    """Watch a whole release that a hotfix overtakes, and perhaps its rollback, in a sandbox on this machine."""
    console = make_console()
    console.print(
        "[bold]dabflow demo[/]: a whole release in a sandbox. Real git, Prefect, HTTP; nothing leaves this machine."
    )
    with Screen(console) as screen:
        return run_demo(screen, act=act, keep=keep)
