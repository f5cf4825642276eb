"""Back from a release whose deploy was killed in the middle."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playing import SLUG, arm
from released import what_runs
from rolled import (
    TOTALS,
    Made,
    Rolled,
    approved,
    candidate_of,
    go,
    latest,
    looked_back,
    make_release,
    planned_back,
)
from stages import forget_faults

from sandbox.world import World
from tasks.ask import GateAnswer
from tasks.bundles import bundle_clis
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.release import Proposal, Release
from tasks.rules.versions import Version
from tasks.systems import connections
from tasks.systems.git_repo import Mirror
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace

pytestmark = pytest.mark.timeout(240)

BY_NAME = [GateAnswer(decision="approve", destroys="pipelines.late")]
DEPLOYING = "import sys; from rolled import deploy; deploy(sys.argv[1])"
LATE = (
    TOTALS.replace("totals", "late")
    + """
  jobs:
    never_made:
      name: never_made
      tasks:
        - task_key: report
          pipeline_task:
            pipeline_id: ${resources.pipelines.late.id}
"""
)


def stopped_half_way(world: World, at: str) -> Made:
    """1.6.0: its deploy was killed when it had made a pipeline, and before the state knew that."""
    late = make_release(world, "1.6.0", at, files={"resources/late.yml": LATE}, state="failure")
    with bundle_clis(planned_back(), candidate_of(late.commit, Mirror(SLUG)), "prod") as [cli]:
        wal = cli.journal.folder / "prod" / "resources.json.wal"
    arm(world, server="prod", kind="before", path="/api/2.2/jobs/create", status=503, times=999)
    path = os.pathsep.join([*sys.path, str(Path(__file__).parents[1])])
    command = [sys.executable, "-c", DEPLOYING, late.commit]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}) as worker:
        for _ in range(600):
            if wal.exists() and "pipelines.late" in wal.read_text():
                break
            time.sleep(0.1)
        worker.kill()
    forget_faults(world)
    return late


def until_looked(release: Release) -> Proposal:
    """What people would be asked about, once what still runs of the killed deploy has ended."""
    for _ in range(600):
        try:
            return looked_back(release)
        except TryAgain:
            time.sleep(0.1)
    raise AssertionError("the killed deploy never ended")


def test_what_a_killed_deploy_has_made_goes_with_it(rolled_world: World, rolled: Rolled) -> None:
    """Its journal is on this worker: the plan back shows what only the journal knows. Without it that is named."""
    before = rolled[1]["1.5.0"]
    stopped_half_way(rolled_world, before.commit)
    release = planned_back("1.5.0")
    assert release.name == "rollback-1.6.0-to-1.5.0"
    proposal = until_looked(release)
    assert proposal.plan.destructive == ("resources.pipelines.late",)
    journals = connections.home() / "journals"
    journals.rename(journals.with_name("of-another-worker"))
    with pytest.raises(NeedsHuman, match=r"pipeline .* late") as stopped:
        looked_back(release)
    assert "nobody was asked, and nothing was touched" in stopped.value.problem
    shutil.rmtree(journals)
    journals.with_name("of-another-worker").rename(journals)

    assert go(release, approved(rolled_world, release, BY_NAME)) == (Version(1, 6, 0),)

    names = {pipeline.name for pipeline in Workspace(target_of("prod")).client.pipelines.list_pipelines()}
    assert names == {"ingest", "totals"}
    assert (what_runs("prod"), latest(rolled_world)) == (before.commit, "1.5.0")
