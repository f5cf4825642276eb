"""A plugin for the tests of hotfixes: the place of `fix_place.py`, served, and known to dabflow by its variables."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_place import ORDERS, FixPlace
from hub_place import served_place

pytest_plugins = ["hub_fixtures"]


@pytest.fixture(scope="session")
def fix_template(place_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The place as the picture shows it, not running."""
    folder = tmp_path_factory.mktemp("fix-template")
    shutil.copytree(place_template, folder, dirs_exist_ok=True)
    with served_place(folder) as place:
        place.commit("orders.txt", ORDERS, "feat: orders")
        place.git("branch", "main")
        place.git("tag", "--annotate", "1.3.0", "--message", "Release 1.3.0")
        place.push("main", "1.3.0")
        FixPlace(place).publish("1.3.0", "main")
        place.commit("currencies.txt", "EUR\n", "feat: currencies")
        place.commit("orders.txt", ORDERS.replace("order 0\n", "order 0 EUR\n"), "feat: orders have one")
    return folder


@pytest.fixture
def fixes(fix_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FixPlace]:
    """A copy of it, answering; dabflow acts as its bot."""
    shutil.copytree(fix_template, tmp_path, dirs_exist_ok=True)
    with served_place(tmp_path) as place:
        monkeypatch.setenv("DABFLOW_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("DABFLOW_GITHUB_URL", place.url)
        monkeypatch.setenv("DABFLOW_GITHUB_API_URL", place.url)
        monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", place.token("dabflow-bot"))
        yield FixPlace(place)
