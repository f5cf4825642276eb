"""A rollback from the form to the hold: one world, one story."""

from typing import Any

import pytest
from playing import SLUG, People, Run, begin, start, writes

from flows.rollback import rollback
from sandbox.world import World
from tasks.evidence import chain_of
from tasks.rules.outcomes import held
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace
from tasks.verify import verified

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(300)]

ROOT = "/Workspace/Users/{}/.bundle/lakehouse/prod"
NAME = "rollback-1.4.0-to-1.3.0"
BACK = "resources.jobs.order_quality"  # what 1.4.0 brought, and 1.3.0 does not have


def what_runs() -> str | None:
    return Workspace(target_of("prod")).deployed_commit(ROOT.format(target_of("prod").client_id))


def latest(people: People) -> str:
    return str(people.api("rita", "GET", "/releases/latest")["tag_name"])


def back(**parameters: Any) -> Run:
    return begin(rollback, **{"to": "1.3.0", "reason": "the report counts orders twice", **parameters})


def everything(world: World) -> list[list[str]]:
    return [writes(world, server=server) for server in ("github", "staging", "prod")]


def test_back_to_the_version_before_and_on_from_there(world: World, people: People) -> None:
    """Shipped, rolled back, held, and released again with a fix."""
    run = start()
    run.go()
    number = people.release_pull()["number"]
    people.review("ravi", number)
    run.answer("approve")
    assert run.state.name == "Completed", run.said
    tags = Mirror(SLUG).fetch().tags()
    assert (what_runs(), latest(people)) == (tags["1.4.0"], "1.4.0")

    asked = back()
    asked.go()
    assert asked.state.name == "Suspended", asked.said
    assert asked.flow_run.name == f"acme/lakehouse {NAME}"
    asked.answer("approve", "go back", destroys=BACK)
    assert asked.state.name == "Suspended", "ravi's review was about 1.4.0"
    people.review("ravi", number, body="back, please")
    asked.answer("recheck")
    assert asked.state.name == "Completed", asked.said

    assert (what_runs(), latest(people)) == (tags["1.3.0"], "1.3.0")
    withdrawn = people.api("rita", "GET", "/releases/tags/1.4.0")
    assert withdrawn["prerelease"]
    assert held(chain_of(SLUG, Version(1, 4, 0))) is not None
    for name in (NAME, Version(1, 4, 0)):
        assert verified(SLUG, name).problem == ""
    seen = everything(world)
    again = back()
    again.go()
    assert again.said == "Completed: production already runs 1.3.0"
    assert everything(world) == seen
