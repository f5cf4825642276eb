"""A whole hotfix: real git, real Prefect, real HTTP against the sandbox's servers."""

import pytest
from playing import SLUG, People, begin, start, writes
from released import assert_released_once, what_runs

from flows.hotfix import hotfix
from sandbox.world import World
from tasks.systems.git_repo import Mirror

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("nothing_lost"),
]

FILE = "src/README.md"


def proposed_by_an_outsider(world: World, people: People) -> int:
    """oskar, who may only read here, mends one file on the develop of a fork of his; returns the number."""
    fork = People(world, world.github.fork(SLUG, "oskar"))
    fork.commit_to("develop", FILE, "mended\n", login="oskar")
    made = people.api(
        "oskar", "POST", "/pulls", head="oskar:develop", base="develop", title="fix: mended", body=""
    )
    return int(made["number"])


def test_a_hotfix_overtakes_a_release_that_waits(world: World, people: People) -> None:
    """A fix from a fork goes to production alone; the release takes it in, is asked about again, and goes after it."""
    release = start()
    release.go()
    waiting = people.release_pull()
    number = proposed_by_an_outsider(world, people)

    run = begin(hotfix, pull_request=number, reason="nobody can read it")
    run.go()
    own = people.release_pull()
    assert own["title"] == "Hotfix 1.3.1"
    people.review("rosa", own["number"])
    run.answer("approve", "looks right", destroys="")

    assert run.said == "Completed: acme/lakehouse 1.3.1 is released, and back in develop, release/1.4.0"
    assert_shipped_alone(people, number)
    before = writes(world)
    again = begin(hotfix, pull_request=number)
    again.go()
    assert again.said == f"Completed: #{number} is already in production"
    assert writes(world) == before

    release.answer("recheck")
    assert release.state.name == "Suspended", release.said
    people.review("ravi", waiting["number"])
    release.answer("approve", "with the fix")
    assert release.state.name == "Completed", release.said
    assert_released_once(world, people)
    assert Mirror(SLUG).read("1.4.0", FILE) == "mended\n"


def assert_shipped_alone(people: People, number: int) -> None:
    """Production runs the fix and nothing else that is new, the release has it, and the outsider knows."""
    mirror = Mirror(SLUG).fetch()
    tag = mirror.tags()["1.3.1"]
    assert what_runs("prod") == tag
    assert mirror.changed_files(mirror.tags()["1.3.0"], tag) == [FILE]
    assert mirror.is_ancestor(tag, mirror.branches()["release/1.4.0"])
    assert people.api("rita", "GET", f"/pulls/{number}")["state"] == "closed"
    (told,) = people.api("rita", "GET", f"/issues/{number}/comments")
    assert "is kept: it is in a fork" in told["body"]
