"""`dabflow release`."""

from typing import Annotated, Literal

from cyclopts import Parameter
from rich.markup import escape

from deployments import surroundings
from deployments.commands.options import Repository
from deployments.prefect_api import connected
from deployments.runs import Run
from deployments.screen import Screen, make_console
from deployments.starting import Order, start_release, warning_without_worker
from deployments.watching import Watch, until_it_ends
from tasks.rules.errors import NeedsHuman

Bump = Literal["auto", "major", "minor", "patch"]


def release(
    *,
    bump: Annotated[Bump | None, Parameter(help="which part grows; auto reads the commits")] = None,
    version: Annotated[str | None, Parameter(help="an exact version instead, such as 1.4.0")] = None,
    repository: Repository = None,
    requested_by: Annotated[
        str | None, Parameter(help="your GitHub login; default: DABFLOW_REQUESTED_BY")
    ] = None,
    reason: Annotated[str, Parameter(help="why, for the people who approve")] = "",
    watch: Annotated[bool, Parameter(negative="", help="stay and tell each step until it ends")] = False,
) -> int:
    """Start a release, or go on with the unfinished one."""
    if bump and version:
        raise NeedsHuman("--bump and --version both say which version is meant", "give one of them")
    order = Order(
        repository=surroundings.repository_or_default(repository),
        requested_by=surroundings.requester_or_default(requested_by),
        bump=bump or "auto",
        version=version,
        reason=reason,
    )
    console = make_console()
    with connected() as api:
        run = start_release(api, order)
        console.print(f"started: {escape(order.repository)}\n  {run.url}", soft_wrap=True)
        if warning := warning_without_worker(api):
            console.print(f"[yellow]{escape(warning)}[/]", soft_wrap=True)
        if not watch:
            return 0
        with Screen(console) as screen:
            return _watched(Watch(api, run.id, screen), run, screen)


def _watched(watch: Watch, run: Run, screen: Screen) -> int:
    try:
        ended = watch.until(until_it_ends)
    except KeyboardInterrupt:
        screen.print(f"You stopped watching; the release goes on by itself: {run.url}")
        return 0
    return 1 if ended.went_wrong else 0
