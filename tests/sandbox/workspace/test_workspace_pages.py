"""Pages to click: every link leads somewhere, and what people wrote is shown as text."""

import json
import re
from typing import Any

import pytest
from workspace_site import DEPLOYER, ROOT, Site

Json = dict[str, Any]
FILES = f"{ROOT}/files"
COMMIT = "5830d4f0c1d2e3a4b5c6d7e8f9a0b1c2d3e4f5a6"


@pytest.fixture
def deployed(site: Site) -> Json:
    """A workspace as it looks after a deployment and a few runs."""
    bundle = {"name": "lakehouse", "target": "staging", "git": {"branch": "main", "commit": COMMIT}}
    metadata = {"config": {"bundle": bundle, "resources": {"jobs": {"a": {}, "b": {}}}}}
    deployment = {"kind": "BUNDLE", "metadata_file_path": f"{ROOT}/state/metadata.json"}
    site.put_file(f"{ROOT}/state/metadata.json", json.dumps(metadata))
    site.put_file(f"{FILES}/smoke.py", "print('<b>smoke</b> ok')")
    site.put_file(f"{FILES}/bad.py", "raise ValueError('row count is 0')")
    site.put_file(f"{FILES}/nb.py", "# Databricks notebook source\ndbutils.notebook.exit('42 rows')")
    site.put_file(f"{FILES}/data.bin", b"\0\1")
    pipeline = {"name": "ingest", "catalog": "c", "libraries": [{"file": {"path": f"{FILES}/bad.py"}}]}
    pipeline_id = site.post("/api/2.0/pipelines", {**pipeline, "deployment": deployment})["pipeline_id"]
    smoke = site.create_job(
        {"task_key": "smoke", "spark_python_task": {"python_file": f"{FILES}/smoke.py"}},
        {"task_key": "nb", "notebook_task": {"notebook_path": f"{FILES}/nb"}},
        name="smoke <test>",
        deployment=deployment,
        edit_mode="UI_LOCKED",
        schedule={"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "UTC", "pause_status": "PAUSED"},
        parameters=[{"name": "day", "default": "monday"}],
        timeout_seconds=60,
    )
    daily = site.create_job(
        {"task_key": "bad", "spark_python_task": {"python_file": f"{FILES}/bad.py"}},
        {"task_key": "refresh", "pipeline_task": {"pipeline_id": pipeline_id}},
        {"task_key": "inner", "run_job_task": {"job_id": smoke}},
        {"task_key": "w", "python_wheel_task": {"package_name": "p", "entry_point": "e"}},
        {"task_key": "later", "depends_on": [{"task_key": "bad"}]},
        name="daily",
    )
    run_id = site.finish(site.start(daily))["run_id"]
    return {"daily": daily, "smoke": smoke, "run": run_id, "pipeline": pipeline_id}


def page(site: Site, path: str) -> str:
    answer = site.client().get(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.text


def test_every_link_leads_somewhere(site: Site, deployed: Json) -> None:
    seen: set[str] = set()
    todo = ["/"]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += re.findall(r'href="(/[^"]*)"', page(site, path))

    assert {f"/jobs/{deployed['daily']}", f"/pipelines/{deployed['pipeline']}"} <= seen
    assert f"/files{FILES}/bad.py" in seen
    assert len(seen) > 15


def test_the_first_page_says_what_is_deployed(site: Site, deployed: Json) -> None:
    site.put_file(f"{ROOT}/state/deploy.lock", json.dumps({"User": DEPLOYER.application_id}))
    home = page(site, "/")

    assert COMMIT[:10] in home
    assert "target staging" in home
    assert "smoke &lt;test&gt;" in home
    assert "A deployment by deployer is under way" in home
    assert [(d.bundle, d.commit, d.resources) for d in site.workspace.deployments()] == [
        ("lakehouse", COMMIT, 2)
    ]


def test_an_empty_workspace_has_a_first_page(site: Site) -> None:
    site.put_file(f"{ROOT}/state/metadata.json", "not json")

    assert "never finished" in page(site, "/")
    assert "Nothing has run yet" in page(site, "/")


def test_a_run_shows_the_output_of_each_task(site: Site, deployed: Json) -> None:
    run = page(site, f"/jobs/{deployed['daily']}/runs/{deployed['run']}?o=1")
    inner = re.search(r'href="(/jobs/runs/\d+)"', run)
    assert inner is not None
    smoke = page(site, inner[1])

    assert "ValueError: row count is 0" in run
    assert "upstream failed" in run
    assert "&lt;b&gt;smoke&lt;/b&gt; ok" in smoke
    assert "The notebook returned <code>42 rows</code>" in smoke


def test_a_page_of_an_active_run_looks_again(site: Site) -> None:
    site.put_file("/Shared/x.py", "import time; time.sleep(60)")
    task = {"task_key": "x", "spark_python_task": {"python_file": "/Shared/x.py"}}
    job_id = site.create_job(task)
    run_id = site.start(job_id)
    client = site.client()

    active = client.get(f"/jobs/{job_id}/runs/{run_id}")
    site.post("/api/2.2/jobs/runs/cancel", {"run_id": run_id})
    site.finish(run_id)
    over = client.get(f"/jobs/{job_id}/runs/{run_id}")

    assert active.headers["Refresh"] == "2"
    assert "Refresh" not in over.headers


def test_a_pipeline_page_shows_its_updates(site: Site, deployed: Json) -> None:
    update = site.get(f"/api/2.0/pipelines/{deployed['pipeline']}/updates")["updates"][0]["update_id"]
    shown = page(site, f"/pipelines/{deployed['pipeline']}/updates/{update}?o=1")

    assert "ValueError: row count is 0" in shown
    assert "by a job" in shown


def test_a_job_page_shows_its_settings(site: Site, deployed: Json) -> None:
    shown = page(site, f"/jobs/{deployed['smoke']}?w=1")

    assert "0 0 6 * * ? UTC (paused)" in shown
    assert "locked for editing here" in shown
    assert "monday" in shown


def test_files_are_shown_as_text(site: Site, deployed: Json) -> None:
    assert "print(&#39;&lt;b&gt;smoke" in page(site, f"/files{FILES}/smoke.py")
    assert "Not a text" in page(site, f"/files{FILES}/data.bin")
    assert "notebook" in page(site, f"/files{FILES}")


@pytest.mark.parametrize("path", ["/jobs/1", "/jobs/1/runs/1", "/jobs/runs/1", "/pipelines/x", "/files/no"])
def test_what_is_not_there_has_a_page_that_says_so(site: Site, path: str) -> None:
    answer = site.client().get(path)

    assert answer.status_code == 404
    assert "Not here" in answer.text


def test_the_old_links_are_sent_on_by_a_script_of_known_content(site: Site) -> None:
    """The policy of the page lets exactly this script run."""
    answer = site.client().get("/?o=1")
    script = answer.text.partition("<script>")[2].partition("</script>")[0]

    from sandbox.workspace.pages import _HASH, _SEND_ON

    assert script == _SEND_ON
    assert f"script-src 'sha256-{_HASH}'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/2.1/clusters/list"),
        ("POST", "/api/2.0/sql/warehouses"),
        ("DELETE", "/api/2.2/jobs/create"),
        ("GET", "/nowhere"),
    ],
)
def test_an_unknown_route_is_501_and_named(site: Site, method: str, path: str) -> None:
    answer = site.api.request(method, path)

    assert answer.status_code == 501
    assert f"{method} {path}" in answer.json()["message"]


def test_a_fault_of_the_sandbox_itself_is_told(site: Site) -> None:
    (site.home / "contents").rename(site.home / "elsewhere")

    answer = site.api.post("/api/2.0/workspace-files/import-file/Shared/x?overwrite=true", content="x")

    assert answer.status_code == 500
    assert "The sandbox failed at POST" in answer.json()["message"]


def test_small_things_are_answered(site: Site) -> None:
    assert site.post("/telemetry-ext", {"protoLogs": ["{}", "{}"]}) == {"errors": [], "numProtoSuccess": 2}
    assigned = site.get("/api/2.1/unity-catalog/current-metastore-assignment")
    assert str(assigned["workspace_id"]) == site.workspace.parts.workspace_id
