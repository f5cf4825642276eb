"""A lock that somebody holds, killed deploys, orphans: recordings 21, 28 and 37."""

import json
import signal
from pathlib import Path

import pytest
from cli_lab import Lab
from cli_recordings import assert_same

JOBS = ["[staging] daily_report", "[staging] smoke_test"]


def test_a_lock_that_somebody_holds(lab: Lab) -> None:
    """validate, plan and run are not stopped by it; deploy and destroy are."""
    assert_same(lab, "21-lock-held/0-first-deploy")
    lock = {"ID": "11111111-2222-4333-8444-555555555555", "AcquisitionTime": "2026-08-21T10:00:00.5Z"}
    lab.write("state/deploy.lock", json.dumps({**lock, "IsForced": False, "User": "someone@example.com"}))
    for name in (
        "validate-while-locked",
        "plan-while-locked",
        "run-while-locked",
        "deploy-while-locked",
        "destroy-while-locked",
        "deploy-force-lock",
    ):
        assert_same(lab, f"21-lock-held/{name}")
    lab.write("state/deploy.lock", "not json")
    assert_same(lab, "21-lock-held/deploy-lock-is-garbage")
    lab.delete("state/deploy.lock")
    assert_same(lab, "21-lock-held/deploy-after-lock-file-was-deleted")


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_killed_deploy_is_known_in_its_folder_only(lab: Lab, name: str) -> None:
    """The same checkout goes on where it was; any other makes everything a second time."""
    _kill(lab, name)
    fresh = lab.checkout("fresh")
    for step in ("fresh-checkout-1-plan", "fresh-checkout-2-deploy"):
        assert_same(lab, f"28-killed-{name}/{step}", folder=fresh)
    for step in ("same-checkout-1-plan", "same-checkout-2-deploy", "same-checkout-3-deploy-force-lock"):
        assert_same(lab, f"28-killed-{name}/{step}")
    assert lab.jobs() == JOBS


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_fresh_checkout_after_a_killed_deploy_makes_every_job_twice(lab: Lab, name: str) -> None:
    _kill(lab, name)
    assert_same(lab, f"28-killed-{name}/fresh-checkout-3-deploy-force-lock", folder=lab.checkout("fresh"))
    assert lab.jobs() == sorted([*JOBS, *JOBS])


def _kill(lab: Lab, name: str) -> None:
    """Kill a deploy while the pipeline is being created, and look at what it leaves (28, notes)."""
    how = signal.Signals[name]
    killed = lab.run_and_kill("bundle deploy -t staging", when="/api/2.0/pipelines", how=how)
    assert (killed.exit_code, killed.stdout) == (-how, "")
    assert killed.stderr.splitlines()[-1].startswith("Uploading bundle files to ")
    assert lab.jobs() == JOBS
    assert lab.names("state") == ["deploy.lock", "deployment.json"]
    left = lab.bundle / ".databricks/bundle/staging"
    names = sorted(f.name for f in left.rglob("*") if f.is_file() and f.parent.name != "sync-snapshots")
    assert names == ["deployment.json", "resources.json.wal"]


def test_a_deploy_that_was_killed_during_the_upload(lab: Lab) -> None:
    killed = lab.run_and_kill("bundle deploy -t staging", when="/files/src/smoke.py")
    assert killed.exit_code == -9
    assert lab.jobs() == []
    assert lab.names("state") == ["deploy.lock"]
    assert [f.name for f in (lab.bundle / ".databricks").rglob("*") if f.is_file()] == [".gitignore"]
    assert_same(lab, "28-killed-during-upload/1-plan")
    # How many of the files were up already is chance; all of them are sent again.
    assert_same(lab, "28-killed-during-upload/2-deploy-force-lock", requests=False)
    assert lab.jobs() == JOBS


def test_a_journal_in_a_durable_folder_outlives_the_checkout(lab: Lab) -> None:
    durable: dict[str, str | None] = {"DATABRICKS_BUNDLE_TMP": str(lab.folder / "durable")}
    lab.run_and_kill("bundle deploy -t staging", when="/api/2.0/pipelines", how=signal.SIGKILL, **durable)
    assert Path(lab.folder / "durable/staging/resources.json.wal").exists()
    fresh = lab.checkout("fresh")
    for name in ("1-plan-fresh-checkout", "2-deploy-fresh-checkout-force-lock"):
        assert_same(lab, f"28-killed-with-durable-bundle-tmp/{name}", folder=fresh, environment=durable)
    assert lab.jobs() == JOBS


def test_an_orphan_is_bound_and_everything_is_destroyed(lab: Lab) -> None:
    """Bind takes the lock, reads the job three times and writes a state whose serial is 2 from the start."""
    lab.run_and_kill("bundle deploy -t staging", when="/api/2.0/pipelines")
    orphans = lab.ids()
    lab.bundle = lab.checkout("fresh")

    def bind(key: str) -> str:
        return f"bundle deployment bind -t staging {key} {orphans[key]} --auto-approve"

    assert_same(lab, "37-bind-orphans/1-bind-while-locked", words=bind("daily_report"))
    lab.delete("state/deploy.lock")
    assert_same(lab, "37-bind-orphans/2-bind", words=bind("daily_report"))
    state = lab.file("state/resources.json")
    daily = state["state"]["resources.jobs.daily_report"]
    assert (state["serial"], daily["__id__"]) == (2, str(orphans["daily_report"]))
    assert daily["state"]["environments"][0]["spec"]["dependencies"] == ["./dist/*.whl"]
    assert_same(lab, "37-bind-orphans/3-bind", words=bind("smoke_test"))
    for name in ("4-plan", "5-deploy"):
        assert_same(lab, f"37-bind-orphans/{name}")
    assert lab.jobs() == JOBS
    assert_same(lab, "37-bind-orphans/7-destroy-without-approval")


def test_what_is_not_in_the_state_outlives_a_destroy(lab: Lab) -> None:
    """Recorded after `unbind`, which the stand-in lacks; a state without the job is the same to a destroy."""
    assert lab.run("bundle deploy -t staging").exit_code == 0
    state = lab.file("state/resources.json")
    del state["state"]["resources.jobs.smoke_test"]
    lab.write("state/resources.json", json.dumps(state))
    (lab.bundle / ".databricks/bundle/staging/resources.json").unlink()
    assert_same(lab, "37-bind-orphans/8-destroy")
    assert lab.jobs() == ["[staging] smoke_test"]
