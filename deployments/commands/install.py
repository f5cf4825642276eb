"""`dabflow install`."""

from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape

from deployments.install import Line, Wish
from deployments.install import dry_run as only_look
from deployments.install import install as install_all
from deployments.prefect_api import prefect_client, server
from deployments.screen import make_console
from deployments.server_facts import server_problems
from tasks.rules.errors import NeedsHuman
from tasks.rules.server_settings import Problem

DIFFERS = 3
_COLORS = {"error": "red", "warning": "yellow", "note": "dim"}


def install(
    *,
    dry_run: Annotated[bool, Parameter(name="--dry-run", negative=())] = False,
    repository: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    results: str = "",
) -> int:
    """Make the Prefect server match this dabflow: pool, queue, locks, block types, deployments, automation.

    Safe to run again, and to be interrupted. What people paused or added on the server stays.

    Args:
        dry_run: Only say what differs; exit 0 if nothing does, 3 if something would be changed, 1 if it cannot be.
        repository: A repository (owner/name) whose locks are made now, not at its first release. May be repeated.
        results: A folder that every worker has at the same place, where runs keep what their steps found out.
    """
    wish = Wish(repository, results)
    console = make_console()
    with prefect_client() as client:
        console.print(f"Prefect server: {server()}", soft_wrap=True)
        _insist_on_a_server_that_loses_nothing(console, server_problems(client))
        lines = only_look(client, wish) if dry_run else install_all(client, wish)
        differs = [_told(console, line).differs for line in lines]
    return DIFFERS if dry_run and any(differs) else 0


def _told(console: Console, line: Line) -> Line:
    console.print(escape(line.text), soft_wrap=True)
    return line


def _insist_on_a_server_that_loses_nothing(console: Console, found: list[Problem]) -> None:
    for one in found:
        console.print(f"[{_COLORS[one.severity]}]{one.severity}[/] {escape(text_of(one))}", soft_wrap=True)
    names = [one.name for one in found if one.severity == "error"]
    if names:
        raise NeedsHuman(
            f"nothing was changed: this server could lose a release ({', '.join(names)})",
            "do what is said above, then run dabflow install again",
        )


def text_of(problem: Problem) -> str:
    return f"{problem.name}: {problem.what}\n  why it matters: {problem.why}\n  what to do: {problem.fix}"
