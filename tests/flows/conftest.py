"""What every test of a whole flow stands on."""

from collections.abc import Iterator

import pytest
from playing import People, forget_runs, without_waiting

from sandbox.world import World


@pytest.fixture(autouse=True)
def _quick_and_alone(prefect_server: str) -> Iterator[None]:
    """No waiting between tries, and no run of an earlier test that still waits for an answer."""
    without_waiting()
    yield
    forget_runs()


@pytest.fixture
def people(world: World) -> People:
    return People(world)
