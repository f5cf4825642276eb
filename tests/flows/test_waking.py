"""Real releases that are woken while they wait, by what happens on GitHub; also see `test_actions_story.py`."""

import pytest
from playing import People, start, writes

from flows.housekeeping import housekeeping
from sandbox.world import World

pytestmark = pytest.mark.timeout(240)


def everything_written(world: World) -> list[list[str]]:
    return [writes(world, server=server) for server in ("github", "staging", "prod")]


def test_housekeeping_lets_a_release_wait_and_wakes_it_after_a_review(world: World, people: People) -> None:
    run = start()
    run.go()
    before = everything_written(world)
    housekeeping()
    assert run.state.name == "Suspended"
    assert everything_written(world) == before

    people.review("ravi", people.release_pull()["number"])
    housekeeping()

    assert run.state.name == "Resuming"
    run.go()
    assert run.state.name == "Suspended", "the form is still missing"
    housekeeping()
    assert run.state.name == "Suspended", "it has seen the review"
