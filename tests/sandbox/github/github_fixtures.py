"""The GitHub that the tests of this folder ask for."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from github_site import Site, Work, run_git

from sandbox.github.server import GitHub
from sandbox.serving import Served, listening_socket


@pytest.fixture(scope="session")
def github_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a GitHub that is not running and a clone of its one repository."""
    home = tmp_path_factory.mktemp("github-template")
    hub = GitHub.open(home / "github")
    bare = hub.create_repository("acme", "lakehouse")
    run_git("init", "--quiet", "--initial-branch", "develop", "work", cwd=home)
    work = Work(home / "work", "ravi@acme.example")
    work.git("remote", "add", "origin", str(bare))
    work.commit("README.md", "# lakehouse\n", "feat: begin")
    work.git("branch", "main")
    work.push("develop", "main")
    return home


@pytest.fixture
def site(tmp_path: Path, github_template: Path) -> Iterator[Site]:
    home = tmp_path / "home"
    shutil.copytree(github_template, home)
    hub = GitHub.open(home / "github")
    site = Site(home, hub, Served(hub.app, listening_socket()).start())
    yield site
    site.close()


@pytest.fixture
def work(site: Site) -> Work:
    """A clone of ravi's, on `develop`."""
    work = Work(site.home / "work", "ravi@acme.example")
    work.git("remote", "set-url", "origin", site.git_url("ravi"))
    work.git("fetch", "--quiet", "origin")
    return work
