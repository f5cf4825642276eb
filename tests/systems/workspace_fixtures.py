"""A plugin for the tests of systems that ask for it: one served sandbox workspace, known as the target `prod`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workspace_box import CLIENT_ID, SECRET, Box

from sandbox.serving import Served, listening_socket
from sandbox.workspace.server import Principal
from sandbox.workspace.server import Workspace as SandboxWorkspace
from tasks.systems.targets import Target, target_of


@pytest.fixture
def known_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Target]:
    """Makes `prod` known at an address, with the client secret of these tests."""

    def known(url: str) -> Target:
        monkeypatch.setenv("DABFLOW_TARGET_PROD_HOST", url)
        monkeypatch.setenv("DABFLOW_TARGET_PROD_CLIENT_ID", CLIENT_ID)
        monkeypatch.setenv("DABFLOW_TARGET_PROD_CLIENT_SECRET", SECRET)
        return target_of("prod")

    return known


@pytest.fixture
def sandbox_workspace(tmp_path: Path) -> SandboxWorkspace:
    """The workspace that `box` serves, for what goes past its API."""
    principal = Principal(CLIENT_ID, SECRET, "deployer of prod")
    return SandboxWorkspace.open(tmp_path / "workspace", name="prod", principal=principal)


@pytest.fixture
def box(sandbox_workspace: SandboxWorkspace, known_at: Callable[[str], Target]) -> Iterator[Box]:
    """A sandbox workspace, empty, known as `prod`."""
    served = Served(sandbox_workspace.app, listening_socket()).start()
    try:
        yield Box(served.url, known_at(served.url))
    finally:
        served.stop()
