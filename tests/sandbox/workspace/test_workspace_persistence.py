"""A workspace survives a stop, and can be asked about a moment of its past."""

import gc
import json
import shutil
import time
import warnings
from pathlib import Path

import pytest
from workspace_site import HOME, Open, Site, until

STATUS = "/api/2.0/workspace/get-status"


def test_everything_is_there_after_a_restart(tmp_path: Path, opened: Open) -> None:
    with opened(tmp_path / "w") as site:
        site.put_file(f"{HOME}/x.py", "print('kept')")
        job_id = site.create_job({"task_key": "x", "spark_python_task": {"python_file": f"{HOME}/x.py"}})
        run_id = site.start(job_id, idempotency_token="abc")
        run = site.finish(run_id)
        pipeline_id = site.post("/api/2.0/pipelines", {"name": "p"})["pipeline_id"]
        rita = site.workspace.person("rita@acme.example")
        acl = [{"user_name": "rita@acme.example", "permission_level": "IS_OWNER"}]
        site.api.put(f"/api/2.0/permissions/jobs/{job_id}", json={"access_control_list": acl})
        status = site.get(STATUS, path=f"{HOME}/x.py")

    with opened(tmp_path / "w") as again:
        assert again.get(STATUS, path=f"{HOME}/x.py") == status
        assert again.start(job_id, idempotency_token="abc") == run_id
        assert again.run(run_id)["state"] == run["state"]
        assert again.output(run, "x")["logs"] == "kept\n"
        assert again.get(f"/api/2.0/pipelines/{pipeline_id}")["name"] == "p"
        assert again.client(rita).get("/api/2.2/jobs/get", params={"job_id": job_id}).status_code == 200
        shown = again.get(f"/api/2.0/permissions/jobs/{job_id}")
        assert shown["access_control_list"][0]["user_name"] == "rita@acme.example"


def test_what_is_deleted_stays_deleted(tmp_path: Path, opened: Open) -> None:
    with opened(tmp_path / "w") as site:
        site.put_file(f"{HOME}/x.py", "a secret")
        job_id = site.create_job()
        site.post("/api/2.0/workspace/delete", {"path": f"{HOME}/x.py"})
        site.post("/api/2.2/jobs/delete", {"job_id": job_id})

    with opened(tmp_path / "w") as again:
        assert again.api.get(STATUS, params={"path": f"{HOME}/x.py"}).status_code == 404
        assert again.api.get("/api/2.2/jobs/get", params={"job_id": job_id}).status_code == 404
        contents = [path.read_bytes() for path in (tmp_path / "w" / "contents").iterdir()]
        assert b"a secret" not in contents


def test_a_stopped_workspace_can_be_copied(tmp_path: Path, opened: Open) -> None:
    with opened(tmp_path / "w") as site:
        job_id = site.create_job()
    shutil.copytree(tmp_path / "w", tmp_path / "copy")

    with opened(tmp_path / "copy") as copy, opened(tmp_path / "w") as original:
        copy.post("/api/2.2/jobs/delete", {"job_id": job_id})
        assert original.get("/api/2.2/jobs/get", job_id=job_id)["job_id"] == job_id


def test_a_run_that_the_stop_interrupted_says_so(tmp_path: Path, opened: Open) -> None:
    """Its process is gone as well."""
    alive = tmp_path / "alive"
    source = f"import time, pathlib\nprint('began', flush=True)\ntime.sleep(3)\npathlib.Path({str(alive)!r}).touch()"
    with opened(tmp_path / "w") as site:
        site.put_file("/Shared/x.py", source)
        task = {"task_key": "x", "spark_python_task": {"python_file": "/Shared/x.py"}}
        pipeline = {"name": "p", "libraries": [{"file": {"path": "/Shared/x.py"}}]}
        pipeline_id = site.post("/api/2.0/pipelines", pipeline)["pipeline_id"]
        update_id = site.post(f"/api/2.0/pipelines/{pipeline_id}/updates", {})["update_id"]
        run_id = site.start(site.create_job(task))
        run = site.run(run_id)
        until(lambda: site.output(run, "x"), lambda seen: bool(seen.get("logs")))

    with opened(tmp_path / "w") as again:
        run = again.run(run_id)
        update = again.get(f"/api/2.0/pipelines/{pipeline_id}/updates/{update_id}")["update"]
        time.sleep(3)

        assert run["state"]["life_cycle_state"] == "INTERNAL_ERROR"
        assert run["tasks"][0]["state"]["result_state"] == "FAILED"
        assert "workspace was stopped" in run["state"]["state_message"]
        assert update["state"] == "FAILED"
        assert again.get(f"/api/2.0/pipelines/{pipeline_id}")["state"] == "FAILED"
        assert not alive.exists()


@pytest.mark.parametrize("after_seconds", [0.0, 0.03, 0.1])
def test_a_stop_while_tasks_begin_leaves_nothing_behind(
    tmp_path: Path, opened: Open, after_seconds: float
) -> None:
    """Asyncio's own child processes were left unclosed when several of them were interrupted at once."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with opened(tmp_path / "w") as site:
            site.put_file("/Shared/x.py", "import time; time.sleep(60)")
            file = {"python_file": "/Shared/x.py"}
            tasks = [{"task_key": f"t{n}", "spark_python_task": file} for n in range(4)]
            run_id = site.start(site.create_job(*tasks))
            time.sleep(after_seconds)
        gc.collect()

    assert [str(warning.message) for warning in seen if "transport" in str(warning.message)] == []
    with opened(tmp_path / "w") as again:
        assert again.run(run_id)["state"]["life_cycle_state"] == "INTERNAL_ERROR"


def test_a_run_that_a_crash_interrupted_says_so(tmp_path: Path, opened: Open) -> None:
    """As after a SIGKILL: the state on disk still says that it runs."""
    with opened(tmp_path / "w") as site:
        run_id = site.start(site.create_job())
        site.finish(run_id)
    stored = tmp_path / "w" / "runs" / f"{run_id}.json"
    run = json.loads(stored.read_text())
    stored.write_text(json.dumps({**run, "state": {"life_cycle_state": "RUNNING"}}))
    (tmp_path / "w" / "runs" / ".half-written.json.1234").write_text("{")

    with opened(tmp_path / "w") as again:
        state = again.run(run_id)["state"]

    assert (state["life_cycle_state"], state["result_state"]) == ("INTERNAL_ERROR", "FAILED")
    assert not list((tmp_path / "w" / "runs").glob(".*"))


def arm(site: Site, **fault: object) -> None:
    assert site.client().post("/_sandbox/faults", json=fault).status_code == 201


def test_a_late_write_is_not_seen_at_once(site: Site) -> None:
    site.put_file("/Shared/a.txt", "old")
    arm(site, kind="late", method="POST", path=".*/import-file/.*", reads=2)
    read = "/api/2.0/workspace-files/Shared/a.txt"

    site.put_file("/Shared/a.txt", "new")

    assert [site.api.get(read).text for _ in range(3)] == ["old", "old", "new"]


def test_a_late_job_is_not_seen_at_once(site: Site) -> None:
    arm(site, kind="late", method="POST", path="/api/2.2/jobs/create")
    job_id = site.create_job()
    ask = {"job_id": job_id}

    early, later = (site.api.get("/api/2.2/jobs/get", params=ask).status_code for _ in range(2))

    assert (early, later) == (404, 200)


def test_a_lost_answer_leaves_the_job_created(site: Site) -> None:
    arm(site, kind="after", method="POST", path="/api/2.2/jobs/create", status=503)

    lost = site.api.post("/api/2.2/jobs/create", json={"name": "twice"})
    site.create_job(name="twice")

    assert lost.status_code == 503
    assert len(site.get("/api/2.2/jobs/list", name="twice")["jobs"]) == 2
