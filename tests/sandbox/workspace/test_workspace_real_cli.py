"""The real `databricks` command against a workspace of the sandbox, where one is installed.

Without `DABFLOW_DATABRICKS_CLI` and without a `databricks` on PATH these tests are skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workspace_site import DEPLOYER, HOME, ROOT, Site

Json = dict[str, Any]
Run = Callable[..., subprocess.CompletedProcess[str]]

BUNDLE = """
bundle: {name: lakehouse}
include: [resources/*.yml]
artifacts:
  lakehouse_wheel: {type: whl, build: "PYTHON build.py", path: .}
targets:
  staging:
    mode: production
    presets: {name_prefix: "[staging] "}
    workspace:
      root_path: /Workspace/Users/${workspace.current_user.userName}/.bundle/lakehouse/staging
    run_as: {service_principal_name: "${workspace.current_user.userName}"}
"""
JOBS = """
resources:
  jobs:
    daily_report:
      name: daily_report
      permissions: [{group_name: data-engineers, level: CAN_MANAGE}]
      schedule: {quartz_cron_expression: "0 0 6 * * ?", timezone_id: UTC}
      environments:
        - environment_key: default
          spec: {environment_version: "4", dependencies: [../dist/*.whl]}
      tasks:
        - {task_key: nb, notebook_task: {notebook_path: ../src/nb.py}}
        - task_key: refresh
          depends_on: [{task_key: nb}]
          pipeline_task: {pipeline_id: "${resources.pipelines.ingest.id}"}
        - task_key: report
          depends_on: [{task_key: refresh}]
          environment_key: default
          python_wheel_task: {package_name: lakehouse, entry_point: main}
    smoke_test:
      name: smoke_test
      environments: [{environment_key: default, spec: {environment_version: "4"}}]
      tasks:
        - {task_key: smoke, environment_key: default, spark_python_task: {python_file: ../src/smoke.py}}
  pipelines:
    ingest:
      name: ingest
      catalog: staging
      schema: bronze
      libraries: [{file: {path: ../src/ingest.py}}]
"""
BUILD = """
import pathlib, zipfile
pathlib.Path("dist").mkdir(exist_ok=True)
with zipfile.ZipFile("dist/lakehouse-0.1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("lakehouse/__init__.py", "def main(): print('report ok')")
    wheel.writestr("lakehouse-0.1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: lakehouse\\nVersion: 0.1.0\\n")
    wheel.writestr("lakehouse-0.1.0.dist-info/RECORD", "")
"""


def command() -> str:
    named = os.environ.get("DABFLOW_DATABRICKS_CLI") or shutil.which("databricks")
    if named is None:
        pytest.skip("no databricks command: put one on PATH or name it in DABFLOW_DATABRICKS_CLI")
    return named


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle = tmp_path / "bundle"
    files = {
        "databricks.yml": BUNDLE.replace("PYTHON", sys.executable),
        "resources/all.yml": JOBS,
        "build.py": BUILD,
        "src/nb.py": "# Databricks notebook source\nprint('nb ok')\n",
        "src/smoke.py": "print('smoke ok')\n",
        "src/ingest.py": "print('ingest ok')\n",
    }
    for name, content in files.items():
        path = bundle / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@acme.example", "-C", str(bundle)]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "feat: begin"]):
        subprocess.run([*git, *arguments], check=True)
    return bundle


@pytest.fixture
def databricks(site: Site, folder: Path, tmp_path: Path) -> Run:
    """Runs the command in the bundle's folder as the service principal."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "DATABRICKS_HOST": site.url,
        "DATABRICKS_CLIENT_ID": DEPLOYER.application_id,
        "DATABRICKS_CLIENT_SECRET": DEPLOYER.client_secret,
        "DATABRICKS_CACHE_ENABLED": "false",
    }
    program = command()

    def run(*arguments: str, exit_code: int = 0, **changed: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [program, *arguments],
            cwd=folder,
            env={**environment, **changed},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done

    return run


def test_a_bundle_lives_and_is_taken_away(site: Site, databricks: Run, folder: Path) -> None:
    """validate, plan, deploy, empty plan, summary, runs, destroy."""
    target = ["-t", "staging"]
    databricks("bundle", "validate", *target)
    planned = databricks("bundle", "plan", *target).stdout
    databricks("bundle", "deploy", *target)
    again = databricks("bundle", "plan", *target, "-o", "json").stdout
    summary = json.loads(databricks("bundle", "summary", *target, "-o", "json", "--force-pull").stdout)
    smoke = databricks("bundle", "run", *target, "smoke_test")
    daily = databricks("bundle", "run", *target, "daily_report").stdout
    refreshed = databricks("bundle", "run", *target, "ingest").stderr
    [deployment] = site.workspace.deployments()

    assert planned.rstrip().endswith("Plan: 4 to add, 0 to change, 0 to delete, 0 unchanged")
    assert {entry["action"] for entry in json.loads(again)["plan"].values()} == {"skip"}
    assert smoke.stdout == "smoke ok\n"
    assert "nb ok" in daily
    assert "report ok" in daily
    assert "is COMPLETED" in refreshed
    assert deployment.root == ROOT.removeprefix("/Workspace")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert deployment.commit == head.stdout.strip()
    for url in [thing["url"] for group in summary["resources"].values() for thing in group.values()]:
        assert site.client().get(url).status_code == 200
    run_url = smoke.stderr.partition("Run URL: ")[2].split()[0]
    assert "smoke ok" in site.client().get(run_url).text

    databricks("bundle", "destroy", *target, "--auto-approve")
    assert site.get("/api/2.2/jobs/list") == {"has_more": False}
    assert site.api.get("/api/2.0/workspace/get-status", params={"path": ROOT}).status_code == 404


def test_what_somebody_changed_by_hand_shows_in_the_plan(site: Site, databricks: Run) -> None:
    databricks("bundle", "deploy", "-t", "staging")
    [job] = site.get("/api/2.2/jobs/list", name="[staging] smoke_test")["jobs"]
    rita = site.client(site.workspace.person("rita@acme.example"))
    changed = {"job_id": job["job_id"], "new_settings": {"max_concurrent_runs": 7}}
    assert rita.post("/api/2.2/jobs/update", json=changed).status_code == 200

    plan = json.loads(databricks("bundle", "plan", "-t", "staging", "-o", "json").stdout)["plan"]

    assert plan["resources.jobs.smoke_test"]["action"] == "update"
    assert plan["resources.jobs.smoke_test"]["changes"]["max_concurrent_runs"] == {
        "action": "update",
        "old": 1,
        "new": 1,
        "remote": 7,
    }


def test_a_lock_is_respected_and_a_running_job_is_noticed(site: Site, databricks: Run) -> None:
    databricks("bundle", "deploy", "-t", "staging")
    lock = {
        "ID": str(uuid.uuid4()),
        "AcquisitionTime": "2026-01-01T00:00:00Z",
        "IsForced": False,
        "User": "somebody",
    }
    site.put_file(f"{ROOT}/state/deploy.lock", json.dumps(lock))
    refused = databricks("bundle", "deploy", "-t", "staging", exit_code=1).stderr
    site.post("/api/2.0/workspace/delete", {"path": f"{ROOT}/state/deploy.lock"})
    site.put_file(f"{ROOT}/files/src/smoke.py", "import time; time.sleep(60)")
    [job] = site.get("/api/2.2/jobs/list", name="[staging] smoke_test")["jobs"]
    run_id = site.start(job["job_id"])
    busy = databricks("bundle", "deploy", "-t", "staging", "--fail-on-active-runs", exit_code=1).stderr
    site.post("/api/2.2/jobs/runs/cancel", {"run_id": run_id})

    assert "deploy lock acquired by somebody" in refused
    assert f"job {job['job_id']} is running" in busy


def test_a_failing_job_is_told_as_by_a_real_workspace(databricks: Run, folder: Path) -> None:
    (folder / "src/smoke.py").write_text("print('checking')\nraise ValueError('row count is 0')\n")
    (folder / "src/ingest.py").write_text("1 / 0\n")
    databricks("bundle", "deploy", "-t", "staging")

    smoke = databricks("bundle", "run", "-t", "staging", "smoke_test", exit_code=1).stderr
    ingest = databricks("bundle", "run", "-t", "staging", "ingest", exit_code=1).stderr

    assert (
        '"[staging] smoke_test" INTERNAL_ERROR FAILED Task smoke failed with message: Workload failed'
        in smoke
    )
    assert "Error:\nValueError: row count is 0\nTrace:\nTraceback" in smoke
    assert "ZeroDivisionError: division by zero" in ingest
    assert "Error: update failed" in ingest


def test_refusals_end_at_once(site: Site, databricks: Run) -> None:
    wrong = databricks("current-user", "me", exit_code=1, DATABRICKS_CLIENT_SECRET="wrong").stderr
    site.workspace.people.set_admin(DEPLOYER.application_id, admin=False)
    site.workspace.parts.tree.delete(HOME, recursive=True)
    me = json.loads(databricks("current-user", "me").stdout)

    assert "cannot configure default credentials" in wrong
    assert me["userName"] == DEPLOYER.application_id


def test_a_lost_answer_makes_a_job_twice(site: Site, databricks: Run) -> None:
    """As a real workspace does; it is what a release has to be on its guard against."""
    fault = {"kind": "after", "method": "POST", "path": "/api/2.2/jobs/create", "status": 503}
    site.client().post("/_sandbox/faults", json=fault)

    databricks("bundle", "deploy", "-t", "staging")

    names = [job["settings"]["name"] for job in site.get("/api/2.2/jobs/list")["jobs"]]
    assert len(names) == 3
    assert len(set(names)) == 2
