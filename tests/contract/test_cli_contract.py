"""The stand-in for `databricks`, and the real one where there is one, do what was recorded of the real one."""

import json

from cli_lab import SP, Lab
from cli_recordings import Recording, assert_same

ROOT = f"/Workspace/Users/{SP}/.bundle/lakehouse/staging"
RESOURCES = "resources/smoke_test.yml"


def test_version_and_who_i_am(lab: Lab) -> None:
    """Recordings 01. The stand-in's version says that it is no release of the real command."""
    assert_same(lab, "01-version-and-me/version")
    for name in ("current-user-me", "current-user-me-json"):
        assert_same(lab, f"01-version-and-me/{name}", log_in=True)
    recorded = json.loads(Recording("01-version-and-me/version-json").stdout)
    assert lab.run("version -o json").json.keys() == recorded.keys()


def test_a_story_from_the_first_deploy_to_a_removed_pipeline(lab: Lab) -> None:
    """Recordings 02 to 11, one after the other, as they were made."""
    for name in (
        "0-run-before",
        "0-summary-before",
        "0-summary-before-json",
        "1-validate",
        "2-validate-json",
        "3-validate-strict",
        "4-plan",
        "5-plan-json",
        "6-deploy",
        "7-summary-json",
        "8-summary",
        "9-run",
        "9-run-json",
        "9-run-no-wait",
        "9-run-no-wait-json",
        "9-run-two-tasks",
        "9-run-unknown-key",
    ):
        assert_same(lab, f"02-clean-target/{name}")
    _deploy(lab, "03-no-change")
    for name in ("7-summary-json", "8-deploy-json", "8-deploy-q", "8-deploy-qq"):
        assert_same(lab, f"03-no-change/{name}")
    lab.edit("src/extract.py", "extract ok", "extract OK")
    _deploy(lab, "04-source-only-change")
    lab.edit("resources/daily_report.yml", "0 0 6", "0 30 6")
    _deploy(lab, "05-job-changed")
    lab.edit("pyproject.toml", "0.1.0", "0.2.0")
    _deploy(lab, "06-wheel-version-changed")
    lab.edit("src/lakehouse/__main__.py", "report ok", "report OK")
    _deploy(lab, "07-wheel-content-only")
    smoke = (lab.bundle / RESOURCES).read_text()
    (lab.bundle / RESOURCES).unlink()
    _deploy(lab, "08-job-removed")
    (lab.bundle / RESOURCES).write_text(smoke)
    _deploy(lab, "09-job-added-back")
    lab.edit(
        "resources/ingest.yml",
        "catalog: ${var.catalog}\n      schema: bronze",
        "storage: /mnt/ingest\n      target: bronze",
    )
    _deploy(lab, "10-pipeline-recreated-refused")
    for name in ("6-deploy-auto-approve", "7-summary-json"):
        assert_same(lab, f"10-pipeline-recreated-approved/{name}")
    (lab.bundle / "resources/ingest.yml").unlink()
    _deploy(lab, "11-pipeline-removed-refused")
    assert_same(lab, "11-pipeline-removed-approved/6-deploy-auto-approve")


def _deploy(lab: Lab, folder: str) -> None:
    for name in ("4-plan", "5-plan-json", "6-deploy"):
        assert_same(lab, f"{folder}/{name}")


def test_a_bundle_that_is_wrong(lab: Lab) -> None:
    assert_same(lab, "20-errors/default-target")
    whole = (lab.bundle / RESOURCES).read_text()
    (lab.bundle / RESOURCES).write_text(f"{whole}      no_such_field: 1\n")
    for name in ("unknown-field-validate", "unknown-field-validate-strict", "unknown-field-plan"):
        assert_same(lab, f"20-errors/{name}")
    (lab.bundle / RESOURCES).write_text(whole.replace("name: smoke_test", "name: ${var.nope}"))
    assert_same(lab, "20-errors/unknown-variable-validate")
    (lab.bundle / RESOURCES).write_text(whole.replace("src/smoke.py", "src/gone.py"))
    assert_same(lab, "20-errors/missing-file-validate")


def test_a_folder_without_a_bundle(lab: Lab) -> None:
    empty = lab.folder / "empty"
    empty.mkdir()
    assert_same(lab, "20-errors/not-a-bundle", folder=empty)


def test_a_workspace_that_refuses(lab: Lab) -> None:
    """401 and 403 at the log-in, at the state and at the lock."""
    unauthenticated = {"error_code": "UNAUTHENTICATED", "message": "Token is invalid"}
    denied = {"error_code": "PERMISSION_DENIED", "message": "User does not have permission"}
    for name, path, status, body in (
        ("me-401", ".*/Me", 401, unauthenticated),
        ("state-read-403", ".*/get-status", 403, denied),
        ("lock-write-401", ".*deploy.lock", 401, unauthenticated),
        ("lock-write-403", ".*deploy.lock", 403, denied),
    ):
        lab.fault(kind="refuse", path=path, status=status, body=body, times=9)
        if name == "state-read-403":
            result = lab.run("bundle plan -t staging", DATABRICKS_CACHE_ENABLED="false")
            assert (result.exit_code, "opening: User does not have permission (403" in result.stderr) == (
                1,
                True,
            )
        elif name == "me-401":
            result = lab.run("bundle validate -t staging", DATABRICKS_CACHE_ENABLED="false")
            assert (result.exit_code, "Token is invalid (401 UNAUTHENTICATED)" in result.stderr) == (1, True)
        else:
            result = lab.run("bundle deploy -t staging")
            assert result.exit_code == 1
            assert "Error: Failed to acquire deployment lock:" in result.stderr
        lab.calm()


def test_a_lock_that_somebody_holds(lab: Lab) -> None:
    assert lab.run("bundle deploy -t staging").exit_code == 0
    lock = {"ID": "11111111-2222-4333-8444-555555555555", "AcquisitionTime": "2026-08-21T10:00:00.5Z"}
    _write_lock(lab, json.dumps({**lock, "IsForced": False, "User": "someone@example.com"}))
    for name in ("plan-while-locked", "deploy-while-locked", "destroy-while-locked", "deploy-force-lock"):
        assert_same(lab, f"21-lock-held/{name}")
    _write_lock(lab, "not json")
    assert_same(lab, "21-lock-held/deploy-lock-is-garbage")


def _write_lock(lab: Lab, content: str) -> None:
    import base64

    encoded = base64.b64encode(content.encode()).decode()
    body = {"path": f"{ROOT}/state/deploy.lock", "content": encoded, "format": "AUTO", "overwrite": True}
    lab.api("POST", "/api/2.0/workspace/import", body)


def test_branches(lab: Lab) -> None:
    """Another branch is refused by plan, not by validate; a detached HEAD passes."""
    lab.git(lab.bundle, "checkout", "-q", "-b", "develop")
    for name in ("validate-strict-on-develop", "plan-on-develop", "plan-force-on-develop"):
        assert_same(lab, f"22-git-branch/{name}")
    lab.git(lab.bundle, "checkout", "-q", "--detach")
    assert_same(lab, "22-git-branch/plan-detached")


def test_somebody_changes_things_by_hand(lab: Lab) -> None:
    assert lab.run("bundle deploy -t staging").exit_code == 0
    ids = _ids(lab)
    body = {"job_id": ids["daily_report"], "new_settings": {"max_concurrent_runs": 7}}
    lab.api("POST", "/api/2.2/jobs/update", body)
    assert_same(lab, "26-remote-drift/1-plan-after-remote-edit")
    assert lab.run("bundle deploy -t staging").exit_code == 0
    lab.api("POST", "/api/2.2/jobs/delete", {"job_id": ids["smoke_test"]})
    assert_same(lab, "26-remote-drift/3-plan-after-remote-delete")
    (lab.bundle / RESOURCES).unlink()
    assert_same(lab, "26-remote-drift/4-deploy-removed-and-gone")


def _ids(lab: Lab) -> dict[str, int]:
    jobs = lab.api("GET", "/api/2.2/jobs/list?limit=100")["jobs"]
    return {job["settings"]["name"].removeprefix("[staging] "): job["job_id"] for job in jobs}


def test_a_killed_deploy_is_known_in_its_folder_only(lab: Lab) -> None:
    killed = lab.run_and_kill("bundle deploy -t staging", when="/api/2.0/pipelines")
    assert killed.exit_code == -9
    assert (lab.bundle / ".databricks/bundle/staging/resources.json.wal").exists()
    assert lab.jobs() == ["[staging] daily_report", "[staging] smoke_test"]
    fresh = lab.checkout("fresh")
    assert_same(lab, "28-killed-SIGKILL/fresh-checkout-1-plan", folder=fresh)
    for name in ("same-checkout-1-plan", "same-checkout-2-deploy", "same-checkout-3-deploy-force-lock"):
        assert_same(lab, f"28-killed-SIGKILL/{name}")
    assert lab.jobs() == ["[staging] daily_report", "[staging] smoke_test"]


def test_an_orphan_is_bound_and_everything_is_destroyed(lab: Lab) -> None:
    assert lab.run("bundle deploy -t staging").exit_code == 0
    orphan = _ids(lab)["daily_report"]
    lab.api("POST", "/api/2.0/workspace/delete", {"path": f"{ROOT}/state/resources.json"})
    (lab.bundle / ".databricks/bundle/staging/resources.json").unlink()
    bound = lab.run(f"bundle deployment bind -t staging daily_report {orphan} --auto-approve")
    assert bound.exit_code == 0
    assert bound.stderr == (
        f"Successfully bound job with an id '{orphan}'\nRun 'bundle deploy' to deploy changes to your workspace\n"
    )
    assert "2 to add, 0 to change, 0 to delete, 1 unchanged" in lab.run("bundle plan -t staging").stdout
    assert_same(lab, "37-bind-orphans/7-destroy-without-approval")
    assert lab.run("bundle destroy -t staging --auto-approve").exit_code == 0
    assert "[staging] daily_report" not in lab.jobs()
