"""A workspace of the sandbox for each test, empty, on a loopback port."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from workspace_site import DEPLOYER, Open, Opened, Site, Switchboard

from sandbox.serving import Served, listening_socket
from sandbox.workspace.server import Workspace


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
