"""The `sandbox` command: `up`, `down`, `reset`, `status`.

The caller says what is tried in the sandbox: `sandbox_app(Project(...))` is a cyclopts App to hang into
another one.
"""

import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from sandbox.lifecycle import AnotherAtWork, NotASandbox, Project, Sandbox
from sandbox.notice import Notice, environment_file
from sandbox.prefect_side import SERVER, prefect_url
from sandbox.processes import Unhealthy

console = Console(highlight=False)

Folder = Annotated[Path, Parameter(name="--folder", help="where its state lives")]
WithoutPrefect = Annotated[
    bool, Parameter(name="--without-prefect", negative="", help="only GitHub and the workspaces")
]
_DEFAULT = Path(".sandbox")


class _Told(Exception):
    """A signal asked this process to end."""


def sandbox_app(project: Project) -> App:
    """Return the command group for this project."""
    app = App(name="sandbox", help="A whole world on a laptop: GitHub, three workspaces, Prefect.")

    @app.command
    def up(
        *,
        detach: Annotated[bool, Parameter(negative="", help="return when everything answers")] = False,
        folder: Folder = _DEFAULT,
        without_prefect: WithoutPrefect = False,
    ) -> int:
        """Start the sandbox, with the state it had; Ctrl-C stops it again."""
        return _up(Sandbox(folder, None if without_prefect else project), detach=detach)

    @app.command
    def down(*, folder: Folder = _DEFAULT) -> int:
        """Stop the sandbox; its state stays."""
        return _told(lambda: _say_stopped(Sandbox(folder, project).down()))

    @app.command
    def reset(*, folder: Folder = _DEFAULT) -> int:
        """Stop the sandbox and forget its state; the next `up` begins with a new history."""
        return _told(lambda: _say_stopped([*Sandbox(folder, project).reset(), "state"]))

    @app.command
    def status(
        *,
        json: Annotated[bool, Parameter(negative="", help="for programs")] = False,
        folder: Folder = _DEFAULT,
    ) -> int:
        """Say what runs and where; exit code 0 when everything does, else 1."""
        return _status(Sandbox(folder, project), as_json=json)

    return app


def _told(act: Callable[[], None]) -> int:
    """Run one act and print what stops it: 1 then, else 0."""
    try:
        act()
    except (Unhealthy, AnotherAtWork, NotASandbox) as error:
        console.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        return 1
    return 0


def _up(sandbox: Sandbox, *, detach: bool) -> int:
    started: list[bool] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _raise_told)
    try:
        failed = _told(lambda: started.append(sandbox.up(_say)))
        if failed:
            return failed
        if not started[0]:
            console.print("The sandbox runs already; nothing was changed.")
        _show(sandbox)
        if started[0] and not detach:
            return _watch(sandbox)
    except _Told:
        _say_stopped(sandbox.down())
    return 0


def _watch(sandbox: Sandbox) -> int:
    """Stay until a signal comes, which stops the sandbox, or until a part of it ends by itself."""
    console.print("Ctrl-C stops the sandbox. Its state stays.")
    while sandbox.children():
        if all(child.alive for child in sandbox.children().values()):
            time.sleep(0.5)
            continue
        sandbox.settle()  # perhaps somebody just says `down`, or `up` again
        dead = [child for child in sandbox.children().values() if not child.alive]
        for child in dead:
            console.print(f"[red]{child.name} ended; the end of {child.log}:[/]\n{escape(child.tail())}")
        if dead:
            _say_stopped(sandbox.down())
            return 1
    return 0


def _raise_told(*_: object) -> None:
    raise _Told


def _say(what: str) -> None:
    console.print(f"[dim]{what} ...[/]")


def _say_stopped(names: list[str]) -> None:
    console.print(f"stopped: {', '.join(names)}" if names else "Nothing runs here.")


def _status(sandbox: Sandbox, *, as_json: bool) -> int:
    running = bool(sandbox.children()) and all(c.alive for c in sandbox.children().values())
    if as_json:
        sys.stdout.write(json.dumps(_facts(sandbox, running=running), indent=2) + "\n")
    elif running:
        _show(sandbox)
    else:
        dead = [child.name for child in sandbox.children().values() if not child.alive]
        console.print(f"ended by themselves: {', '.join(dead)}" if dead else "The sandbox does not run.")
    return 0 if running else 1


def _facts(sandbox: Sandbox, *, running: bool) -> dict[str, Any]:
    children = sandbox.children()
    notice = sandbox.notice
    return {
        "folder": str(sandbox.folder),
        "running": running,
        "parts": {
            name: {"pid": child.pid, "alive": child.alive, "log": child.log}
            for name, child in children.items()
        },
        "prefect": prefect_url(sandbox.folder) if SERVER in children else None,
        "environment": str(environment_file(sandbox.folder)),
        **(asdict(notice) if notice else {}),
    }


def _show(sandbox: Sandbox) -> None:
    notice = sandbox.notice
    if notice is None:
        return
    console.print(Panel(_addresses(sandbox, notice), title="sandbox", expand=False))
    project = sandbox.project
    if project and project.hints and SERVER in sandbox.children():
        console.print("What to try first:")
        for hint in project.hints:
            console.print(f"  {hint}", soft_wrap=True)


def _addresses(sandbox: Sandbox, notice: Notice) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    if SERVER in sandbox.children():
        table.add_row("Prefect", _link(prefect_url(sandbox.folder)))
    table.add_row("GitHub", _link(notice.repository))
    for target, url in notice.workspaces.items():
        table.add_row(f"workspace {target}", _link(url))
    table.add_row("databricks", f"{escape(notice.cli)} ({notice.cli_version})")
    table.add_row("accounts", ", ".join(f"{a.login} ({a.role})" for a in notice.accounts))
    table.add_row("their tokens", escape(str(sandbox.folder / "github" / "tokens.json")))
    table.add_row("connections", escape(str(environment_file(sandbox.folder))))
    return table


def _link(url: str) -> str:
    return f"[link={url}]{url}[/link]"
