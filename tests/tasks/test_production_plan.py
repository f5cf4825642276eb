"""What an approver is shown about production, found in a workspace that really runs things."""

import io
import json
import re

import pytest
from databricks.sdk.service.jobs import JobSettings, SparkPythonTask, Task
from databricks.sdk.service.workspace import ImportFormat
from golden_files import Golden
from playing import SLUG, arm
from production_place import Place

from sandbox.world import World
from tasks.adopt import ensure_adopted
from tasks.rules.differences import differences
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

pytestmark = pytest.mark.timeout(240)

PIPELINE = "resources/ingest.yml"
PROTECTED = "      lifecycle:\n        prevent_destroy: true\n      name: ingest\n"


@pytest.fixture
def place(world: World) -> Place:
    return Place.of(world)


def protect(place: Place) -> None:
    """Production runs a configuration in which the pipeline is protected."""
    candidate = place.changed(PIPELINE, "      name: ingest\n", PROTECTED)
    place.release_to_production(candidate)


def test_the_plan_of_the_sample_release(place: Place, golden: Golden) -> None:
    plan = place.plan()

    text = re.sub(r"`[0-9a-f]{12}`", "`commit`", plan.page)
    golden.check("plans/sample_release.md", re.sub(r"(\d+ runs?) in its", "3 runs in its", text))
    assert plan.markdown == plan.page
    assert plan.destructive == ("resources.jobs.legacy_export",)
    assert plan.protected == ()
    assert plan.subject.roots == {".": place.root}
    assert plan.subject.variables["."]["catalog"] == "lakehouse"


def test_two_looks_at_an_unchanged_production_are_the_same(place: Place) -> None:
    one, other = place.plan(), place.plan()

    assert (one.digest, differences(one, other)) == (other.digest, [])


def test_a_change_by_hand_in_the_workspace_is_another_plan(place: Place) -> None:
    before = place.plan()
    job = place.job("daily_report")

    place.workspace.client.jobs.update(job, new_settings=JobSettings(max_concurrent_runs=7))
    after = place.plan()

    assert after.digest != before.digest
    assert differences(before, after) == [
        "job `daily_report`: `max_concurrent_runs` would also be changed, from `7` to `1`"
    ]
    assert "### Drift: changed by hand in prod" in after.page


def test_runs_are_shown_and_are_no_part_of_the_digest(place: Place) -> None:
    before = place.plan()
    run = place.workspace.start_run(place.job("legacy_export"), "by hand")
    place.workspace.await_run(run, within_seconds=60, every_seconds=0.1)
    after = place.plan()

    assert before.digest == after.digest
    assert "its id, no runs are in its history" in before.page
    assert "its id and the 1 run in its history" in after.page


def test_an_active_run_is_shown_with_its_page(place: Place) -> None:
    client, job = place.workspace.client, place.job("daily_report")
    path = "/Workspace/Shared/slow/slow.py"
    client.workspace.mkdirs("/Workspace/Shared/slow")
    content = io.BytesIO(b"import time; time.sleep(60)")
    client.workspace.upload(path, content, format=ImportFormat.AUTO, overwrite=True)
    slow = Task(task_key="slow", spark_python_task=SparkPythonTask(path))
    client.jobs.update(job, new_settings=JobSettings(tasks=[slow]))
    run = place.workspace.start_run(job, "slow")

    text = place.plan().page
    client.jobs.cancel_run(run).result()

    assert re.search(
        rf"- job `daily_report` changes while \[run {run}\]\(http.*\) is (RUNNING|PENDING)\n", text
    )


def test_a_workspace_that_does_not_tell_what_runs_stops_nothing(place: Place) -> None:
    arm(place.world, server="prod", kind="refuse", path="/api/2.2/jobs/runs/list", status=403, times=99)

    assert "What runs there right now could not be looked up: prod at" in place.plan().page


def test_no_answer_is_not_nothing(place: Place) -> None:
    arm(place.world, server="prod", kind="before", path="/api/2.2/jobs/runs/list", status=503, times=99)

    with pytest.raises(TryAgain):
        place.plan()


def test_what_the_last_deployed_configuration_protects_counts_also_when_its_block_is_gone(
    place: Place,
) -> None:
    protect(place)
    place.commit(PIPELINE, "resources: {}\n")
    daily = place.text("resources/daily_report.yml")
    without = re.sub(
        r"        - task_key: ingest\n.*?(?=        - task_key: report)", "", daily, flags=re.DOTALL
    )
    gone = place.commit(
        "resources/daily_report.yml", without.replace("task_key: ingest", "task_key: prepare")
    )

    plan = place.plan(gone)

    assert plan.destructive == ("resources.pipelines.ingest",)
    assert plan.protected == plan.destructive
    assert "`prevent_destroy` is set in what is deployed now, and this release takes it away" in plan.page


def test_a_release_that_only_lifts_the_protection_may_go_first(place: Place) -> None:
    protect(place)
    lifted = place.changed(PIPELINE, PROTECTED, "      name: ingest\n")

    plan = place.plan(lifted)

    assert (plan.destructive, plan.protected) == ((), ())
    assert "protected" not in plan.page


def test_what_is_protected_in_the_candidate_is_refused_by_name(place: Place) -> None:
    """databricks refuses it only after it has replaced the files."""
    text = place.text(PIPELINE)
    place.commit(PIPELINE, text.replace("      name: ingest\n", PROTECTED))
    candidate = place.changed(PIPELINE, "catalog: ${var.catalog}", "storage: /mnt/other")

    plan = place.plan(candidate)

    assert "resources.pipelines.ingest" in plan.protected
    assert "**protected** by `prevent_destroy`: `databricks` refuses this" in plan.page


def test_what_cannot_be_validated_counts_as_protected(place: Place) -> None:
    """The commit that production runs is not valid for this `databricks` any more."""
    good = place.text("databricks.yml")
    path = f"{place.root}/state/metadata.json"
    broken = place.commit("databricks.yml", "bundle: [\n")
    with place.workspace.client.workspace.download(path) as stored:
        metadata = json.loads(stored.read())
    metadata["config"]["bundle"]["git"]["commit"] = broken.commit
    content = io.BytesIO(json.dumps(metadata).encode())
    place.workspace.client.workspace.upload(path, content, format=ImportFormat.RAW, overwrite=True)
    assert ensure_adopted(Mirror(SLUG).fetch(), GitHubRepo(SLUG), broken.commit, {"reason": "it runs there"})
    mended = place.commit("databricks.yml", good)

    plan = place.plan(mended)

    assert plan.protected == plan.destructive == ("resources.jobs.legacy_export",)
    assert "**Not known to be unprotected:**" in plan.page


def test_a_state_that_is_not_shown_is_a_stop_not_a_first_deployment(place: Place) -> None:
    arm(
        place.world,
        server="prod",
        kind="refuse",
        path="/api/2.0/workspace/get-status",
        query=r".*state/resources\.json.*",
        status=404,
        times=1,
    )

    with pytest.raises(NeedsHuman, match="wants to create everything again"):
        place.plan()


def test_a_secret_variable_is_in_nothing_that_is_shown_or_kept(place: Place) -> None:
    """Here a bundle puts it where nothing else says that it is one."""
    text = place.text("databricks.yml").replace(
        "variables:\n", "variables:\n  db_password:\n    default: hunter2-hunter2\n", 1
    )
    place.commit("databricks.yml", text)
    job = place.text("resources/daily_report.yml")
    one = place.plan(
        place.commit(
            "resources/daily_report.yml", job.replace("owner: data-platform", "owner: ${var.db_password}")
        )
    )

    assert "hunter2" not in str(one)
    assert "owner" in one.page
    other = place.plan(place.changed("databricks.yml", "hunter2-hunter2", "hunter3-hunter3"))
    assert other.digest != one.digest
    sentences = differences(one, other)
    assert "variable `db_password` has another value than was approved" in sentences
    assert "hunter" not in str(sentences)
