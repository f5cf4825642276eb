"""What must be so after a release, on the servers themselves."""

import httpx
from playing import SLUG, People

from sandbox.world import World
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace

ROOT = "/Workspace/Users/{}/.bundle/lakehouse/{}"


def what_runs(target: str) -> str | None:
    known = target_of(target)
    return Workspace(known).deployed_commit(ROOT.format(known.client_id, target))


def assert_released_once(world: World, people: People, version: str = "1.4.0") -> None:
    """One branch's merge, one tag, one release, one deployment per target, and develop has it all."""
    mirror = Mirror(SLUG).fetch()
    hub = GitHubRepo(SLUG)
    tag = mirror.tags()[version]
    pulls = [p for p in people.pulls() if p["head"]["ref"] == f"release/{version}"]
    assert [p["merged_at"] is not None for p in pulls] == [True]
    candidate = pulls[0]["head"]["sha"]
    assert mirror.commit(tag).parents[1] == candidate
    assert mirror.tree(tag) == mirror.tree(candidate)
    assert what_runs("prod") == tag
    assert what_runs("staging") == candidate
    assert [(r.tag, r.draft) for r in hub.releases()].count((version, False)) == 1
    assert people.api("rita", "GET", "/releases/latest")["tag_name"] == version
    assert mirror.is_ancestor(tag, mirror.branches()["develop"])
    for environment, commit in (("staging", candidate), ("production", tag)):
        records = [
            r for r in hub.deployments(environment, commit) if r.payload.get("release") == f"{SLUG}@{version}"
        ]
        assert [r.state for r in records] == ["success"]
    comments = people.api("rita", "GET", f"/issues/{pulls[0]['number']}/comments")
    assert len([c for c in comments if c["body"].startswith("<!-- dabflow:")]) == 1
    names = [j["settings"]["name"] for j in jobs(world, "prod")]
    assert len(names) == len(set(names)), "no job twice"


def jobs(world: World, target: str) -> list[dict[str, dict[str, str]]]:
    workspace = world.workspaces[target]
    url = world.workspace_urls[target]
    token = httpx.post(
        f"{url}/oidc/v1/token",
        data={"grant_type": "client_credentials", "scope": "all-apis"},
        auth=(workspace.principal.application_id, workspace.principal.client_secret),
    ).json()["access_token"]
    answer = httpx.get(f"{url}/api/2.2/jobs/list", headers={"Authorization": f"Bearer {token}"}).json()
    found: list[dict[str, dict[str, str]]] = answer.get("jobs", [])
    return found
