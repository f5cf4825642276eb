"""Job definitions come back as they were sent, so that a plan is empty after a deployment."""

from typing import Any

import pytest
from workspace_site import DEPLOYER, ROOT, Site

Json = dict[str, Any]

# Sent by `databricks bundle deploy` (1.14.0-dev) for a job of one task.
SENT: Json = {
    "deployment": {"kind": "BUNDLE", "metadata_file_path": f"{ROOT}/state/metadata.json"},
    "edit_mode": "UI_LOCKED",
    "environments": [{"environment_key": "default", "spec": {"environment_version": "4"}}],
    "format": "MULTI_TASK",
    "max_concurrent_runs": 1,
    "name": "[staging] smoke_test",
    "queue": {"enabled": True},
    "tasks": [
        {
            "environment_key": "default",
            "spark_python_task": {"python_file": f"{ROOT}/files/src/smoke.py"},
            "task_key": "smoke",
        }
    ],
}


def create(site: Site, **settings: object) -> int:
    return int(site.post("/api/2.2/jobs/create", {**SENT, **settings})["job_id"])


def settings_of(site: Site, job_id: int) -> Json:
    settings: Json = site.get("/api/2.2/jobs/get", job_id=job_id)["settings"]
    return settings


def task(key: str, *after: str, **more: object) -> Json:
    return {"task_key": key, "depends_on": [{"task_key": k} for k in after], **more}


def test_a_job_comes_back_as_the_recorded_workspace_shows_it(site: Site) -> None:
    """The answer that databricks 1.14.0-dev saw from Databricks' own test server, ids and times aside."""
    job_id = create(site)
    job = site.get("/api/2.2/jobs/get", job_id=job_id)
    created = job.pop("created_time")

    assert created > 0
    assert job == {
        "creator_user_name": DEPLOYER.application_id,
        "job_id": job_id,
        "run_as_user_name": DEPLOYER.application_id,
        "settings": {
            **SENT,
            "email_notifications": {},
            "tasks": [
                {
                    **SENT["tasks"][0],
                    "email_notifications": {},
                    "run_if": "ALL_SUCCESS",
                    "timeout_seconds": 0,
                }
            ],
            "timeout_seconds": 0,
            "webhook_notifications": {},
        },
    }


def test_run_as_is_shown(site: Site) -> None:
    job_id = create(site, run_as={"user_name": "rita@acme.example"})

    assert site.get("/api/2.2/jobs/get", job_id=job_id)["run_as_user_name"] == "rita@acme.example"


def test_reset_replaces_all_but_run_as(site: Site) -> None:
    job_id = create(site, run_as={"user_name": "rita@acme.example"}, description="old")

    site.post("/api/2.2/jobs/reset", {"job_id": job_id, "new_settings": {"name": "new"}})
    settings = settings_of(site, job_id)

    assert settings["name"] == "new"
    assert settings["run_as"] == {"user_name": "rita@acme.example"}
    assert not {"description", "tasks", "deployment"} & settings.keys()


def test_update_changes_a_part(site: Site) -> None:
    job_id = create(site, tasks=[task("a"), task("b", "a")], description="x")
    changed = {"max_concurrent_runs": 7, "tasks": [task("b", timeout_seconds=5), task("c")]}

    body = {"job_id": job_id, "new_settings": changed, "fields_to_remove": ["description", "tasks/a"]}
    site.post("/api/2.2/jobs/update", body)
    settings = settings_of(site, job_id)

    assert settings["max_concurrent_runs"] == 7
    assert [(t["task_key"], t["timeout_seconds"]) for t in settings["tasks"]] == [("b", 5), ("c", 0)]
    assert "description" not in settings


def test_a_deleted_job_is_404(site: Site) -> None:
    job_id = create(site)
    site.post("/api/2.2/jobs/delete", {"job_id": job_id})

    shown = site.api.get("/api/2.2/jobs/get", params={"job_id": job_id})
    again = site.api.post("/api/2.2/jobs/delete", json={"job_id": job_id})

    assert (shown.status_code, again.status_code) == (404, 404)
    assert shown.json()["message"] == f"Job {job_id} does not exist."


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        pytest.param([{}], "task_key is required", id="no key"),
        pytest.param([task("a"), task("a")], "unique within a job: a", id="twice"),
        pytest.param([task("a", "b")], "'a' depends on task 'b', which does not exist", id="missing"),
        pytest.param([task("a", "b"), task("b", "a")], "circle", id="circle"),
        pytest.param("a", "must be a list", id="no list"),
    ],
)
def test_tasks_that_cannot_be_are_refused(site: Site, tasks: object, message: str) -> None:
    answer = site.api.post("/api/2.2/jobs/create", json={**SENT, "tasks": tasks})

    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert message in answer.json()["message"]


def test_a_job_of_many_tasks_is_shown_page_by_page(site: Site) -> None:
    """100 tasks a page, as the real API does."""
    many = [task(f"t{n:03}") for n in range(150)]
    job_id = create(site, tasks=many, parameters=[{"name": "day", "default": "1"}])

    first = site.get("/api/2.2/jobs/get", job_id=job_id)
    second = site.get("/api/2.2/jobs/get", job_id=job_id, page_token=first["next_page_token"])

    assert (first["has_more"], "next_page_token" in second) == (True, False)
    assert [len(page["settings"]["tasks"]) for page in (first, second)] == [100, 50]
    assert second["settings"]["parameters"] == []


def test_the_list_filters_by_name_and_shows_the_deployment(site: Site) -> None:
    """Names may be there twice; the case of letters does not count."""
    wanted = [create(site), create(site)]
    create(site, name="another")

    found = site.get("/api/2.2/jobs/list", name="[STAGING] smoke_test")

    assert sorted(job["job_id"] for job in found["jobs"]) == wanted
    assert found["jobs"][0]["settings"]["deployment"] == SENT["deployment"]
    assert "tasks" not in found["jobs"][0]["settings"]
    assert "jobs" not in site.get("/api/2.2/jobs/list", name="nobody")


def test_the_list_comes_in_pages_newest_first(site: Site) -> None:
    ids = [create(site, name=f"j{n}") for n in range(5)]

    first = site.get("/api/2.2/jobs/list", limit=2, expand_tasks=True)
    second = site.get("/api/2.2/jobs/list", limit=2, page_token=first["next_page_token"])
    last = site.get("/api/2.2/jobs/list", limit=2, page_token=second["next_page_token"])

    pages = [[job["job_id"] for job in page["jobs"]] for page in (first, second, last)]
    assert [one for page in pages for one in page] == ids[::-1]
    assert [page["has_more"] for page in (first, second, last)] == [True, True, False]
    assert first["jobs"][0]["settings"]["tasks"][0]["task_key"] == "smoke"
    assert second["prev_page_token"] == "0"


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "many"}, {"page_token": "x"}])
def test_odd_pages_are_refused(site: Site, query: dict[str, str]) -> None:
    assert site.api.get("/api/2.2/jobs/list", params=query).status_code == 400


def test_ids_grow_and_fit_a_number_of_every_language(site: Site) -> None:
    ids = [create(site) for _ in range(5)]

    assert ids == sorted(set(ids))
    assert ids[-1] < 2**53
