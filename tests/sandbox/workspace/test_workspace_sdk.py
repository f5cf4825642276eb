"""databricks-sdk, logged in as a service principal, against a workspace of the sandbox."""

import datetime as dt
import io
import json

import pytest
from workspace_site import DEPLOYER, ROOT, Site

SOON = dt.timedelta(seconds=30)


def test_who_am_i(site: Site) -> None:
    assert site.sdk().current_user.me().user_name == DEPLOYER.application_id


def test_a_smoke_job_from_definition_to_output(site: Site) -> None:
    from databricks.sdk.service import jobs

    w = site.sdk()
    site.put_file(f"{ROOT}/files/smoke.py", "print('smoke ok')")
    task = jobs.Task(
        task_key="smoke", spark_python_task=jobs.SparkPythonTask(python_file=f"{ROOT}/files/smoke.py")
    )
    job_id = w.jobs.create(name="[staging] smoke_test", tasks=[task]).job_id
    assert job_id is not None
    w.jobs.create(name="another")

    found = [job.job_id for job in w.jobs.list(name="[staging] smoke_test")]
    first = w.jobs.run_now(job_id, idempotency_token="abc")
    again = w.jobs.run_now(job_id, idempotency_token="abc")
    run = first.result(timeout=SOON)

    assert found == [job_id]
    assert [first.bind(), again.bind()] == [{"run_id": run.run_id}] * 2
    assert run.state is not None
    assert run.state.result_state == jobs.RunResultState.SUCCESS
    assert run.tasks is not None
    assert run.tasks[0].run_id is not None
    assert w.jobs.get_run_output(run.tasks[0].run_id).logs == "smoke ok\n"
    assert [r.run_id for r in w.jobs.list_runs(job_id=job_id)] == [run.run_id]
    assert list(w.jobs.list_runs(job_id=job_id, active_only=True)) == []


def test_a_failed_run_raises(site: Site) -> None:
    from databricks.sdk.errors import OperationFailed
    from databricks.sdk.service import jobs

    site.put_file("/Shared/bad.py", "1 / 0")
    task = jobs.Task(task_key="t", spark_python_task=jobs.SparkPythonTask(python_file="/Shared/bad.py"))
    w = site.sdk()
    job_id = w.jobs.create(name="bad", tasks=[task]).job_id
    assert job_id is not None

    with pytest.raises(OperationFailed, match="Task t failed with message: Workload failed"):
        w.jobs.run_now(job_id).result(timeout=SOON)


def test_what_a_target_runs_is_read_from_its_metadata(site: Site) -> None:
    from databricks.sdk.errors import NotFound

    w = site.sdk()
    path = f"{ROOT}/state/metadata.json"
    with pytest.raises(NotFound):
        w.workspace.download(path)
    w.workspace.mkdirs(f"{ROOT}/state")
    metadata = {"config": {"bundle": {"git": {"commit": "abc"}}}}
    from databricks.sdk.service.workspace import ImportFormat

    w.workspace.upload(path, io.BytesIO(json.dumps(metadata).encode()), format=ImportFormat.AUTO)

    assert json.loads(w.workspace.download(path).read()) == metadata
    listed = list(w.workspace.list(f"{ROOT}/state"))
    assert [entry.path for entry in listed] == [path]
    assert listed[0].modified_at == w.workspace.get_status(path).modified_at
    w.workspace.delete(path)
    with pytest.raises(NotFound):
        w.workspace.get_status(path)


def test_orphans_show_in_the_lists(site: Site) -> None:
    """Jobs and pipelines that name a target's metadata can be found without its state."""
    deployment = {"kind": "BUNDLE", "metadata_file_path": f"{ROOT}/state/metadata.json"}
    job_id = site.create_job(deployment=deployment)
    pipeline = site.post("/api/2.0/pipelines", {"name": "p", "deployment": deployment})
    w = site.sdk()

    jobs = [(j.job_id, j.settings and j.settings.deployment) for j in w.jobs.list()]
    pipelines = [w.pipelines.get(str(p.pipeline_id)) for p in w.pipelines.list_pipelines()]

    assert [(n, d and d.metadata_file_path) for n, d in jobs] == [(job_id, deployment["metadata_file_path"])]
    assert [p.pipeline_id for p in pipelines] == [pipeline["pipeline_id"]]
    assert pipelines[0].spec is not None
    assert pipelines[0].spec.deployment is not None
    assert pipelines[0].spec.deployment.metadata_file_path == deployment["metadata_file_path"]


def test_permissions_and_refusals(site: Site) -> None:
    from databricks.sdk.errors import PermissionDenied

    job_id = site.create_job()
    w = site.sdk()
    granted = w.permissions.get("jobs", str(job_id)).access_control_list or []
    site.workspace.people.set_admin(DEPLOYER.application_id, admin=False)
    rita = site.client(site.workspace.person("rita@acme.example"))
    theirs = rita.post("/api/2.2/jobs/create", json={"name": "hers"}).json()["job_id"]

    assert [entry.service_principal_name or entry.group_name for entry in granted] == [
        DEPLOYER.application_id,
        "admins",
    ]
    with pytest.raises(PermissionDenied):
        w.jobs.get(theirs)


def test_a_wrong_secret_is_an_error_that_ends(site: Site) -> None:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    config = Config(
        host=site.url, client_id=DEPLOYER.application_id, client_secret="wrong", retry_timeout_seconds=3
    )

    with pytest.raises(ValueError, match="invalid_client"):
        WorkspaceClient(config=config).current_user.me()


def test_a_personal_token_serves_a_person(site: Site) -> None:
    from databricks.sdk import WorkspaceClient

    w = WorkspaceClient(host=site.url, token=site.workspace.person("rita@acme.example"))

    assert w.current_user.me().user_name == "rita@acme.example"
