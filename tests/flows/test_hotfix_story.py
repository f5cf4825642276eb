"""A whole hotfix: real git, real Prefect, real HTTP against the sandbox's servers."""

import pytest
from playing import SLUG, People, begin, writes

from flows.hotfix import hotfix
from sandbox.world import World
from tasks.systems.git_repo import Mirror

pytestmark = [
    pytest.mark.xdist_group("prefect"),
    pytest.mark.timeout(240),
]


def test_one_fix_of_develop_goes_to_production_alone(world: World, people: People) -> None:
    """It is picked from develop, approved like a release, and comes back; a second start changes nothing."""
    number = next(p["number"] for p in people.pulls("develop") if p["title"].startswith("fix(orders)"))
    run = begin(hotfix, pull_request=number, reason="the report is wrong")
    run.go()
    own = people.release_pull()
    assert own["title"] == "Hotfix 1.3.1"
    people.review("rosa", own["number"])

    run.answer("approve", "looks right", destroys="")

    assert run.said == "Completed: acme/lakehouse 1.3.1 is released, and back in develop"
    mirror = Mirror(SLUG).fetch()
    changed = mirror.changed_files(mirror.tags()["1.3.0"], mirror.tags()["1.3.1"])
    assert changed == ["src/lakehouse/orders.py", "src/tests/test_orders.py"]
    assert mirror.is_ancestor(mirror.tags()["1.3.1"], mirror.branches()["develop"])
    before = writes(world)
    again = begin(hotfix, pull_request=number)
    again.go()
    assert again.said == f"Completed: #{number} is already in production"
    assert writes(world) == before
