"""The seeded world: its history, what is released, what the three workspaces run."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.github.hub import real_time
from sandbox.seed import seed
from sandbox.seeding.people import SeedingFailed
from sandbox.world import APPLICATION_IDS, TARGETS, World

SLUG = "acme/lakehouse"


def ask(world: World, path: str, login: str = "rita") -> Any:
    token = world.github.accounts[login].token
    answer = httpx.get(f"{world.github_url}/repos/{SLUG}{path}", headers={"Authorization": f"Bearer {token}"})
    assert answer.is_success, answer.text
    return answer.json()


def git(world: World, *arguments: str) -> str:
    path = world.folder / "github" / "repositories" / f"{SLUG}.git"
    done = subprocess.run(["git", *arguments], cwd=path, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def workspace(world: World, target: str, route: str, **query: str) -> httpx.Response:
    url = world.workspace_urls[target]
    who = world.workspaces[target].principal
    token = httpx.post(
        f"{url}/oidc/v1/token",
        auth=(who.application_id, who.client_secret),
        data={"grant_type": "client_credentials", "scope": "all-apis"},
    ).json()["access_token"]
    return httpx.get(f"{url}{route}", params=query, headers={"Authorization": f"Bearer {token}"})


def running_commit(world: World, target: str) -> str:
    who = APPLICATION_IDS[target]
    path = f"/Workspace/Users/{who}/.bundle/lakehouse/{target}/state/metadata.json"
    answer = workspace(world, target, "/api/2.0/workspace/export", path=path, direct_download="true")
    return str(json.loads(answer.content)["config"]["bundle"]["git"]["commit"])


def test_the_release_is_merged_tagged_and_published(world: World) -> None:
    commit = git(world, "rev-parse", "main")

    assert git(world, "cat-file", "-t", "refs/tags/1.3.0") == "tag"
    assert git(world, "rev-parse", "1.3.0^{commit}") == commit
    assert len(git(world, "show", "--no-patch", "--format=%P", commit).split()) == 2
    assert ask(world, "/releases/latest")["tag_name"] == "1.3.0"
    pull = ask(world, "/pulls/1")
    assert (pull["merged"], pull["merge_commit_sha"], pull["base"]["ref"]) == (True, commit, "main")


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_github_says_where_the_release_runs(world: World, environment: str) -> None:
    (found,) = ask(world, f"/deployments?environment={environment}")

    assert found["sha"] == git(world, "rev-parse", "1.3.0^{commit}")
    assert found["payload"]["release"] == "acme/lakehouse@1.3.0"
    assert ask(world, f"/deployments/{found['id']}/statuses")[0]["state"] == "success"


def test_develop_contains_main_and_four_merged_pull_requests_since(world: World) -> None:
    git(world, "merge-base", "--is-ancestor", "main", "develop")
    pulls = [ask(world, f"/pulls/{number}") for number in range(3, 7)]

    assert all(p["merged"] and p["base"]["ref"] == "develop" for p in pulls)
    assert len({p["user"]["login"] for p in pulls}) == 3
    assert [p["title"].partition("(")[0] for p in pulls] == ["feat", "feat", "fix", "refactor"]
    merges = git(world, "rev-list", "--first-parent", "--merges", "main..develop").split()
    assert set(merges) == {p["merge_commit_sha"] for p in pulls} | {
        ask(world, "/pulls/2")["merge_commit_sha"]
    }


def test_only_the_two_branches_are_left_and_nobody_pushes_to_them(world: World, tmp_path: Path) -> None:
    assert git(world, "for-each-ref", "--format=%(refname:short)", "refs/heads").split() == [
        "develop",
        "main",
    ]
    token = world.github.accounts["dabflow-bot"].token
    host = world.github_url.removeprefix("http://")
    url = f"http://x-access-token:{token}@{host}/{SLUG}.git"
    subprocess.run(["git", "clone", "-q", url, tmp_path / "clone"], check=True)
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    commit = ["git", *identity, "commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(commit, cwd=tmp_path / "clone", check=True)

    for branch in ("main", "develop"):
        push = ["git", "push", "origin", f"HEAD:{branch}"]
        refused = subprocess.run(push, cwd=tmp_path / "clone", capture_output=True, text=True, check=False)
        assert refused.returncode
        assert "protected" in refused.stderr.lower()


def test_the_history_lies_in_the_past(world: World) -> None:
    dates = [int(line) for line in git(world, "log", "--all", "--format=%ct").splitlines()]

    assert max(dates) < real_time().timestamp() - 86_400


def test_each_workspace_runs_a_commit_of_the_history(world: World) -> None:
    released, develop = git(world, "rev-parse", "1.3.0^{commit}"), git(world, "rev-parse", "develop")

    assert {target: running_commit(world, target) for target in TARGETS} == {
        "dev": develop,
        "staging": released,
        "prod": released,
    }


def test_production_still_has_the_job_that_develop_removed(world: World) -> None:
    def names(target: str) -> set[str]:
        jobs = workspace(world, target, "/api/2.2/jobs/list").json()["jobs"]
        return {job["settings"]["name"].rpartition(" ")[2] for job in jobs}

    assert names("prod") == names("staging") == {"daily_report", "legacy_export", "smoke_test"}
    assert names("dev") == {"daily_report", "order_quality", "smoke_test"}


def test_a_second_seed_changes_nothing(world: World) -> None:
    before = git(world, "for-each-ref")
    asked = len(world.github.control.requests)

    assert not seed(world)

    assert git(world, "for-each-ref") == before
    assert len(world.github.control.requests) == asked


def test_a_seed_that_broke_off_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    with World.open(tmp_path / "world") as world:
        world.github.create_repository("acme", "lakehouse")

        with pytest.raises(SeedingFailed, match="never finished"):
            seed(world)
