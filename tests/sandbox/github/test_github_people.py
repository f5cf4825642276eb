"""Teams and who may see them, and accounts that are gone."""

import pytest
from github_site import SLUG, Site, Work

from sandbox.github.server import GitHub

pytest_plugins = ["github_fixtures"]

TEAM = "/orgs/acme/teams/data-platform"


def membership(site: Site, login: str, *, asked_by: str = "dabflow-bot", team: str = TEAM) -> int | str:
    answer = site.http(asked_by).get(f"{team}/memberships/{login}")
    return str(answer.json()["state"]) if answer.status_code == 200 else answer.status_code


def members(site: Site) -> list[str]:
    return [member["login"] for member in site.http().get(f"{TEAM}/members").json()]


@pytest.mark.parametrize(
    ("login", "expected"),
    [("rosa", "active"), ("Rosa", "active"), ("rita", 404), ("nobody", 404)],
)
def test_membership(site: Site, login: str, expected: int | str) -> None:
    assert membership(site, login) == expected


def test_whoever_was_only_invited_is_no_member_yet(site: Site) -> None:
    site.hub.hub.state.teams[0].invited.append("rosa")

    assert membership(site, "rosa") == "pending"
    assert members(site) == ["ravi"]


@pytest.mark.parametrize(
    ("asked_by", "team"),
    [
        ("oskar", TEAM),
        ("dabflow-bot", "/orgs/acme/teams/gone"),
        ("dabflow-bot", "/orgs/other/teams/data-platform"),
    ],
)
def test_a_team_that_is_hidden_is_like_one_that_is_not_there(site: Site, asked_by: str, team: str) -> None:
    assert membership(site, "rosa", asked_by=asked_by, team=team) == 404
    assert site.http(asked_by).get(f"{team}/members").status_code == 404


def test_permissions_know_no_capitals(site: Site) -> None:
    assert site.repo().get_collaborator_permission("RITA") == "write"


def test_the_review_of_a_deleted_account_is_nobodys(site: Site, work: Work) -> None:
    work.branch("release/1.0.0")
    work.commit("a.txt", "a")
    work.push("release/1.0.0")
    pull = site.repo().create_pull(base="main", head="release/1.0.0", title="Release", body="")
    site.repo("rosa").get_pull(pull.number).create_review(event="APPROVE")

    site.hub.delete_account("rosa")

    (review,) = site.http().get(f"/repos/{SLUG}/pulls/1/reviews").json()
    assert (review["user"], review["state"]) == (None, "APPROVED")
    assert site.http().get(f"/{SLUG}/pull/1").status_code == 200
    assert "rosa" not in members(site)
    assert membership(site, "rosa") == 404
    assert "rosa" not in GitHub.open(site.home / "github").accounts
