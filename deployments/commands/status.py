"""`dabflow status`."""

import json as json_text
import sys
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deployments import surroundings
from deployments.advice import advice, as_json
from deployments.commands.options import Repository
from deployments.screen import make_console
from deployments.standings import Environment, Overview, Standing, overview_of
from tasks.rules.endings import readable
from tasks.rules.outcomes import Hold


def status(
    version: Annotated[str | None, Parameter(help="only this one, finished or not")] = None,
    /,
    *,
    repository: Repository = None,
    json: Annotated[bool, Parameter(negative="", help="for programs")] = False,
) -> int:
    """Say where the releases stand, what staging and production run, and what is asked of whom."""
    seen = overview_of(surroundings.repository_or_default(repository), version)
    if json:
        sys.stdout.write(json_text.dumps(as_json(seen), indent=2, sort_keys=True) + "\n")
    else:
        show(seen, make_console())
    return 0


def show(seen: Overview, console: Console) -> None:
    """The overview, for people."""
    console.print(f"[bold]{escape(seen.repository)}[/]  released: {seen.released or 'nothing yet'}")
    for standing in seen.standings:
        _show_release(standing, console)
    for hold in seen.holds:
        _show_hold(hold, console)
    console.print()
    _show_environments(seen.environments, console)
    if seen.prefect_problem:
        console.print(f"\n[yellow]{escape(seen.prefect_problem)}[/]", soft_wrap=True)
    console.print("\n[bold]What somebody does next[/]")
    for sentence in advice(seen):
        console.print(f"  {escape(sentence)}", soft_wrap=True)


def _show_release(standing: Standing, console: Console) -> None:
    kind = "" if standing.kind == "release" else f"[dim]{standing.kind}[/]  "
    console.print(f"\n  [bold]{standing.version}[/]  {kind}{standing.words}")
    facts = [
        ("pull request", standing.pull_request),
        ("run", f"{standing.run.url}  {standing.run.state}" if standing.run else ""),
        ("brings", _fix(standing.fix)),
        ("stopped", standing.stopped),
        ("blocked", standing.blocked),
        ("missing", standing.missing),
        ("next", standing.next_step),
    ]
    for name, value in facts:
        if value:
            console.print(f"    [dim]{name:<14}[/]{escape(value)}", soft_wrap=True)


def _fix(fix: str) -> str:
    return f"#{fix}" if fix.isdigit() else fix


def _show_hold(hold: Hold, console: Console) -> None:
    console.print(f"\n  [bold]{hold.version}[/]  [red]withdrawn[/]: {hold.by} went back to {hold.to}")
    console.print(f"    [dim]{'because':<14}[/]{escape(hold.reason)}", soft_wrap=True)


def _show_environments(environments: tuple[Environment, ...], console: Console) -> None:
    table = Table(box=None, padding=(0, 2), header_style="dim", show_edge=False)
    for heading in ("", "version", "commit", "since", "approved by"):
        table.add_column(heading, overflow="fold")
    for each in environments:
        since = readable(each.since) if each.since else ""
        table.add_row(
            escape(each.name), each.version or "-", each.recorded[:12] or "-", since, escape(each.approved)
        )
    console.print(table)
    for each in environments:
        console.print(
            f"\n  [bold]{escape(each.name)}[/] [dim]({escape(each.target)})[/]  {_seen(each)}", soft_wrap=True
        )
        facts = [
            *((bundle, commit[:12] or "nothing") for bundle, commit in each.bundles),
            ("asked for by", each.requested_by),
            ("run", each.run_url),
            ("drift", each.drift_words),
        ]
        for name, value in facts:
            if value:
                console.print(f"    [dim]{escape(name):<14}[/]{escape(value)}", soft_wrap=True)


def _seen(environment: Environment) -> str:
    """What its workspace says itself."""
    if environment.problem:
        return f"[yellow]{escape(environment.problem)}[/]"
    if environment.unfinished:
        return f"[yellow]its workspace runs {environment.running[:12]}, of what is not finished[/]"
    if environment.by_hand:
        return f"[red]its workspace runs {environment.running[:12]}[/]"
    return "[dim]its workspace says so too[/]"
