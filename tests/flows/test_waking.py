"""Real releases that are woken while they wait: for nothing, by what happens on GitHub, or when their time has come."""

import pytest
from playing import People, start, writes

from flows.housekeeping import housekeeping
from sandbox.world import World
from tasks.ask import waiting_of

pytestmark = pytest.mark.timeout(240)


def everything_written(world: World) -> list[list[str]]:
    return [writes(world, server=server) for server in ("github", "staging", "prod")]


def test_a_wake_for_nothing_changes_nothing_anywhere(world: World) -> None:
    """It looks again, finds what it knew, and asks the same people the same thing, until the same moment."""
    run = start()
    run.go()
    first, before = waiting_of(run.id), everything_written(world)
    assert first is not None

    for _ in range(2):
        run.answer("recheck", "woken for nothing")

    again = waiting_of(run.id)
    assert run.state.name == "Suspended", run.said
    assert everything_written(world) == before
    assert again is not None
    assert (again.deadline, again.remind_at, again.seen) == (first.deadline, first.remind_at, first.seen)
    until = run.state.state_details.pause_timeout
    assert until is not None
    assert abs(until.timestamp() - first.deadline.timestamp()) < 5


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
