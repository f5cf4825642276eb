"""What every answer of the REST routes has in common, and what goes wrong on demand."""

import json
import stat

import httpx
import pytest
from github import GithubException
from github_site import SLUG, Site, Work

from sandbox.github.render.people import APP_ID, INSTALLATION_ID
from sandbox.github.server import GitHub

pytest_plugins = ["github_fixtures"]

R = f"/repos/{SLUG}"


def test_who_calls_is_told_by_the_token(site: Site) -> None:
    for login in ("dabflow-bot", "rita", "oskar"):
        user = site.client(login).get_user()
        assert (user.login, user.type) == (login, "Bot" if login == "dabflow-bot" else "User")


@pytest.mark.parametrize(
    ("token", "said"), [("", "Requires authentication"), ("wrong", "Bad credentials")], ids=["none", "wrong"]
)
def test_without_a_valid_token_there_is_no_answer(site: Site, token: str, said: str) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}

    answer = httpx.get(f"{site.url}/user", headers=headers)

    assert (answer.status_code, answer.json()["message"]) == (401, said)


def test_a_missing_right_is_named(site: Site) -> None:
    answer = site.http("oskar").post(f"{R}/git/refs", json={"ref": "refs/heads/x", "sha": "0" * 40})

    assert answer.status_code == 403
    assert answer.headers["x-accepted-github-permissions"] == "contents=write"


def test_what_one_may_not_see_is_not_there(site: Site) -> None:
    site.hub.set_role(SLUG, "oskar", "none")

    assert site.http("oskar").get(R).status_code == 404


@pytest.mark.parametrize(
    ("login", "permission", "role"), [("rita", "write", "maintain"), ("oskar", "read", "read")]
)
def test_the_permission_of_a_person(site: Site, login: str, permission: str, role: str) -> None:
    repo = site.repo()

    assert repo.get_collaborator_permission(login) == permission
    assert repo.get_collaborator_role_name(login) == role


def test_an_unknown_route_is_refused_by_its_name(site: Site) -> None:
    answer = site.http().get(f"{R}/projects")

    assert answer.status_code == 501
    assert answer.json()["message"] == f"The sandbox has no route GET {R}/projects"


def test_an_unchanged_answer_is_not_sent_again(site: Site) -> None:
    repo = site.repo()
    assert repo.update() is False

    site.hub.configure(SLUG, delete_branch_on_merge=True)

    assert repo.update() is True
    assert repo.delete_branch_on_merge


def test_addresses_are_those_the_caller_used(site: Site) -> None:
    answer = site.http().get(R, headers={"host": "github.example:4000"}).json()

    assert answer["url"] == f"http://github.example:4000{R}"


def test_lists_come_in_pages(site: Site, work: Work) -> None:
    for number in range(5):
        work.push(f"HEAD:refs/heads/feature/{number}")

    first = site.http().get(f"{R}/branches?per_page=3&page=2&protected=false")

    assert [b["name"] for b in first.json()] == ["feature/2", "feature/3", "feature/4"]
    links = {rel: link["url"].rpartition("?")[2] for rel, link in first.links.items()}
    assert links == {
        rel: f"per_page=3&page={page}&protected=false"
        for rel, page in {"first": 1, "prev": 1, "next": 3, "last": 3}.items()
    }
    assert len(list(site.repo().get_branches())) == 7


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"x"'])
def test_a_body_that_is_no_json_object_is_refused(site: Site, body: bytes) -> None:
    assert site.http().post(f"{R}/pulls", content=body).status_code == 400


def test_an_empty_repository_says_so(site: Site) -> None:
    site.hub.create_repository("acme", "empty")
    repo = site.client("dabflow-bot").get_repo("acme/empty")

    with pytest.raises(GithubException) as refused:
        repo.get_git_ref("heads/main")

    assert refused.value.status == 409


def test_the_app_acts_as_the_bot(site: Site) -> None:
    from github import Auth, Github

    signer = Auth.AppAuth(APP_ID, site.hub.app_key())
    auth = Auth.AppInstallationAuth(signer, INSTALLATION_ID, {"contents": "write"})
    client = Github(auth=auth, base_url=site.url, seconds_between_requests=None, seconds_between_writes=None)
    repo = client.get_repo(SLUG)

    assert repo.get_git_ref("heads/main").ref == "refs/heads/main"
    with pytest.raises(GithubException) as refused:
        repo.create_pull(base="main", head="develop", title="x")
    assert refused.value.status == 403


# -- what is kept


def test_everything_survives_a_stop(site: Site, work: Work) -> None:
    work.branch("feature/a")
    work.commit("a.txt", "a")
    work.push("feature/a")
    pull = site.repo("ravi").create_pull(base="develop", head="feature/a", title="feat: a")
    pull.create_issue_comment("hello")

    again = GitHub.open(site.home / "github")

    assert again.hub.state == site.hub.hub.state
    assert again.accounts["rita"].token == site.token("rita")


def test_tokens_are_kept_from_others_and_out_of_the_records(site: Site) -> None:
    home = site.home / "github"

    for name in ("tokens.json", "state.json"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert site.token("rita") in (home / "tokens.json").read_text(encoding="utf-8")
    assert site.token("rita") not in (home / "state.json").read_text(encoding="utf-8")


def test_every_request_is_recorded_with_its_caller(site: Site, work: Work) -> None:
    site.repo("rosa").get_branch("main")
    work.push("HEAD:refs/heads/feature/a")

    said = site.http().get("/_sandbox/requests").json()

    assert ("GET", f"{R}/branches/main", "rosa") in [(r["method"], r["path"], r["caller"]) for r in said]
    assert any(r["path"].endswith("git-receive-pack") and r["caller"] == "ravi" for r in said)
    assert site.token("rosa") not in json.dumps(said)


# -- faults


def arm(site: Site, **fault: object) -> None:
    assert site.http().post("/_sandbox/faults", json=fault).status_code == 201


def test_a_late_write_is_not_seen_at_first(site: Site, work: Work) -> None:
    arm(site, kind="late", method="POST", path=f"{R}/git/refs", reads=2)
    repo = site.repo()
    http = site.http()

    repo.create_git_ref("refs/heads/late", work.head())

    seen = [http.get(f"{R}/git/ref/heads/late").status_code for _ in range(3)]
    assert seen == [404, 404, 200]


def test_a_late_merge_shows_the_world_before_it(site: Site, work: Work) -> None:
    work.branch("feature/a")
    work.commit("a.txt", "a")
    work.push("feature/a")
    pull = site.repo().create_pull(base="develop", head="feature/a", title="feat: a")
    arm(site, kind="late", method="PUT", path=f"{R}/pulls/1/merge", reads=3)
    before = work.head("origin/develop")

    merged = pull.merge()

    repo = site.http()
    assert repo.get(f"{R}/pulls/1").json()["merged"] is False
    assert repo.get(f"{R}/branches/develop").json()["commit"]["sha"] == before
    assert repo.get(f"{R}/git/matching-refs/heads/develop").json()[0]["object"]["sha"] == before
    assert repo.get(f"{R}/branches/develop").json()["commit"]["sha"] == merged.sha
    assert repo.get(f"{R}/pulls/1").json()["merged"] is True


def test_a_lost_answer_was_a_deed_all_the_same(site: Site, work: Work) -> None:
    arm(site, kind="after", method="POST", path=f"{R}/git/refs", status=502)
    with pytest.raises(GithubException) as failed:
        site.repo().create_git_ref("refs/heads/done", work.head())
    assert failed.value.status == 502

    assert site.repo().get_git_ref("heads/done").object.sha == work.head()


def test_a_push_whose_answer_is_lost_has_arrived(site: Site, work: Work) -> None:
    arm(site, kind="after", method="POST", path=".*git-receive-pack", status=502)

    assert work.push("HEAD:refs/heads/done", check=False).returncode != 0

    assert site.repo().get_git_ref("heads/done").object.sha == work.head()
