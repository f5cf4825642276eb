"""A plugin for the tests of git and GitHub: one served GitHub, known to dabflow by its variables."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_place import SLUG, Place, git, served_place


@pytest.fixture(scope="session")
def place_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GitHub that is not running, and a clone of its one repository with one commit, on `develop` and `main`."""
    folder = tmp_path_factory.mktemp("place-template")
    with served_place(folder) as place:
        place.hub.create_repository(*SLUG.split("/"))
        place.work.mkdir()
        git("init", "--quiet", "--initial-branch=develop", cwd=place.work)
        place.commit("README.md", "# lakehouse\n", "feat: begin")
        place.push("develop:main")
    return folder


@pytest.fixture
def place(place_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """acme/lakehouse with one commit, on `develop` and `main`; dabflow acts as its bot."""
    shutil.copytree(place_template, tmp_path, dirs_exist_ok=True)
    with served_place(tmp_path) as place:
        monkeypatch.setenv("DABFLOW_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("DABFLOW_GITHUB_URL", place.url)
        monkeypatch.setenv("DABFLOW_GITHUB_API_URL", place.url)
        monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", place.token("dabflow-bot"))
        yield place
