"""`dabflow drift`."""

import json as json_text
import sys
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape

from deployments import surroundings
from deployments.commands.options import Repository
from deployments.screen import make_console
from tasks.drift import looked_at_now
from tasks.rules.drift import Look
from tasks.rules.drift_text import drift_line, drift_lines
from tasks.rules.errors import ReleaseError

DRIFT, UNKNOWN = 1, 2


def drift(
    *targets: Annotated[str, Parameter(help="a target or an environment; none for both")],
    repository: Repository = None,
    json: Annotated[bool, Parameter(negative="", help="for programs")] = False,
) -> int:
    """Tell what somebody changed by hand on the targets: 0 nothing, 1 something, 2 it could not be looked up."""
    name = surroundings.repository_or_default(repository)
    try:
        looks, note = looked_at_now(name, targets)
    except ReleaseError as error:
        make_console(stderr=True).print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        return UNKNOWN  # and not what every other command ends with, which is drift here
    if json:
        sys.stdout.write(json_text.dumps(as_json(name, looks), indent=2, sort_keys=True) + "\n")
    else:
        show(looks, make_console())
    if note:
        make_console(stderr=True).print(f"[yellow]{escape(note)}[/]", soft_wrap=True)
    return exit_code(looks)


def exit_code(looks: tuple[Look, ...]) -> int:
    """What is known for sure counts first: drift that was seen is drift, also where another target is silent."""
    if any(look.drifted for look in looks):
        return DRIFT
    return UNKNOWN if any(look.unknown for look in looks) else 0


def as_json(repository: str, looks: tuple[Look, ...]) -> dict[str, object]:
    """The same for programs; keys stay as they are."""
    return {"repository": repository, "targets": [look.to_json() for look in looks]}


def show(looks: tuple[Look, ...], console: Console) -> None:
    """What was seen, for people."""
    for look in looks:
        color = "red" if look.drifted else "yellow" if look.unknown else "green"
        runs = f"  {look.version}" if look.version else ""
        console.print(
            f"[bold]{escape(look.environment)}[/] ({escape(look.target)}){runs}  [{color}]{escape(drift_line(look))}[/]",
            soft_wrap=True,
        )
        for line in drift_lines(look):
            console.print(f"  {line}", markup=False, soft_wrap=True)
