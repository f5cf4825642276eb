"""What the process that serves a world leaves for others: addresses and accounts, and the connections.

Apart from the servers, so that a command that only looks does not load them.
"""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
