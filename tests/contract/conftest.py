"""The command under test: the stand-in, and the real `databricks` where there is one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_lab import Cli, Lab, real, standin


@pytest.fixture(scope="session", params=["stand-in", "real"])
def cli(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    if request.param == "stand-in":
        return standin(tmp_path_factory.mktemp("bin"))
    found = real()
    if found is None:
        pytest.skip("no real databricks command here: put one on PATH or name it in DABFLOW_DATABRICKS_CLI")
    return found


@pytest.fixture
def lab(cli: Cli, tmp_path: Path) -> Iterator[Lab]:
    """A fresh workspace and a fresh checkout of the sample bundle; nothing is deployed."""
    opened = Lab(cli, tmp_path)
    yield opened
    opened.stop()
