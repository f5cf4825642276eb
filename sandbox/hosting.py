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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.seed import seed
from sandbox.world import REPOSITORY, World, cli_version, write_private


@dataclass(frozen=True)
class Tenant:
    """One account of the GitHub server, without its token."""

    login: str
    name: str
    role: str


@dataclass(frozen=True)
class Notice:
    """What the process that serves a world tells about it. `pid` says which process told it."""

    pid: int
    github: str
    repository: str
    workspaces: dict[str, str]
    cli: str
    cli_version: str
    accounts: list[Tenant]


def notice_file(folder: Path) -> Path:
    return folder / "run" / "world.ready"


def environment_file(folder: Path) -> Path:
    return folder / "sandbox.env"


def read_notice(folder: Path) -> Notice | None:
    """Return what the last process that served this folder told, if it came so far."""
    try:
        told: dict[str, Any] = json.loads(notice_file(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Notice(**(told | {"accounts": [Tenant(**account) for account in told["accounts"]]}))


def read_environment(folder: Path) -> dict[str, str]:
    """Return the variables of `sandbox.env`."""
    lines = environment_file(folder).read_text(encoding="utf-8").splitlines()
    pairs = (shlex.split(line)[0].partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


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
