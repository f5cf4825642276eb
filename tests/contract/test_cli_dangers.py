"""Where the real `databricks` is dangerous and no recording tells it, or not all of it: the stand-in is too.

What recordings tell: made twice after lost answers (27), a believed 404 (33), the host in the file (30), kills (28).
"""

import signal
import subprocess
import time

from cli_lab import Lab

DEPLOY = "bundle deploy -t staging"
JOBS = ["[staging] daily_report", "[staging] smoke_test"]


def _start(lab: Lab, words: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [str(lab.cli.path), *words.split()]
    return subprocess.Popen(
        command, cwd=lab.bundle, env=lab.environment(), stdout=pipe, stderr=pipe, text=True
    )


def _wait_for(lab: Lab, path: str) -> None:
    """Return when a request to `path` was seen since the last look."""
    deadline = time.monotonic() + 20
    while not any(path in r["path"] for r in lab.requests()):
        assert time.monotonic() < deadline, f"nobody asked for {path}"
        time.sleep(0.02)


def test_two_deploys_at_once_make_everything_twice(lab: Lab) -> None:
    """The state is read before the lock is taken, so the lock does not make deploys exclusive."""
    lab.fault(kind="slow", method="POST", path=".*/state/deploy.lock", seconds=3.0)
    slow = _start(lab, DEPLOY)
    _wait_for(lab, "deploy.lock")  # it has read that nothing is deployed, and now waits for the lock
    assert lab.run(DEPLOY, folder=lab.checkout("other")).exit_code == 0
    _, stderr = slow.communicate(timeout=60)
    assert slow.returncode == 0, stderr
    assert lab.jobs() == sorted([*JOBS, *JOBS])


def test_a_run_goes_on_when_its_command_is_ended(lab: Lab) -> None:
    (lab.bundle / "src/smoke.py").write_text("import time\n\ntime.sleep(600)\n")
    assert lab.run(DEPLOY).exit_code == 0
    job = lab.ids()["smoke_test"]
    command = _start(lab, "bundle run -t staging smoke_test")
    _wait_for(lab, "/runs/get")
    command.send_signal(signal.SIGTERM)
    command.communicate(timeout=20)
    assert command.returncode == -signal.SIGTERM
    try:
        assert len(lab.api("GET", f"/api/2.2/jobs/runs/list?job_id={job}&active_only=true")["runs"]) == 1
    finally:
        lab.api("POST", "/api/2.2/jobs/runs/cancel-all", {"job_id": job})


def test_a_refused_deploy_has_replaced_files_but_not_the_commit(lab: Lab) -> None:
    """So the commit in the metadata tells what was deployed last, not what the files are now."""
    assert lab.run(DEPLOY).exit_code == 0
    first = lab.git(lab.bundle, "rev-parse", "HEAD")
    lab.edit("src/extract.py", "extract ok", "extract new")
    (lab.bundle / "resources/ingest.yml").unlink()
    lab.commit()
    assert lab.run(DEPLOY).exit_code == 1
    assert lab.file("state/metadata.json")["config"]["bundle"]["git"]["commit"] == first
    assert "extract new" in lab.text("files/src/extract.py")
    assert "ingest.yml" not in lab.names("files/resources")
    assert "deploy.lock" not in lab.names("state")


def test_a_token_that_was_revoked_still_knows_its_user(lab: Lab) -> None:
    """Who somebody is comes from the cache under HOME for half an hour; only the next question is refused."""
    assert lab.run("bundle validate -t staging").exit_code == 0
    unauthenticated = {"error_code": "UNAUTHENTICATED", "message": "Token is invalid"}
    lab.fault(kind="refuse", path="/api/.*", status=401, body=unauthenticated, times=99)
    result = lab.run("bundle validate -t staging")
    assert result.exit_code == 1
    assert "User: " in result.stdout
    assert not [r for r in result.requests if r["path"].endswith("/Me")]
