"""A workspace of the sandbox for each test, empty, on a loopback port."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

import pytest
from workspace_site import DEPLOYER, Site, Switchboard

from sandbox.serving import Served, listening_socket
from sandbox.workspace.server import Workspace


class Open(Protocol):
    """Opens the workspace in a folder and serves it, on a server of its own, until the block is left."""

    def __call__(self, home: Path) -> "Opened": ...


class Opened:
    """A workspace on a server of its own: a `with` block, after which nothing of it runs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.stack = ExitStack()

    def __enter__(self) -> Site:
        workspace = Workspace.open(self.home, name="staging", principal=DEPLOYER)
        served = Served(workspace.app, listening_socket()).start()
        self.stack.callback(served.stop)
        return self.stack.enter_context(closing(Site(self.home, workspace, served.url)))

    def __exit__(self, *_: object) -> None:
        self.stack.close()


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Switchboard, str]]:
    switchboard = Switchboard()
    server = Served(switchboard, listening_socket()).start()
    yield switchboard, server.url
    server.stop()


@pytest.fixture
def site(served: tuple[Switchboard, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    # databricks-sdk looks for a profile file in HOME.
    monkeypatch.setenv("HOME", str(tmp_path))
    switchboard, url = served
    home = tmp_path / "workspace"
    workspace = Workspace.open(home, name="staging", principal=DEPLOYER)
    switchboard.app = workspace.app
    with closing(Site(home, workspace, url)) as site:
        yield site


@pytest.fixture
def opened() -> Open:
    return Opened
