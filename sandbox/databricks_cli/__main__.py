"""`python -m sandbox.databricks_cli ARGS`: the stand-in for `databricks ARGS`."""

import sys
from collections.abc import Callable

from sandbox.databricks_cli.arguments import Help, Usage, parse
from sandbox.databricks_cli.diagnostics import Refused
from sandbox.databricks_cli.surroundings import refuse_variables


def main(words: list[str]) -> int:
    """Do what the command line says and return the exit code. A Ctrl-C ends it at once, cleaning nothing up."""
    try:
        found = parse(words)
        if found.command.path != ("version",):
            refuse_variables()
        # Only now: `databricks version` does not wait for what it does not need.
        from sandbox.databricks_cli import commands  # noqa: PLC0415

        handlers: dict[tuple[str, ...], Callable[..., int]] = {
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
        return handlers[found.command.path](found.options, *found.words)
    except Help as text:
        sys.stdout.write(str(text))
        return 0
    except (Refused, Usage) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
