"""A rollback of a release that had deleted a pipeline: it is made again, and people read that its data is not."""

import pytest
from playing import People
from released import what_runs
from rolled import Rolled, approved, deploy, go, latest, make_release, planned_back

from sandbox.world import World
from tasks.ask import GateAnswer
from tasks.rules.versions import Version
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace

pytestmark = pytest.mark.timeout(240)


def pipelines() -> set[str | None]:
    return {found.name for found in Workspace(target_of("prod")).client.pipelines.list_pipelines()}


def test_it_comes_again_without_its_data(rolled_world: World, rolled: Rolled) -> None:
    made = rolled[1]
    gone = make_release(
        rolled_world, "1.6.0", made["1.5.0"].commit, files={"resources/totals.yml": "resources: {}\n"}
    )
    deploy(gone.commit)
    assert "totals" not in pipelines()

    release = planned_back("1.5.0")
    proposal = approved(rolled_world, release, [GateAnswer(decision="approve", reason="needed")])

    assert proposal.plan.destructive == ()
    text = People(rolled_world).api("rita", "GET", f"/issues/{proposal.number}/comments")[-1]["body"]
    assert "**Made anew, without the data and the history of before:** pipeline `totals`" in text
    assert go(release, proposal) == (Version(1, 6, 0),)
    assert "totals" in pipelines()
    assert (what_runs("prod"), latest(rolled_world)) == (made["1.5.0"].commit, "1.5.0")
