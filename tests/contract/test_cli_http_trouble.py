"""Answers that are late, lost or wrong in the middle of a deploy: recordings 27."""

import re
from typing import Any

import pytest
from cli_lab import Lab
from cli_recordings import Recording, assert_same
from dropping_proxy import dropping_proxy

OOPS = {"error_code": "INTERNAL_ERROR", "message": "oops"}
LATER = {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "try later"}
GATEWAY = {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "gateway"}
CREATE = "/api/2.2/jobs/create"
UPLOAD = ".*import-file.*/files/src/smoke.py"
TWICE = 3  # two jobs, and one of them a second time


@pytest.mark.parametrize(
    ("name", "jobs", "fault"),
    [
        ("create-429-retry-after", 2, {"kind": "refuse", "path": CREATE, "status": 429, "body": LATER}),
        ("create-503-before-once", 2, {"kind": "before", "path": CREATE, "status": 503, "body": LATER}),
        ("create-503-after-once", TWICE, {"kind": "after", "path": CREATE, "status": 503, "body": LATER}),
        ("create-500-after-once", TWICE, {"kind": "after", "path": CREATE, "status": 500, "body": OOPS}),
        ("create-504-after-once", TWICE, {"kind": "after", "path": CREATE, "status": 504, "body": GATEWAY}),
        ("upload-503-once", 2, {"kind": "before", "path": UPLOAD, "status": 503, "body": LATER}),
    ],
)
def test_trouble_once(lab: Lab, name: str, jobs: int, fault: dict[str, Any]) -> None:
    """A 503 after the work was done is tried again and makes the job twice; so does deploying again after a 500."""
    headers = {"Retry-After": "1"} if fault["status"] == 429 else {}
    lab.fault(method="POST", headers=headers, **fault)
    assert_same(lab, f"27-http-trouble/{name}", job="a_job")
    lab.calm()
    assert_same(lab, f"27-http-trouble/{name}-then-deploy-again", job="a_job")
    assert len(lab.jobs()) == jobs


def test_an_answer_that_never_comes(lab: Lab) -> None:
    """The job is there, the deploy failed, and the next one makes a second."""
    with dropping_proxy(lab.served.url, CREATE) as lab.door:
        assert_same(lab, "27-http-trouble/create-answer-dropped", job="a_job")
        assert_same(lab, "27-http-trouble/create-answer-dropped-then-deploy-again", job="a_job")
    assert len(lab.jobs()) == TWICE


def test_an_answer_that_breaks_off(lab: Lab) -> None:
    lab.fault(kind="after", method="POST", path=CREATE, status=0)
    result = lab.run("bundle deploy -t staging")
    assert result.exit_code == 1
    assert re.search(
        r"Error: cannot create resources.jobs.\w+: response body: unexpected EOF\n", result.stderr
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("state-write-500", ".*/state/resources.json"),
        ("metadata-write-500", ".*/state/metadata.json"),
    ],
)
def test_a_state_that_cannot_be_written(lab: Lab, name: str, path: str) -> None:
    """The things exist; the same checkout knows them, a fresh one would make them twice."""
    lab.fault(kind="before", method="POST", path=path, status=500, body=OOPS)
    assert_same(lab, f"27-http-trouble/{name}")
    lab.calm()
    assert_same(lab, f"27-http-trouble/{name}-then-deploy-again")


def test_an_upload_that_fails(lab: Lab) -> None:
    """Nothing is created, the lock is released. Which other files were up by then is chance."""
    lab.fault(kind="before", method="POST", path=UPLOAD, status=500, body=OOPS)
    assert_same(lab, "27-http-trouble/upload-500-once", requests=False)
    lab.calm()
    assert lab.jobs() == []
    assert "deploy.lock" not in lab.names("state")
    assert_same(lab, "27-http-trouble/upload-500-once-then-deploy-again", requests=False)


def test_a_lock_that_cannot_be_given_back(lab: Lab) -> None:
    """Everything is deployed, and the next deploy finds the lock."""
    lab.fault(kind="before", method="POST", path=".*/workspace/delete", nth=2, status=500, body=OOPS)
    assert_same(lab, "27-http-trouble/unlock-500")
    lab.calm()
    assert_same(lab, "27-http-trouble/unlock-500-then-deploy-again")


def test_a_plan_that_cannot_read_jobs(lab: Lab) -> None:
    """Two tries more, then an error for each of them; how long it waits between them is a setting."""
    assert_same(lab, "27-http-trouble/plan-jobs-get-500-0")
    lab.fault(kind="before", path=".*/jobs/get", status=500, body=OOPS, times=99)
    assert_same(lab, "27-http-trouble/plan-jobs-get-500")


def test_trouble_that_never_ends(lab: Lab) -> None:
    """The real command tries for 15 minutes, here shortened to a second."""
    if lab.cli.name == "real":
        pytest.skip("no setting shortens the real command's 15 minutes")
    short: dict[str, str | None] = {"DABFLOW_SANDBOX_RETRY_SECONDS": "1"}
    lab.fault(kind="before", path=".*/get-status", query="resources.json", status=503, body=LATER, times=999)
    assert_same(lab, "27-http-trouble/plan-state-503-for-ever", environment=short)
    lab.calm()
    lab.fault(kind="before", path=CREATE, status=503, body=LATER, times=999)
    assert_same(lab, "27-http-trouble/deploy-jobs-create-503-for-ever", environment=short)


def test_a_slow_answer_is_waited_for(lab: Lab) -> None:
    """Recorded with 75 s; 90 s without a word would be too long."""
    lab.fault(kind="slow", path=".*/Me", seconds=2.0)
    assert Recording("27-http-trouble/me-hangs-75s").exit_code == 0
    assert_same(lab, "27-http-trouble/me-hangs-75s")
