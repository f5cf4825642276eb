"""Who is in a team, and who wrote the commits of a release, with the real PyGithub over HTTP."""

import httpx
import pytest
from github import Auth
from hub_place import SLUG, Place

from sandbox.github.render.people import APP_ID, INSTALLATION_ID
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.github_repo import GitHubRepo, Refused

pytest_plugins = ["hub_fixtures"]

TEAM = "/orgs/acme/teams/data-platform"


@pytest.fixture
def hub(place: Place) -> GitHubRepo:
    return GitHubRepo(SLUG)


# ---- teams


@pytest.mark.parametrize(
    ("team", "login", "expected"),
    [
        ("data-platform", "ravi", True),
        ("data-platform", "RAVI", True),
        ("data-platform", "rita", False),
        ("data-platform", "nobody-at-all", False),
        ("release-managers", "rita", True),
        ("release-managers", "ravi", False),
    ],
)
def test_in_team(hub: GitHubRepo, team: str, login: str, *, expected: bool) -> None:
    assert hub.in_team(team, login) is expected


def test_whoever_was_only_invited_is_no_member(place: Place, hub: GitHubRepo) -> None:
    place.hub.hub.state.teams[0].invited.append("rosa")

    assert not hub.in_team("data-platform", "rosa")


@pytest.mark.parametrize("team", ["data-platfrom", "Data Platform"])
def test_a_team_that_is_not_there_is_not_a_team_without_members(hub: GitHubRepo, team: str) -> None:
    with pytest.raises(NeedsHuman, match=f"no team {team} of acme") as stop:
        hub.in_team(team, "ravi")

    assert not isinstance(stop.value, Refused)
    assert "release.yaml" in stop.value.remedy


def test_a_team_that_we_may_not_see_is_not_a_team_without_members(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub hides an organisation's teams from outsiders: the same 404 as for somebody who is no member."""
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", place.token("oskar"))

    with pytest.raises(NeedsHuman, match="no team data-platform of acme") as stop:
        GitHubRepo(SLUG).in_team("data-platform", "ravi")

    assert "the token may read the organisation's members" in stop.value.remedy


def test_an_app_without_that_permission_is_told_which(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = Auth.AppAuth(APP_ID, place.hub.app_key()).create_jwt()
    signed = {"authorization": f"Bearer {signature}"}
    url = f"{place.url}/app/installations/{INSTALLATION_ID}/access_tokens"
    made = httpx.post(url, json={"permissions": {"contents": "read"}}, headers=signed)
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", made.json()["token"])

    with pytest.raises(NeedsHuman, match="GitHub refused our token") as stop:
        GitHubRepo(SLUG).in_team("data-platform", "ravi")

    assert stop.value.remedy == "give the token in DABFLOW_GITHUB_TOKEN members: read"


@pytest.mark.parametrize("path", [f"{TEAM}/memberships/rita", f"{TEAM}/members"])
def test_no_answer_is_not_no_member(place: Place, hub: GitHubRepo, path: str) -> None:
    place.arm("before", path)

    with pytest.raises(TryAgain, match="502"):
        hub.in_team("data-platform", "rita")


# ---- authors


def commit_as(place: Place, name: str, address: str, message: str = "chore: change") -> None:
    place.git("commit", "--quiet", "--allow-empty", "--author", f"{name} <{address}>", "-m", message)


def authors(place: Place, hub: GitHubRepo) -> set[str]:
    place.push("HEAD")
    return set(hub.authors_between("main", place.git("rev-parse", "HEAD")))


def test_nothing_new_has_no_authors(hub: GitHubRepo) -> None:
    assert hub.authors_between("main", "develop") == frozenset()


def test_authors_are_those_of_every_commit_and_of_merges(place: Place, hub: GitHubRepo) -> None:
    place.branch("topic")
    commit_as(place, "Rosa", "rosa@acme.example")
    place.branch("release/1.4.0")
    commit_as(place, "Ravi", "ravi@acme.example")
    place.git("merge", "--quiet", "--no-ff", "--no-commit", "topic")
    commit_as(place, "Rita", "rita@acme.example", "Merge topic")

    assert authors(place, hub) == {"ravi", "rosa", "rita"}


def test_authors_on_every_page(place: Place, hub: GitHubRepo) -> None:
    place.branch("release/1.4.0")
    commit_as(place, "Rosa", "rosa@acme.example")
    for _ in range(120):
        commit_as(place, "Ravi", "ravi@acme.example")
    commit_as(place, "Rita", "rita@acme.example")

    assert authors(place, hub) == {"ravi", "rosa", "rita"}


def test_an_address_of_no_account_has_no_login(place: Place, hub: GitHubRepo) -> None:
    place.branch("release/1.4.0")
    commit_as(place, "Somebody", "somebody@elsewhere.example")

    assert authors(place, hub) == set()


@pytest.mark.parametrize(
    ("trailer", "login"),
    [
        pytest.param("Co-authored-by: Ravi Rao <ravi@acme.example>", "ravi", id="wrote another commit of it"),
        pytest.param("co-authored-by: Rosa <ROSA@acme.example>", "rosa", id="wrote a commit before"),
        pytest.param("Co-Authored-By: O <12+oskar@users.noreply.github.com>", "oskar", id="hidden address"),
        pytest.param("Co-authored-by: O <oskar@users.noreply.github.com>", "oskar", id="hidden, of old"),
    ],
)
def test_co_authors_are_authors(place: Place, hub: GitHubRepo, trailer: str, login: str) -> None:
    commit_as(place, "Rosa", "rosa@acme.example")
    place.push("HEAD:develop", "HEAD:main")
    place.branch("release/1.4.0")
    commit_as(place, "Ravi", "ravi@acme.example")
    commit_as(place, "Rita", "rita@acme.example", f"feat: together\n\nWith help.\n\n{trailer}\n")

    assert authors(place, hub) == {"ravi", "rita", login}


def test_a_co_author_that_github_does_not_know_has_no_login(place: Place, hub: GitHubRepo) -> None:
    place.branch("release/1.4.0")
    trailer = "Co-authored-by: Somebody <somebody@elsewhere.example>"
    commit_as(place, "Rita", "rita@acme.example", f"feat: together\n\n{trailer}")

    assert authors(place, hub) == {"rita"}


def test_commits_that_github_does_not_list_stop_the_release(place: Place, hub: GitHubRepo) -> None:
    """It lists 10,000 at most; whoever wrote the others would pass for somebody who wrote none."""
    place.branch("release/1.4.0")
    commit_as(place, "Rita", "rita@acme.example")
    place.push("HEAD")
    said = hub._repo.compare("main", "release/1.4.0").raw_data | {"total_commits": 10_001}
    place.arm("refuse", f"/repos/{SLUG}/compare/.*", status=203, body=said)

    with pytest.raises(NeedsHuman, match="GitHub lists 1 of the 10001 commits of main"):
        hub.authors_between("main", "release/1.4.0")


def test_an_unknown_commit_is_not_an_empty_list(hub: GitHubRepo) -> None:
    with pytest.raises(Refused) as stop:
        hub.authors_between("main", "d" * 40)

    assert stop.value.status == 404


@pytest.mark.parametrize(
    "login", ["x/../rita", "x/../../collaborators/rita", "rita/permission?x", "rita#", ".", "rita\n"]
)
def test_a_way_to_somebody_is_nobody(hub: GitHubRepo, login: str) -> None:
    """It became part of an address: whoever asked as `x/../rita` could have approved it as rita."""
    assert hub.permission(login) == "none"
