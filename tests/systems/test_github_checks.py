"""Checks that a branch demands, and what they say about a commit."""

from datetime import UTC, datetime

import httpx
import pytest
from hub_place import SLUG, Place

from sandbox.github.records import Protection, Ruleset
from tasks.systems.github_repo import GitHubRepo

pytest_plugins = ["hub_fixtures"]


@pytest.fixture
def head(place: Place) -> str:
    return place.git("rev-parse", "HEAD")


def post(place: Place, path: str, **body: str) -> None:
    headers = {"authorization": f"Bearer {place.token('ravi')}"}
    httpx.post(f"{place.url}/repos/{SLUG}{path}", headers=headers, json=body).raise_for_status()


def test_a_branch_that_demands_nothing(place: Place) -> None:
    assert GitHubRepo(SLUG).required_checks("develop") == ()


def test_protection_and_rulesets_both_demand(place: Place) -> None:
    repository = place.hub.repository(SLUG)
    repository.protections["develop"] = Protection(contexts=["ci", "lint"])
    checks = {"required_status_checks": [{"context": "lint"}, {"context": "scan"}]}
    rules = [{"type": "required_status_checks", "parameters": checks}, {"type": "deletion"}]
    ruleset = Ruleset(
        id=1,
        name="checks",
        target="branch",
        enforcement="active",
        include=["refs/heads/develop"],
        rules=rules,
        created_at=datetime.now(UTC),
    )
    repository.rulesets.append(ruleset)

    assert GitHubRepo(SLUG).required_checks("develop") == ("ci", "lint", "scan")


def test_a_server_without_rulesets_demands_what_its_protection_does(place: Place) -> None:
    place.push("develop:release/1.5.0")
    place.hub.repository(SLUG).protections["release/1.5.0"] = Protection(contexts=["ci"])
    place.arm("refuse", f"/repos/{SLUG}/rules/.*", method="GET", status=404)

    assert GitHubRepo(SLUG).required_checks("release/1.5.0") == ("ci",)


def test_statuses_and_check_runs_alike(place: Place, head: str) -> None:
    for context, state in {"a": "success", "b": "error", "c": "pending", "d": "failure"}.items():
        post(place, f"/statuses/{head}", context=context, state=state)
    for name, conclusion in {"e": "neutral", "f": "timed_out", "g": "skipped"}.items():
        post(place, "/check-runs", name=name, head_sha=head, conclusion=conclusion)
    post(place, "/check-runs", name="h", head_sha=head, status="in_progress")

    said = GitHubRepo(SLUG).checks(head)

    assert said == {
        "a": "success",
        "b": "failure",
        "c": "pending",
        "d": "failure",
        "e": "success",
        "f": "failure",
        "g": "success",
        "h": "pending",
    }


def test_a_token_that_may_not_see_check_runs(place: Place, head: str) -> None:
    """A fine-grained personal token: nothing is concluded."""
    place.arm("refuse", f"/repos/{SLUG}/commits/.*/check-runs", method="GET", status=403)

    assert GitHubRepo(SLUG).checks(head) is None
