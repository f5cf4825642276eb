"""Finds the command that a command line asks for, and runs it."""

import sys
from collections.abc import Callable

from sandbox.databricks_cli import commands
from sandbox.databricks_cli.arguments import Help, Usage, parse
from sandbox.databricks_cli.diagnostics import Refused
from sandbox.databricks_cli.surroundings import refuse_variables

_HANDLERS: dict[tuple[str, ...], Callable[..., int]] = {
    ("version",): commands.version,
    ("current-user", "me"): commands.current_user_me,
    ("bundle", "validate"): commands.validate,
    ("bundle", "plan"): commands.plan,
    ("bundle", "deploy"): commands.deploy,
    ("bundle", "summary"): commands.summary,
    ("bundle", "run"): commands.run,
    ("bundle", "destroy"): commands.destroy,
    ("bundle", "deployment", "bind"): commands.bind,
}


def run(words: list[str]) -> int:
    """Do what the command line says and return the exit code."""
    try:
        found = parse(words)
        if found.command.path != ("version",):
            refuse_variables()
        return _HANDLERS[found.command.path](found.options, *found.words)
    except Help as text:
        sys.stdout.write(str(text))
        return 0
    except (Refused, Usage) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
