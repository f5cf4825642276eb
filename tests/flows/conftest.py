"""What every test of a whole flow stands on."""

from collections.abc import Iterator

import pytest
from nothing_lost import Refs, assert_nothing_lost
from playing import People, forget_runs, without_waiting

from sandbox.world import World


@pytest.fixture(autouse=True)
def _quick_and_alone(prefect_server: str) -> Iterator[None]:
    """No waiting between tries, and no run of an earlier test that still waits for an answer."""
    without_waiting()
    yield
    forget_runs()


@pytest.fixture
def nothing_lost(world: World) -> Iterator[None]:
    """At the end every version is in develop, latest is what production runs, and only our refs were touched."""
    before = Refs.now()
    yield
    assert_nothing_lost(world, before)


@pytest.fixture
def people(world: World) -> People:
    return People(world)
