"""A plugin for the tests of git and GitHub: one served GitHub, known to dabflow by its variables."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_place import SLUG, Place, git

from sandbox.github.server import GitHub
from sandbox.serving import Served, listening_socket


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """acme/lakehouse with one commit, on `develop` and `main`; dabflow acts as its bot."""
    hub = GitHub.open(tmp_path / "github")
    owner, name = SLUG.split("/")
    hub.create_repository(owner, name)
    served = Served(hub.app, listening_socket()).start()
    work = tmp_path / "work"
    work.mkdir()
    place = Place(hub, served.url, work)
    git("init", "--quiet", "--initial-branch=develop", cwd=work)
    place.commit("README.md", "# lakehouse\n", "feat: begin")
    place.push("develop:main")
    monkeypatch.setenv("DABFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DABFLOW_GITHUB_URL", served.url)
    monkeypatch.setenv("DABFLOW_GITHUB_API_URL", served.url)
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", place.token("dabflow-bot"))
    try:
        yield place
    finally:
        served.stop()
