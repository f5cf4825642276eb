"""GitHub and three Databricks workspaces over one folder, and the `databricks` command that goes with them.

    with World.open(folder) as world:
        seed(world)
        world.github_url, world.workspace_urls["prod"], world.environment()

The folder holds everything; while the world is stopped it can be copied, and the copy opened instead of it.
The ports stay the same, because the seeded databricks.yml names them: of a folder and its copies only one can
be open at a time.
"""

import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.databricks_cli.launcher import write_launcher
from sandbox.github.server import GitHub
from sandbox.ports import keep_ports, known_ports
from sandbox.seeding.files import PROJECT
from sandbox.serving import Served, listening_socket
from sandbox.workspace.issuer import Issuer
from sandbox.workspace.server import Principal, Workspace

TARGETS = ("dev", "staging", "prod")

# Those of staging and prod stand in the sample bundle as the principals that deploy it.
APPLICATION_IDS = {
    "dev": "2c8d6f3a-de10-4b8e-9d2f-1fe0c3b4d001",
    "staging": "5a1f0c1e-57a6-4c1d-8e0b-5ba9e2c0a002",
    "prod": "9d0e4b7c-b0f1-4f3a-9c55-0a7de11ab003",
}
REPOSITORY = "acme/lakehouse"
DEPLOYER = "dabflow-bot"

_OLDEST_CLI, _FIRST_TOO_NEW = (1, 13), (2, 0)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.\d+")


class World:
    """The servers of one sandbox, in threads of this process. `start` before use, `stop` after."""

    def __init__(self, folder: Path, github: GitHub, workspaces: dict[str, Workspace], cli: Path) -> None:
        self.folder = folder
        self.github = github
        self.workspaces = workspaces
        self.cli = cli
        self.ports = keep_ports(folder, "github", *TARGETS)
        self.served: list[Served] = []

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Load the world kept in `folder`, or make an empty one there.

        Raises:
            CliUnsupported: DABFLOW_DATABRICKS_CLI names something that cannot be used.
        """
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        secret = _client_secrets(folder)
        workspaces = {
            name: Workspace.open(
                folder / "workspaces" / name,
                name=name,
                principal=Principal(APPLICATION_IDS[name], secret[name], f"lakehouse deployer ({name})"),
            )
            for name in TARGETS
        }
        return cls(folder, GitHub.open(folder / "github"), workspaces, find_cli(folder / "bin"))

    @property
    def github_url(self) -> str:
        return _loopback(self.ports["github"])

    @property
    def workspace_urls(self) -> dict[str, str]:
        return {name: _loopback(self.ports[name]) for name in TARGETS}

    @property
    def issuer(self) -> Issuer:
        """Whose tokens a workspace takes once `federate` was called for it."""
        return Issuer(self.folder)

    def federate(self, target: str) -> str:
        """The target's service principal may log in with a token of the issuer; a command that prints one."""
        who = self.workspaces[target].principal.application_id
        subject = f"dabflow:{target}"
        self.workspaces[target].people.trust(who, self.issuer.public_key(), subject)
        command = [sys.executable, "-m", "sandbox.workspace.issuer", str(self.folder), subject]
        return f"cd {shlex.quote(str(PROJECT))} && {shlex.join(command)}"

    def start(self) -> None:
        """Answer on all ports.

        Raises:
            PortTaken: somebody else listens on a port of this folder.
        """
        apps = {"github": self.github.app} | {name: w.app for name, w in self.workspaces.items()}
        try:
            for name, app in apps.items():
                self.served.append(Served(app, _claim(name, self.ports[name])).start())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop answering; what happened is on disk already."""
        for served in self.served:
            served.server.tell()
        for served in self.served:
            served.stop()
        self.served.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """Return what a release tool needs to know: addresses, credentials, where `databricks` is."""
        connections = {
            "DABFLOW_HOME": str(self.folder / "dabflow"),
            "DABFLOW_GITHUB_API_URL": self.github_url,
            "DABFLOW_GITHUB_URL": self.github_url,
            "DABFLOW_GITHUB_TOKEN": self.github.accounts[DEPLOYER].token,
            "DABFLOW_DATABRICKS_CLI": str(self.cli),
            # The bundle builds its wheel with `python3`: the one that has flit_core.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }
        if "prefect" in (ports := known_ports(self.folder)):
            connections["PREFECT_API_URL"] = f"{_loopback(ports['prefect'])}/api"
        for name, workspace in self.workspaces.items():
            variable = f"DABFLOW_TARGET_{name.upper()}"
            connections[f"{variable}_HOST"] = self.workspace_urls[name]
            connections[f"{variable}_CLIENT_ID"] = workspace.principal.application_id
            connections[f"{variable}_CLIENT_SECRET"] = workspace.principal.client_secret
        return connections


class PortTaken(OSError):
    """A port that belongs to a sandbox is in use by something else."""


class CliUnsupported(RuntimeError):
    """The `databricks` that was asked for is not one that can be used."""


def copy_world(original: Path, to: Path) -> Path:
    """Copy the folder of a stopped world. The copy answers on the same ports: open one of them at a time."""
    to.parent.mkdir(parents=True, exist_ok=True)
    # Hundreds of small files: three times as fast as shutil.copytree.
    subprocess.run(["cp", "-R", "-p", original, to], check=True)
    for name in ("run", "logs"):
        shutil.rmtree(to / name, ignore_errors=True)
    return to


def find_cli(folder: Path) -> Path:
    """Return the `databricks` to use: the one named or installed, else the stand-in, written into `folder`.

    Raises:
        CliUnsupported: the one named in DABFLOW_DATABRICKS_CLI is not there, or not between 1.13 and 2.
    """
    if named := os.environ.get("DABFLOW_DATABRICKS_CLI"):
        version = cli_version(Path(named))
        if not _supported(version):
            raise CliUnsupported(
                f"DABFLOW_DATABRICKS_CLI={named} is {version or 'no databricks command'}, not 1.13 or newer\n"
                "  what to do: name another one, or unset the variable to use the sandbox's stand-in"
            )
        return Path(named).resolve()
    installed = shutil.which("databricks")
    if installed and _supported(cli_version(Path(installed))):
        return Path(installed).resolve()
    return write_launcher(folder)


def cli_version(command: Path) -> str | None:
    """Return what a `databricks` command says about itself, such as 1.14.0; None when it says nothing."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        asked = subprocess.run(
            [command, "version"], capture_output=True, text=True, timeout=20, check=False, env=_bare()
        )
        if asked.returncode == 0 and (found := re.search(r"v?\d+\.\d+\.\d+\S*", asked.stdout)):
            return found[0].removeprefix("v")
    return None


def _bare() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "DATABRICKS_CLI_DISABLE_TELEMETRY": "1"}


def _supported(version: str | None) -> bool:
    found = _VERSION.match(version or "")
    return found is not None and _OLDEST_CLI <= (int(found[1]), int(found[2])) < _FIRST_TOO_NEW


def _client_secrets(folder: Path) -> dict[str, str]:
    """Secrets of the service principals: random, made once, readable by their owner only."""
    file = folder / "principals.json"
    if not file.exists():
        made = json.dumps({name: secrets.token_hex(20) for name in TARGETS}, indent=2)
        write_private(file, made)
    kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return kept


def write_private(file: Path, text: str) -> None:
    """Replace a file in one step by one that only its owner can read."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    new.replace(file)


def _loopback(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _claim(name: str, port: int) -> socket.socket:
    try:
        return listening_socket(port)
    except OSError as error:
        raise PortTaken(
            f"port {port}, where {name} of this sandbox answers, is in use by something else\n"
            "  what to do: stop that, or make a new sandbox (`dabflow sandbox reset`, or another --folder)"
        ) from error
