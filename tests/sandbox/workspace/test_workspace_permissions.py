"""Who may do what; refusals have the workspace's own shape."""

from typing import Any

import httpx
import pytest
from workspace_site import DEPLOYER, HOME, ROOT, Site

from sandbox.workspace.server import Principal

Json = dict[str, Any]
JOB = {"name": "a job", "tasks": []}
OSKAR = "oskar@acme.example"


@pytest.fixture
def oskar(site: Site) -> httpx.Client:
    """Somebody without any rights of his own."""
    return site.client(site.workspace.person(OSKAR, admin=False))


def grant(site: Site, thing: str, *entries: Json) -> Json:
    answer = site.api.put(f"/api/2.0/permissions/{thing}", json={"access_control_list": list(entries)})
    assert answer.status_code == 200, answer.text
    granted: Json = answer.json()
    return granted


OWNER = {"service_principal_name": DEPLOYER.application_id, "permission_level": "IS_OWNER"}


def test_without_rights_everything_is_refused(site: Site, oskar: httpx.Client) -> None:
    site.put_file(f"{ROOT}/state/resources.json", "{}")
    site.put_file("/Shared/x.py", "print(1)")
    job_id = site.create_job()
    run_id = site.start(job_id)
    pipeline_id = site.post("/api/2.0/pipelines", {"name": "p"})["pipeline_id"]
    lock = f"/api/2.0/workspace-files/import-file{ROOT}/state/deploy.lock?overwrite=false"

    refused = [
        oskar.get("/api/2.0/workspace/get-status", params={"path": f"{ROOT}/state/resources.json"}),
        oskar.get("/api/2.0/workspace/export", params={"path": f"{ROOT}/state/resources.json"}),
        oskar.post(lock, content="{}"),
        oskar.post("/api/2.0/workspace/mkdirs", json={"path": f"{ROOT}/x"}),
        oskar.post("/api/2.0/workspace/delete", json={"path": ROOT, "recursive": True}),
        oskar.get("/api/2.2/jobs/get", params={"job_id": job_id}),
        oskar.post("/api/2.2/jobs/reset", json={"job_id": job_id, "new_settings": JOB}),
        oskar.post("/api/2.2/jobs/delete", json={"job_id": job_id}),
        oskar.post("/api/2.2/jobs/run-now", json={"job_id": job_id}),
        oskar.get("/api/2.2/jobs/runs/get", params={"run_id": run_id}),
        oskar.post("/api/2.2/jobs/runs/cancel", json={"run_id": run_id}),
        oskar.get(f"/api/2.0/pipelines/{pipeline_id}"),
        oskar.post(f"/api/2.0/pipelines/{pipeline_id}/updates", json={}),
        oskar.get(f"/api/2.0/permissions/jobs/{job_id}"),
    ]

    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert {answer.json()["error_code"] for answer in refused} == {"PERMISSION_DENIED"}
    assert "does not have Edit permissions on" in refused[2].json()["message"]
    assert oskar.get("/api/2.2/jobs/list").json() == {"has_more": False}
    assert oskar.get("/api/2.2/jobs/runs/list").json() == {"has_more": False}
    assert oskar.get("/api/2.0/pipelines").json() == {}


def test_what_one_creates_is_ones_own(site: Site, oskar: httpx.Client) -> None:
    job_id = oskar.post("/api/2.2/jobs/create", json=JOB).json()["job_id"]
    mine = f"/Workspace/Users/{OSKAR}/a.txt"

    shown = oskar.get("/api/2.2/jobs/get", params={"job_id": job_id}).json()
    wrote = oskar.post(f"/api/2.0/workspace-files/import-file{mine}?overwrite=true", content="x")

    assert shown["creator_user_name"] == OSKAR
    assert wrote.status_code == 200
    assert oskar.post("/api/2.2/jobs/delete", json={"job_id": job_id}).status_code == 200


@pytest.mark.parametrize(
    ("level", "see", "run", "change"),
    [("CAN_VIEW", 200, 403, 403), ("CAN_MANAGE_RUN", 200, 200, 403), ("CAN_MANAGE", 200, 200, 200)],
)
def test_a_level_allows_what_it_says(
    site: Site, oskar: httpx.Client, level: str, see: int, run: int, change: int
) -> None:
    job_id = site.create_job()
    grant(site, f"jobs/{job_id}", OWNER, {"user_name": OSKAR, "permission_level": level})

    answers = [
        oskar.get("/api/2.2/jobs/get", params={"job_id": job_id}),
        oskar.post("/api/2.2/jobs/run-now", json={"job_id": job_id}),
        oskar.post("/api/2.2/jobs/update", json={"job_id": job_id, "new_settings": {"name": "n"}}),
    ]

    assert [answer.status_code for answer in answers] == [see, run, change]


def test_rights_on_a_folder_go_for_all_in_it(site: Site, oskar: httpx.Client) -> None:
    site.put_file(f"{ROOT}/state/metadata.json", "{}")
    folder = site.get("/api/2.0/workspace/get-status", path=ROOT)["object_id"]
    path = {"path": f"{ROOT}/state/metadata.json"}
    grant(site, f"directories/{folder}", {"group_name": "users", "permission_level": "CAN_READ"})

    read = oskar.get("/api/2.0/workspace/get-status", params=path)
    write = oskar.post("/api/2.0/workspace/delete", json=path)
    grant(site, f"directories/{folder}", {"user_name": OSKAR, "permission_level": "CAN_EDIT"})
    edit = oskar.post("/api/2.0/workspace/delete", json=path)

    assert [read.status_code, write.status_code, edit.status_code] == [200, 403, 200]


def test_a_list_shows_the_owner_and_the_admins(site: Site) -> None:
    job_id = site.create_job()

    shown = site.get(f"/api/2.0/permissions/jobs/{job_id}")

    assert (shown["object_id"], shown["object_type"]) == (f"/jobs/{job_id}", "job")
    assert shown["access_control_list"] == [
        {
            "service_principal_name": DEPLOYER.application_id,
            "display_name": DEPLOYER.application_id,
            "all_permissions": [{"permission_level": "IS_OWNER", "inherited": False}],
        },
        {
            "group_name": "admins",
            "all_permissions": [{"permission_level": "CAN_MANAGE", "inherited": True}],
        },
    ]


def test_patch_adds_and_put_replaces(site: Site) -> None:
    job_id = site.create_job()
    path = f"/api/2.0/permissions/jobs/{job_id}"
    team = {"group_name": "data-engineers", "permission_level": "CAN_MANAGE"}

    added = site.api.patch(path, json={"access_control_list": [team]}).json()
    replaced = grant(site, f"jobs/{job_id}", OWNER)

    assert [_who(entry) for entry in added["access_control_list"]] == [
        DEPLOYER.application_id,
        "data-engineers",
        "admins",
    ]
    assert [_who(entry) for entry in replaced["access_control_list"]] == [DEPLOYER.application_id, "admins"]


def _who(entry: Json) -> str:
    return str(entry.get("group_name") or entry.get("user_name") or entry.get("service_principal_name"))


@pytest.mark.parametrize(
    ("thing", "entries", "message"),
    [
        ("jobs", [], "The job must have exactly one owner."),
        ("jobs", [OWNER, {"user_name": OSKAR, "permission_level": "IS_OWNER"}], "exactly one owner"),
        ("pipelines", [], "The pipeline must have exactly one owner."),
        ("jobs", [{"permission_level": "CAN_VIEW"}], "must name a user, group or service principal"),
        ("jobs", [{"user_name": OSKAR, "permission_level": "CAN_FLY"}], "Unknown permission level: CAN_FLY"),
        ("clusters", [], "not recognized: clusters"),
    ],
)
def test_lists_that_cannot_be_are_refused(site: Site, thing: str, entries: list[Json], message: str) -> None:
    ids = {
        "jobs": str(site.create_job()),
        "pipelines": site.post("/api/2.0/pipelines", {"name": "p"})["pipeline_id"],
    }
    path = f"/api/2.0/permissions/{thing}/{ids.get(thing, '1')}"

    answer = site.api.put(path, json={"access_control_list": entries})

    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_permissions_of_a_missing_thing_are_404(site: Site) -> None:
    assert site.api.get("/api/2.0/permissions/jobs/1").status_code == 404


def test_a_deployer_can_lose_its_rights(site: Site) -> None:
    """What a release sees when somebody took the service principal out of the admins."""
    site.workspace.people.set_admin(DEPLOYER.application_id, admin=False)
    job_id = site.client(site.workspace.person("rita@acme.example")).post("/api/2.2/jobs/create", json=JOB)

    answer = site.api.get("/api/2.2/jobs/get", params=job_id.json())

    assert answer.status_code == 403
    assert answer.json()["message"] == (
        f"User {DEPLOYER.application_id} does not have View or Admin or Manage Run or Owner permissions "
        f"on job {job_id.json()['job_id']}"
    )


def test_a_second_service_principal_has_a_home_of_its_own(site: Site) -> None:
    other = Principal("99999999-0000-4000-8000-000000000000", "its-secret", "somebody else")
    site.workspace.admit(other, admin=False)
    form = {"grant_type": "client_credentials"}
    granted = site.client().post("/oidc/v1/token", data=form, auth=(other.application_id, "its-secret"))
    client = site.client(granted.json()["access_token"])

    mine = client.get("/api/2.0/workspace/get-status", params={"path": f"/Users/{other.application_id}"})
    theirs = client.get("/api/2.0/workspace/get-status", params={"path": HOME})

    assert (mine.status_code, theirs.status_code) == (200, 403)


def test_somebody_changes_a_job_by_hand(site: Site) -> None:
    job_id = site.create_job(max_concurrent_runs=1)
    rita = site.client(site.workspace.person("rita@acme.example"))

    rita.post("/api/2.2/jobs/update", json={"job_id": job_id, "new_settings": {"max_concurrent_runs": 7}})
    job = site.get("/api/2.2/jobs/get", job_id=job_id)

    assert job["settings"]["max_concurrent_runs"] == 7
    assert job["creator_user_name"] == DEPLOYER.application_id
