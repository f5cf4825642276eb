"""A rollback from the form to the hold, and the release after it: one world, one story."""

from typing import Any

import pytest
from nothing_lost import Refs, assert_nothing_lost
from playing import SLUG, People, Run, begin, start, writes
from released import what_runs
from rolled import PIPELINE

from flows.rollback import rollback
from sandbox.world import World
from tasks.systems.git_repo import Mirror
from tasks.verify import verified

pytestmark = pytest.mark.timeout(300)

NAME = "rollback-1.5.0-to-1.4.0"


def latest(people: People) -> str:
    return str(people.api("rita", "GET", "/releases/latest")["tag_name"])


def back(**parameters: Any) -> Run:
    return begin(rollback, **{"to": "1.4.0", "reason": "the totals are wrong", **parameters})


def everything(world: World) -> list[list[str]]:
    return [writes(world, server=server) for server in ("github", "staging", "prod")]


def test_back_to_the_version_before_and_on_from_there(rolled_world: World) -> None:
    """Rolled back from a version that brought a pipeline, held, and released again with a fix."""
    people, before = People(rolled_world), Refs.now()
    go_back(people)
    assert_nothing_lost(rolled_world, before)
    assert [verified(SLUG, name).problem for name in (NAME, "1.5.0", "1.4.0")] == ["", "", ""]
    seen = everything(rolled_world)
    again = back()
    again.go()
    assert again.said == "Completed: production already runs 1.4.0"
    assert everything(rolled_world) == seen
    release_again(people)
    assert_nothing_lost(rolled_world, before)


def go_back(people: People) -> None:
    tags = Mirror(SLUG).fetch().tags()
    number = people.release_pull()["number"]
    assert (what_runs("prod"), latest(people)) == (tags["1.5.0"], "1.5.0")

    asked = back()
    asked.go()
    assert asked.state.name == "Suspended", asked.said
    assert asked.flow_run.name == f"acme/lakehouse {NAME}"
    second = back()
    second.go()
    assert second.state.name == "Under way", second.said
    asked.answer("approve", "go back", destroys=PIPELINE)
    assert asked.state.name == "Suspended", "ravi's review was about 1.5.0"
    people.review("ravi", number, body="back, please")
    asked.answer("recheck")
    assert asked.said == "Completed: production runs 1.4.0 again, 1.5.0 is withdrawn"

    assert (what_runs("prod"), latest(people)) == (tags["1.4.0"], "1.4.0")
    assert people.api("rita", "GET", "/releases/tags/1.5.0")["prerelease"]


def release_again(people: People) -> None:
    """The next release waits as long as it holds nothing new."""
    following = start()
    following.go()
    assert following.flow_run.name == "acme/lakehouse 1.6.0"
    people.review("ravi", people.release_pull()["number"])
    following.answer("approve", destroys="")
    assert following.state.name == "Suspended", "it holds nothing that 1.5.0 did not"
    comment = people.api("rita", "GET", f"/issues/{people.release_pull()['number']}/comments")[0]["body"]
    assert "it holds nothing that 1.5.0 did not, which was withdrawn for 1.4.0" in comment
    people.commit_to("release/1.6.0", "src/README.md", "mended\n")
    following.answer("recheck")
    people.review("ravi", people.release_pull()["number"])
    following.answer("approve", destroys="")
    assert following.state.name == "Completed", following.said
    assert (what_runs("prod"), latest(people)) == (Mirror(SLUG).fetch().tags()["1.6.0"], "1.6.0")
