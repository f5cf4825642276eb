"""`python -m sandbox.databricks_cli ARGS`: the stand-in for `databricks ARGS`."""

import sys

from sandbox.databricks_cli.own_version import as_json, as_text

# Asked before each command of a release: they do not wait for what they do not need.
_QUICK = {("version",): as_text, ("version", "--output", "json"): as_json}


def main(words: list[str]) -> int:
    """Do what the command line says and return the exit code. A Ctrl-C ends it at once, cleaning nothing up."""
    if quick := _QUICK.get(tuple(words)):
        sys.stdout.write(quick())
        return 0
    from sandbox.databricks_cli.lean_yaml import prepare  # noqa: PLC0415

    prepare()
    from sandbox.databricks_cli.dispatch import run  # noqa: PLC0415

    return run(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
