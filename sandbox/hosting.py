"""`python -m sandbox.hosting FOLDER`: the world of a folder, seeded if it is new, until SIGTERM or SIGINT.

When everything answers it writes `<folder>/sandbox.env`, the connections of a release tool, and
`<folder>/run/world.ready`, what a person wants to know.
"""

import json
import os
import shlex
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from sandbox.notice import Notice, Tenant, environment_file, notice_file
from sandbox.seed import seed
from sandbox.world import REPOSITORY, World, cli_version, write_private


def _write_environment(world: World) -> None:
    # Where programs are is the reader's own business; `. sandbox.env` must not take PATH away from a shell.
    variables = {name: value for name, value in world.environment().items() if name != "PATH"}
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in variables.items()]
    write_private(environment_file(world.folder), "".join(lines))


def _notice(world: World) -> Notice:
    return Notice(
        pid=os.getpid(),
        github=world.github_url,
        repository=f"{world.github_url}/{REPOSITORY}",
        workspaces=world.workspace_urls,
        cli=str(world.cli),
        cli_version=cli_version(world.cli) or "unknown",
        accounts=[Tenant(a.login, a.name, str(a.role)) for a in world.github.accounts.values()],
    )


def host(folder: Path) -> None:
    """Serve until told to stop."""
    told_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_stop.set())
    with World.open(folder) as world:
        seed(world)
        _write_environment(world)
        notice_file(world.folder).parent.mkdir(exist_ok=True)
        write_private(notice_file(world.folder), json.dumps(asdict(_notice(world)), indent=2))
        told_to_stop.wait()


if __name__ == "__main__":
    host(Path(sys.argv[1]))
