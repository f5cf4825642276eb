"""Production gets what was approved or nothing: whatever changes in between is named, and nothing is touched."""

import pickle
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from databricks.sdk.service.jobs import JobSettings
from playing import arm, asked, writes
from production_place import Place

from sandbox.world import World
from tasks.bundles import all_validated
from tasks.rules import digests
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.release import Candidate, ProductionPlan

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def place(world: World) -> Place:
    return Place.of(world)


def writes_of_production(place: Place, *, after: int) -> list[str]:
    """What changed in the workspace; `validate` makes the folder of the files if it is missing."""
    return [w for w in writes(place.world, after=after, server="prod") if not w.endswith("/mkdirs")]


def test_what_was_approved_is_deployed_and_proved(place: Place) -> None:
    candidate = place.candidate()
    place.deploy(candidate, place.plan(candidate))

    workspace, root = place.workspace, place.root
    assert workspace.deployed_commit(root) == candidate.commit
    assert set(workspace.state_ids(root)) == {
        "resources.jobs.daily_report",
        "resources.jobs.order_quality",
        "resources.jobs.smoke_test",
        "resources.pipelines.ingest",
    }
    before = asked(place.world, server="prod")
    place.deploy(candidate, place.plan(candidate))
    assert writes_of_production(place, after=before) == []


def test_rights_are_part_of_what_is_approved_and_proved(place: Place) -> None:
    rights = "      permissions:\n        - group_name: users\n          level: CAN_VIEW\n"
    candidate = place.changed(
        "resources/smoke_test.yml", "      name: smoke_test\n", f"      name: smoke_test\n{rights}"
    )
    approved = place.plan(candidate)
    assert "- **create** permissions of job `smoke_test`" in approved.page

    place.deploy(candidate, approved)

    assert "resources.jobs.smoke_test.permissions" in place.workspace.state_ids(place.root)


RUN = """\
resources:
  job_runs:
    smoke_now:
      job_id: ${resources.jobs.smoke_test.id}
      lifecycle:
        triggers:
          - on_bundle_deploy: true
"""


def test_a_run_that_each_deploy_starts_does_not_make_each_plan_another(place: Place) -> None:
    """The real command gives such a run a new number in each plan; the sandbox's stand-in knows no such runs."""
    candidate = place.commit("resources/runs.yml", RUN)
    with place.commands(candidate) as [cli]:
        if cli.cli_version().endswith("-sandbox"):
            pytest.skip("needs the real databricks: name it in DABFLOW_DATABRICKS_CLI")
    one, other = place.plan(candidate), place.plan(candidate)
    assert one.digest == other.digest

    place.deploy(candidate, one)
    after = place.plan(candidate)

    assert after.digest == place.plan(candidate).digest
    assert after.destructive == ()
    assert "run `smoke_now` is started by the deploy itself" in after.page
    assert place.workspace.runs_so_far(place.job("smoke_test"), most=9) == 1


def test_without_an_approval_nothing_is_touched(place: Place) -> None:
    before = asked(place.world, server="prod")

    with pytest.raises(NeedsHuman, match="nobody approved what production would get"):
        place.deploy(place.candidate(), None)

    assert writes_of_production(place, after=before) == []


def test_what_is_protected_is_not_destroyed_even_if_it_was_approved(place: Place) -> None:
    approved = place.plan()
    before = asked(place.world, server="prod")

    with pytest.raises(NeedsHuman, match=r"protected: resources\.jobs\.legacy_export"):
        place.deploy(place.candidate(), replace(approved, protected=approved.destructive))

    assert writes_of_production(place, after=before) == []


def by_hand(place: Place, approved: ProductionPlan) -> ProductionPlan:
    place.workspace.client.jobs.update(
        place.job("daily_report"), new_settings=JobSettings(max_concurrent_runs=7)
    )
    return approved


def another_commit(place: Place, approved: ProductionPlan) -> ProductionPlan:
    place.changed("src/lakehouse/orders.py", '"""', '"""Changed. ')
    return approved


def deleted(place: Place, approved: ProductionPlan) -> ProductionPlan:
    place.workspace.client.jobs.delete(place.job("smoke_test"))
    return approved


def subject(**changes: str) -> Callable[[Place, ProductionPlan], ProductionPlan]:
    def other(_: Place, approved: ProductionPlan) -> ProductionPlan:
        changed = replace(approved.subject, **changes)  # type: ignore[arg-type]
        return replace(approved, subject=changed, digest=digests.digest(changed, approved.plans))

    return other


def another_plan(_: Place, approved: ProductionPlan) -> ProductionPlan:
    """Approved was the first deployment of a target that has long been deployed to."""
    plans = {
        ".": {
            **approved.plans["."],
            "plan": {
                key: {**entry, "action": "create"} for key, entry in approved.plans["."]["plan"].items()
            },
        }
    }
    return replace(approved, plans=plans, digest=digests.digest(approved.subject, plans))


Change = Callable[[Place, ProductionPlan], ProductionPlan]

OTHER_APPROVALS: list[tuple[Change, str]] = [
    (subject(cli_version="1.13.0"), "the plan that was approved is of 1.13.0"),
    (subject(host="https://other"), "approved was `https://other`"),
    (subject(deployer="somebody"), "approved was `somebody`"),
    (subject(target="dev"), "the target is `prod`, approved was `dev`"),
    (another_plan, "approved was that it would be created"),
]
OTHER_WORLDS: list[tuple[Change, str]] = [
    (by_hand, "job `daily_report`: `max_concurrent_runs` would also be changed, from `7` to `1`"),
    (deleted, "job `smoke_test` would be created, approved was that it would stay as it is"),
    (another_commit, "the files are another tree"),
]


def refused(place: Place, approved: ProductionPlan) -> NeedsHuman:
    """The stop of a deploy; nothing was written to production."""
    before = asked(place.world, server="prod")
    with pytest.raises(NeedsHuman, match="something else than what was approved") as stopped:
        place.deploy(place.candidate(), approved)
    assert writes_of_production(place, after=before) == []
    return stopped.value


def test_another_approval_than_this_touches_nothing(place: Place) -> None:
    """A first deployment is bound the same way: its plan cannot be swapped."""
    approved = place.plan()

    for change, named in OTHER_APPROVALS:
        assert named in refused(place, change(place, approved)).problem


def test_a_first_deployment_is_bound_the_same_way(place: Place) -> None:
    """Nothing is there yet, so nothing but the approved plan tells what may be made."""
    candidate = place.nowhere_deployed()
    approved = place.plan(candidate)
    assert "nothing was deployed before" in approved.page
    assert set(counts(approved)) == {"create"}
    entries = dict(approved.plans["."]["plan"])
    del entries["resources.jobs.order_quality"]
    plans = {".": {**approved.plans["."], "plan": entries}}
    swapped = replace(approved, plans=plans, digest=digests.digest(approved.subject, plans))

    stopped = refused(place, swapped)
    assert (
        "job `order_quality` would be created, the plan that was approved does not know it" in stopped.problem
    )

    place.deploy(candidate, approved)
    assert set(place.workspace.state_ids(place.root)) == set(approved.plans["."]["plan"])


def counts(plan: ProductionPlan) -> Counter[str]:
    return Counter(entry["action"] for entry in plan.plans["."]["plan"].values())


def test_a_production_or_a_commit_that_changed_touches_nothing(place: Place) -> None:
    """One thing after the other changes under the same approval."""
    approved = place.plan()

    for change, named in OTHER_WORLDS:
        stopped = refused(place, change(place, approved))
        assert named in stopped.problem
        assert "asks for another approval" in stopped.remedy


def test_what_was_done_already_is_not_asked_for_again(place: Place) -> None:
    """A part of the approved plan is carried out; the rest of it goes through, and nothing twice."""
    candidate = place.candidate()
    approved = place.plan(candidate)
    arm(place.world, server="prod", kind="before", path="/api/2.2/jobs/create", status=500, times=99)
    with pytest.raises(NeedsHuman, match="failed"):
        place.deploy(candidate, approved)
    place.forget_faults()

    place.deploy(candidate, approved)

    names = sorted(str(job.settings.name) for job in place.workspace.client.jobs.list() if job.settings)
    assert names == ["daily_report", "order_quality", "smoke_test"]


def killed_half_way(place: Place, candidate: Candidate, approved: ProductionPlan) -> None:
    """A deploy is killed by SIGKILL while the new job cannot be made."""
    arm(place.world, server="prod", kind="before", path="/api/2.2/jobs/create", status=503, times=999)
    with pytest.MonkeyPatch.context() as patch:
        place.watch_the_command(patch, killed_after=8)
        with pytest.raises(NeedsHuman, match="failed"):
            place.deploy(candidate, approved)
    place.forget_faults()


def test_a_deploy_that_was_killed_half_way_goes_on_from_its_journal(place: Place) -> None:
    """Its lock is taken over, nothing is made twice, and more than the rest of what was approved is refused still."""
    candidate = place.candidate()
    approved = place.plan(candidate)
    killed_half_way(place, candidate, approved)
    assert place.workspace.lock(place.root) is not None
    assert place.workspace.deployed_commit(place.root) != candidate.commit

    jobs, smoke_test = place.workspace.client.jobs, place.job("smoke_test")
    jobs.update(smoke_test, new_settings=JobSettings(max_concurrent_runs=7))
    assert "job `smoke_test` would be updated (`max_concurrent_runs`)" in refused(place, approved).problem
    jobs.update(smoke_test, new_settings=JobSettings(max_concurrent_runs=1))

    place.deploy(candidate, approved)

    names = sorted(str(job.settings.name) for job in place.workspace.client.jobs.list() if job.settings)
    assert names == ["daily_report", "order_quality", "smoke_test"]
    assert place.workspace.lock(place.root) is None
    assert place.workspace.deployed_commit(place.root) == candidate.commit


WORKER = """
import pickle, sys
from tasks.deploy import ensure_deployed

step, approved = (pickle.load(open(name, "rb")) for name in sys.argv[1:])
ensure_deployed.fn(*step, environment="production", approved=approved)
"""


def test_a_worker_that_was_killed_in_the_middle_of_a_deploy(place: Place, tmp_path: Path) -> None:
    """The command ends with it, the next look waits until it has, and goes on from what it had done."""
    candidate = place.candidate()
    approved = place.plan(candidate)
    with place.commands(candidate) as clis:
        bundles = all_validated(clis, "prod")
        wal = clis[0].journal.folder / "prod" / "resources.json.wal"
    for name, value in (("step", (place.release, candidate, bundles)), ("approved", approved)):
        (tmp_path / name).write_bytes(pickle.dumps(value))
    arm(place.world, server="prod", kind="before", path="/api/2.2/jobs/create", status=503, times=999)

    with subprocess.Popen([sys.executable, "-c", WORKER, tmp_path / "step", tmp_path / "approved"]) as worker:
        until(lambda: wal.exists() and wal.read_text().count("\n") > 2)
        worker.kill()
    place.forget_faults()
    until(lambda: ended(lambda: place.deploy(candidate, approved)))

    names = sorted(str(job.settings.name) for job in place.workspace.client.jobs.list() if job.settings)
    assert names == ["daily_report", "order_quality", "smoke_test"]
    assert place.workspace.lock(place.root) is None
    assert place.workspace.deployed_commit(place.root) == candidate.commit


def ended(step: Callable[[], None]) -> bool:
    """Whether the step is through; what may pass by itself is tried again, as Prefect does."""
    try:
        step()
    except TryAgain:
        return False
    return True


def until(so: Callable[[], bool]) -> None:
    """Wait, a minute at most, until something is so."""
    for _ in range(600):
        if so():
            return
        time.sleep(0.1)
    raise AssertionError("it never was")


def test_a_lock_that_somebody_else_holds_is_not_broken(place: Place) -> None:
    candidate = place.candidate()
    approved = place.plan(candidate)
    place.hold_the_lock("somebody@acme.example")

    with pytest.raises(NeedsHuman, match=r"deploy lock acquired by somebody@acme\.example"):
        place.deploy(candidate, approved)


def deploys(calls: list[str]) -> list[str]:
    return [call for call in calls if " bundle deploy " in call]


def test_the_command_may_destroy_only_what_was_confirmed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look and the command's own a plan may grow: without the flag the command destroys no data."""
    calls = place.watch_the_command(monkeypatch)
    harmless = place.without_destruction()
    approved = place.plan(harmless)
    assert approved.destructive == ()

    place.deploy(harmless, approved)

    [call] = deploys(calls())
    assert "--auto-approve" not in call


def test_what_was_confirmed_is_destroyed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = place.watch_the_command(monkeypatch)

    place.deploy(place.candidate(), place.plan())

    [call] = deploys(calls())
    assert "--auto-approve" in call


MEDDLE = """
import io, json
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ImportFormat

path = "{path}"
files = WorkspaceClient().workspace
state = json.loads(files.download(path).read())
{change}
files.upload(path, io.BytesIO(json.dumps(state).encode()), format=ImportFormat.RAW, overwrite=True)
"""


def test_a_state_that_holds_more_than_was_approved_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else wrote it at the same time: it is looked at afterwards."""
    approved = place.plan()
    change = 'state["state"]["resources.jobs.smuggled"] = {"__id__": "1", "state": {}}'
    meddle = MEDDLE.format(path=f"{place.root}/state/resources.json", change=change)
    place.watch_the_command(monkeypatch, after_deploy=meddle)

    with pytest.raises(NeedsHuman, match="does not hold what was planned") as stopped:
        place.deploy(place.candidate(), approved)

    assert "`resources.jobs.smuggled` is there and was not planned" in stopped.value.problem
