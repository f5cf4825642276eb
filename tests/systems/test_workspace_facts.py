"""What a workspace runs, as its state files and lists say; databricks-sdk against the sandbox's server."""

import io
import json
from typing import Any

import pytest
from databricks.sdk.service.jobs import JobDeployment, JobDeploymentKind
from databricks.sdk.service.pipelines import DeploymentKind, PipelineDeployment
from databricks.sdk.service.workspace import ImportFormat
from workspace_box import Box

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.workspace import Lock, Orphan

pytest_plugins = ["workspace_fixtures"]

ROOT = "/Workspace/Users/9d0e4b7c-b0f1-4f3a-9c55-0a7de11ab003/.bundle/lakehouse/prod"
OWNER = f"{ROOT}/state/metadata.json"
COMMIT = "9f2c1e0d9f2c1e0d9f2c1e0d9f2c1e0d9f2c1e0d"


def write(box: Box, name: str, content: Any) -> None:
    """Put a state file where the CLI puts it."""
    files = box.workspace().client.workspace
    files.mkdirs(f"{ROOT}/state")
    text = content if isinstance(content, str) else json.dumps(content)
    files.upload(f"{ROOT}/state/{name}", io.BytesIO(text.encode()), format=ImportFormat.RAW, overwrite=True)


def job(box: Box, name: str, owner: str | None = OWNER) -> str:
    deployment = JobDeployment(JobDeploymentKind.BUNDLE, metadata_file_path=owner) if owner else None
    return str(box.workspace().client.jobs.create(name=name, deployment=deployment).job_id)


def pipeline(box: Box, name: str, owner: str = OWNER) -> str:
    deployment = PipelineDeployment(DeploymentKind.BUNDLE, metadata_file_path=owner)
    created = box.workspace().client.pipelines.create(name=name, deployment=deployment)
    return str(created.pipeline_id)


def state(**ids: str) -> dict[str, Any]:
    entries = {f"resources.{key.replace('__', '.')}": {"__id__": id_} for key, id_ in ids.items()}
    return {"state_version": 2, "serial": 1, "lineage": "x", "state": entries}


def metadata(**git: str) -> dict[str, Any]:
    return {"version": 1, "config": {"bundle": {"name": "lakehouse", "git": git}}}


def test_an_empty_workspace_runs_nothing(box: Box) -> None:
    workspace = box.workspace()

    assert workspace.preflight() == box.target.client_id
    assert workspace.deployed_commit(ROOT) is None
    assert workspace.state_ids(ROOT) == {}
    assert workspace.orphans(ROOT) == []
    assert workspace.lock(ROOT) is None
    assert workspace.job_id(ROOT, "smoke_test") is None


def test_a_deployed_bundle_is_read_from_its_state_files(box: Box) -> None:
    number = job(box, "smoke_test")
    write(box, "metadata.json", metadata(branch="main", commit=COMMIT))
    write(box, "resources.json", state(jobs__smoke_test=number))
    workspace = box.workspace()

    assert workspace.deployed_commit(ROOT) == COMMIT
    assert workspace.state_ids(ROOT) == {"resources.jobs.smoke_test": number}
    assert workspace.job_id(ROOT, "smoke_test") == int(number)
    assert workspace.job_id(ROOT, "no_such_job") is None


def test_the_lock_says_who_and_since_when(box: Box) -> None:
    write(
        box,
        "deploy.lock",
        {"ID": "x", "AcquisitionTime": "2026-08-21T10:00:00Z", "IsForced": False, "User": "rita"},
    )

    assert box.workspace().lock(ROOT) == Lock("rita", "2026-08-21T10:00:00Z", forced=False)


def test_one_connection_signs_in_once(box: Box) -> None:
    workspace = box.workspace()

    workspace.preflight()
    workspace.preflight()
    workspace.deployed_commit(ROOT)

    assert box.asked("/oidc/v1/token") == ["POST /oidc/v1/token"]
    assert box.asked("databricks-config") == ["GET /.well-known/databricks-config"]


class TestOrphans:
    def test_what_names_this_bundle_but_is_not_in_its_state_is_found(self, box: Box) -> None:
        known, lost = job(box, "daily_report"), job(box, "daily_report")
        known_pipeline, lost_pipeline = pipeline(box, "ingest"), pipeline(box, "ingest")
        write(box, "resources.json", state(jobs__daily_report=known, pipelines__ingest=known_pipeline))

        assert sorted(box.workspace().orphans(ROOT), key=lambda o: o.kind) == [
            Orphan("job", lost, "daily_report", f"{box.url}/jobs/{lost}"),
            Orphan("pipeline", lost_pipeline, "ingest", f"{box.url}/pipelines/{lost_pipeline}"),
        ]

    def test_before_any_state_was_written_everything_is_an_orphan(self, box: Box) -> None:
        lost = job(box, "daily_report", OWNER.removeprefix("/Workspace"))

        assert [orphan.id for orphan in box.workspace().orphans(ROOT)] == [lost]

    def test_other_peoples_things_are_left_alone(self, box: Box) -> None:
        job(box, "made by hand", owner=None)
        job(box, "of another bundle", owner=OWNER.replace("lakehouse", "warehouse"))
        pipeline(box, "of another target", owner=OWNER.replace("prod", "staging"))

        assert box.workspace().orphans(ROOT) == []

    def test_every_page_is_read(self, box: Box) -> None:
        ids = {job(box, f"job {number}") for number in range(105)}

        assert {orphan.id for orphan in box.workspace().orphans(ROOT)} == ids


class TestNoAnswerIsNotAbsent:
    """The CLI believes a 404 and would create everything a second time."""

    def test_a_404_that_the_next_look_contradicts_is_not_believed(self, box: Box) -> None:
        write(box, "metadata.json", metadata(commit=COMMIT))
        box.goes_wrong("refuse", "/api/2.0/workspace/export", status=404)

        with pytest.raises(TryAgain, match=r"lists .*/state/metadata\.json but does not give it out"):
            box.workspace().deployed_commit(ROOT)

        assert box.workspace().deployed_commit(ROOT) == COMMIT

    @pytest.mark.parametrize(("status", "error"), [(401, NeedsHuman), (503, TryAgain), (404, NeedsHuman)])
    def test_a_404_from_who_does_not_know_us_is_not_believed(
        self, box: Box, status: int, error: type[Exception]
    ) -> None:
        box.goes_wrong("refuse", "/api/2.0/workspace/export", status=404, times=9)
        box.goes_wrong("refuse", ".*/scim/v2/Me", status=status, times=9)

        with pytest.raises(error):
            box.workspace().state_ids(ROOT)

    def test_no_answer_at_all_is_no_state(self, box: Box) -> None:
        box.goes_wrong("before", "/api/2.0/workspace/export", status=500, times=9)

        for look in (box.workspace().deployed_commit, box.workspace().state_ids, box.workspace().orphans):
            with pytest.raises(TryAgain):
                look(ROOT)

    def test_a_state_of_the_old_engine_is_not_an_empty_one(self, box: Box) -> None:
        write(box, "terraform.tfstate", {"version": 4})

        with pytest.raises(NeedsHuman, match="deployed by the terraform engine"):
            box.workspace().state_ids(ROOT)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param('{"version": 1, "conf', "is not JSON", id="half written"),
        pytest.param(metadata(), "names no commit", id="deployed without git"),
        pytest.param({"config": "x"}, "names no commit", id="something else"),
    ],
)
def test_metadata_that_names_no_commit_is_a_stop(box: Box, content: Any, problem: str) -> None:
    write(box, "metadata.json", content)

    with pytest.raises(NeedsHuman, match=problem):
        box.workspace().deployed_commit(ROOT)


def test_a_pipeline_that_runs_all_the_time_is_told_from_others(box: Box) -> None:
    workspace = box.workspace()
    quiet = pipeline(box, "quiet")
    busy = str(workspace.client.pipelines.create(name="busy", continuous=True).pipeline_id)
    workspace.client.pipelines.start_update(busy)

    found = {each.name: each for each in workspace.pipelines([quiet, busy, "gone"])}

    assert set(found) == {"quiet", "busy"}
    assert (found["quiet"].continuous, found["quiet"].running) == (False, False)
    assert (found["busy"].continuous, found["busy"].running, found["busy"].state) == (True, True, "RUNNING")
    assert found["busy"].url == f"{box.target.host}/pipelines/{busy}"
