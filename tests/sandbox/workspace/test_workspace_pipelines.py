"""Pipelines come back as they were sent, and their updates run their files."""

from typing import Any

import pytest
from workspace_site import DEPLOYER, ROOT, Site, until

Json = dict[str, Any]
PIPELINES = "/api/2.0/pipelines"
FILES = f"{ROOT}/files"

# Sent by `databricks bundle deploy` (1.14.0-dev).
SENT: Json = {
    "catalog": "staging",
    "channel": "CURRENT",
    "deployment": {"kind": "BUNDLE", "metadata_file_path": f"{ROOT}/state/metadata.json"},
    "edition": "ADVANCED",
    "libraries": [{"file": {"path": f"{FILES}/src/ingest.py"}}],
    "name": "[staging] ingest",
    "schema": "bronze",
    "serverless": True,
}


def create(site: Site, **settings: object) -> str:
    return str(site.post(PIPELINES, {**SENT, **settings})["pipeline_id"])


def update(site: Site, pipeline_id: str) -> tuple[str, str]:
    """A finished update of the pipeline: its id and its state."""
    update_id = site.post(f"{PIPELINES}/{pipeline_id}/updates", {})["update_id"]
    over = {"COMPLETED", "FAILED", "CANCELED"}
    seen = until(
        lambda: dict(site.get(f"{PIPELINES}/{pipeline_id}/updates/{update_id}")["update"]),
        lambda update: update["state"] in over,
    )
    return update_id, seen["state"]


def events(site: Site, pipeline_id: str, text: str) -> list[Json]:
    found: list[Json] = site.get(f"{PIPELINES}/{pipeline_id}/events", filter=text, max_results=100)["events"]
    return found


def test_a_pipeline_comes_back_as_the_recorded_workspace_shows_it(site: Site) -> None:
    """As databricks 1.14.0-dev saw it from Databricks' own test server, ids and times aside."""
    pipeline_id = create(site)
    pipeline = site.get(f"{PIPELINES}/{pipeline_id}")
    changed = pipeline.pop("last_modified")

    assert changed > 0
    assert pipeline == {
        "creator_user_name": DEPLOYER.application_id,
        "effective_publishing_mode": "DEFAULT_PUBLISHING_MODE",
        "name": "[staging] ingest",
        "pipeline_id": pipeline_id,
        "run_as_user_name": DEPLOYER.application_id,
        "spec": {**SENT, "id": pipeline_id},
        "state": "IDLE",
    }


def test_run_as_and_parameters_stand_beside_the_spec(site: Site) -> None:
    """And an edit that leaves `run_as` out does not take it away."""
    run_as = {"user_name": "rita@acme.example"}
    pipeline_id = create(site, run_as=run_as, parameters={"day": "1"})
    first = site.get(f"{PIPELINES}/{pipeline_id}")
    site.api.put(f"{PIPELINES}/{pipeline_id}", json={**SENT, "name": "renamed"})
    second = site.get(f"{PIPELINES}/{pipeline_id}")

    assert (first["run_as"], first["parameters"]) == (run_as, {"day": "1"})
    assert first["run_as_user_name"] == "rita@acme.example"
    assert "run_as" not in first["spec"]
    assert (second["name"], second["run_as"]) == ("renamed", run_as)
    assert "parameters" not in second


def test_without_a_catalog_there_is_a_storage(site: Site) -> None:
    pipeline_id = create(site, catalog="")

    assert site.get(f"{PIPELINES}/{pipeline_id}")["spec"]["storage"] == f"dbfs:/pipelines/{pipeline_id}"


def test_a_deleted_pipeline_is_404(site: Site) -> None:
    pipeline_id = create(site)

    assert site.api.delete(f"{PIPELINES}/{pipeline_id}").status_code == 200
    answer = site.api.get(f"{PIPELINES}/{pipeline_id}")

    assert answer.status_code == 404
    assert answer.json()["message"] == f"The specified pipeline {pipeline_id} was not found."
    assert site.api.delete(f"{PIPELINES}/{pipeline_id}").status_code == 404


def test_pipelines_are_listed_and_filtered_by_name(site: Site) -> None:
    ids = [create(site, name=name) for name in ("[staging] ingest", "[staging] export", "other")]

    found = site.get(PIPELINES, filter="name LIKE '[staging]%'")["statuses"]
    page = site.get(PIPELINES, max_results=2)
    rest = site.get(PIPELINES, max_results=2, page_token=page["next_page_token"])

    assert {one["pipeline_id"] for one in found} == set(ids[:2])
    assert len(page["statuses"]) + len(rest["statuses"]) == 3
    assert "next_page_token" not in rest
    assert site.get(PIPELINES, filter="name LIKE 'nobody'") == {}
    assert site.api.get(PIPELINES, params={"filter": "size > 3"}).status_code == 400


def test_an_update_runs_files_and_notebooks_in_order(site: Site) -> None:
    site.put_file(f"{FILES}/src/helper.py", "X = 42")
    site.put_file(f"{FILES}/src/ingest.py", "import helper; print('file', helper.X)")
    site.put_file(f"{FILES}/src/nb.py", "# Databricks notebook source\nprint('notebook')")
    libraries = [
        {"file": {"path": f"{FILES}/src/ingest.py"}},
        {"notebook": {"path": f"{FILES}/src/nb"}},
        {"glob": {"include": f"{FILES}/more/**"}},
    ]
    site.put_file(f"{FILES}/more/x.py", "print('glob')")
    pipeline_id = create(site, libraries=libraries)

    update_id, state = update(site, pipeline_id)

    assert state == "COMPLETED"
    assert site.workspace.state.log(update_id).read_text() == "file 42\nnotebook\nglob\n"
    assert site.get(f"{PIPELINES}/{pipeline_id}")["state"] == "IDLE"
    messages = [event["message"] for event in events(site, pipeline_id, f"update_id = '{update_id}'")]
    short = update_id[:6]
    assert messages == [f"Update {short} is {word}." for word in ("COMPLETED", "RUNNING", "QUEUED")]


@pytest.mark.parametrize(
    ("source", "libraries", "told"),
    [
        ("1 / 0", SENT["libraries"], "ZeroDivisionError: division by zero"),
        ("", [{"file": {"path": "/Shared/gone.py"}}], "/Shared/gone.py does not exist"),
        ("", [{"jar": "x.jar"}], "does not run this library of a pipeline: jar"),
    ],
)
def test_a_failing_update_tells_why(site: Site, source: str, libraries: list[Json], told: str) -> None:
    site.put_file(f"{FILES}/src/ingest.py", source)
    pipeline_id = create(site, libraries=libraries)

    update_id, state = update(site, pipeline_id)
    errors = events(site, pipeline_id, "level='ERROR'")

    assert state == "FAILED"
    assert site.get(f"{PIPELINES}/{pipeline_id}")["state"] == "FAILED"
    assert [event["origin"]["update_id"] for event in errors] == [update_id]
    assert told in errors[0]["error"]["exceptions"][0]["message"]


def test_a_pipeline_is_updated_once_at_a_time_and_can_be_stopped(site: Site) -> None:
    site.put_file(f"{FILES}/src/ingest.py", "import time; time.sleep(60)")
    pipeline_id = create(site)
    update_id = site.post(f"{PIPELINES}/{pipeline_id}/updates", {})["update_id"]

    second = site.api.post(f"{PIPELINES}/{pipeline_id}/updates", json={})
    busy = site.get(f"{PIPELINES}/{pipeline_id}")["state"]
    site.post(f"{PIPELINES}/{pipeline_id}/stop", {})
    until(
        lambda: dict(site.get(f"{PIPELINES}/{pipeline_id}/updates/{update_id}")["update"]),
        lambda update: update["state"] == "CANCELED",
    )

    assert (second.status_code, busy) == (400, "RUNNING")
    assert site.get(f"{PIPELINES}/{pipeline_id}")["state"] == "IDLE"
    updates = site.get(f"{PIPELINES}/{pipeline_id}/updates")["updates"]
    assert [one["update_id"] for one in updates] == [update_id]


def test_a_continuous_pipeline_goes_on_and_begins_again_when_it_is_edited(site: Site) -> None:
    """It restarts even if the edit changes nothing (databricks/cli#6745)."""
    site.put_file(f"{FILES}/src/ingest.py", "print('one batch')")
    pipeline_id = create(site, continuous=True)
    first = site.post(f"{PIPELINES}/{pipeline_id}/updates", {})["update_id"]
    until(
        lambda: dict(site.get(f"{PIPELINES}/{pipeline_id}/updates/{first}")["update"]),
        lambda update: update["state"] == "RUNNING",
    )

    edited = site.api.put(f"{PIPELINES}/{pipeline_id}", json={**SENT, "continuous": True})
    assert edited.status_code == 200
    until(
        lambda: dict(site.get(f"{PIPELINES}/{pipeline_id}/updates/{first}")["update"]),
        lambda update: update["state"] == "CANCELED",
    )

    shown = site.get(f"{PIPELINES}/{pipeline_id}")
    assert (shown["state"], shown["spec"]["continuous"]) == ("RUNNING", True)
    newest = site.get(f"{PIPELINES}/{pipeline_id}/updates")["updates"][0]["update_id"]
    assert newest != first
    site.post(f"{PIPELINES}/{pipeline_id}/stop", {})


def test_a_job_refreshes_a_pipeline(site: Site) -> None:
    site.put_file(f"{FILES}/src/ingest.py", "print('fresh')")
    pipeline_id = create(site)

    run = site.run_job({"task_key": "refresh", "pipeline_task": {"pipeline_id": pipeline_id}})
    site.put_file(f"{FILES}/src/ingest.py", "1 / 0")
    failed = site.run_job({"task_key": "refresh", "pipeline_task": {"pipeline_id": pipeline_id}})

    updates = site.get(f"{PIPELINES}/{pipeline_id}/updates")["updates"]
    assert [one["state"] for one in updates] == ["FAILED", "COMPLETED"]
    assert {one["cause"] for one in updates} == {"JOB_TASK"}
    assert run["state"]["result_state"] == "SUCCESS"
    assert "is FAILED" in failed["state"]["state_message"]


def test_cancelling_the_run_cancels_its_update(site: Site) -> None:
    site.put_file(f"{FILES}/src/ingest.py", "import time; time.sleep(60)")
    pipeline_id = create(site)
    task = {"task_key": "refresh", "pipeline_task": {"pipeline_id": pipeline_id}}
    run_id = site.start(site.create_job(task))
    until(lambda: site.get(f"{PIPELINES}/{pipeline_id}"), lambda seen: seen["state"] == "RUNNING")

    site.post("/api/2.2/jobs/runs/cancel", {"run_id": run_id})
    site.finish(run_id)

    assert site.get(f"{PIPELINES}/{pipeline_id}/updates")["updates"][0]["state"] == "CANCELED"


def test_unknown_updates_and_filters_are_refused(site: Site) -> None:
    pipeline_id = create(site)

    assert site.api.get(f"{PIPELINES}/{pipeline_id}/updates/nope").status_code == 404
    odd = site.api.get(f"{PIPELINES}/{pipeline_id}/events", params={"filter": "a like b"})
    assert odd.status_code == 400
