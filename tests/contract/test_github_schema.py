"""Every answer of the sandbox's GitHub satisfies GitHub's own API description, and every route is asked.

The description is what githubkit carries: for each method and path the model of a good answer, and of the refusals
that GitHub documents. One conversation asks all routes, for success and for their main failures.
"""

import ast
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Union

import httpx
import jwt
import pytest
from githubkit_schemas.v2022_11_28 import models, rest
from githubkit_schemas.v2026_03_10.models import PullRequest as NewerPullRequest
from pydantic import TypeAdapter, ValidationError

from sandbox.github.exchange import ROUTES, Route, find_route
from sandbox.github.render.people import APP_CLIENT_ID, APP_ID, INSTALLATION_ID
from sandbox.github.server import GitHub
from sandbox.serving import Served, listening_socket

R = "/repos/acme/lakehouse"
ZERO = "0" * 40
# Where GitHub has two good answers, githubkit tells the model of one only.
SECOND_ANSWERS = {
    (202, "deployments"): models.ReposOwnerRepoDeploymentsPostResponse202,
    (200, "dispatches"): models.WorkflowDispatchResponse,
}
# GitHub sends these for pull requests, but describes them only among the events of a repository.
PLAIN_EVENTS = {"closed", "merged", "reopened", "head_ref_deleted", "base_ref_changed"}


# -- GitHub's description


@dataclass(frozen=True)
class Described:
    """What GitHub says of one method and path: the type of a good answer (None: no body) and of refusals."""

    good: Any
    bad: dict[str, Any]


def _model(expression: ast.expr) -> Any:
    names = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    known: dict[str, Any] = {"list": list, "Union": Union, "str": str, "dict": dict, "Any": Any}
    return eval(ast.unparse(expression), known | {n: getattr(models, n) for n in names - set(known)})


def _described(function: ast.FunctionDef) -> Iterator[tuple[tuple[str, str], Described]]:
    text = ast.get_docstring(function) or ""
    lines = [
        line.split()
        for line in text.splitlines()
        if line.startswith(("GET", "POST", "PUT", "PATCH", "DELETE"))
    ]
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node.keywords]
    for method, path in (line for line in lines[:1] if len(line) == 2):
        for call in calls:
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            if "headers" not in named or "stream" not in named:
                continue
            errors = named.get("error_models")
            bad = {}
            if isinstance(errors, ast.Dict):
                pairs = zip(errors.keys, errors.values, strict=True)
                bad = {str(k.value): v for k, v in pairs if isinstance(k, ast.Constant)}
            yield (method, path), Described(named.get("response_model"), bad)


@cache
def description() -> dict[tuple[str, str], Described]:
    found: dict[tuple[str, str], Described] = {}
    for file in Path(rest.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found.update(_described(node))
    return found


# -- one conversation


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    status: int
    text: bytes
    route: Route | None

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"


class Talk:
    """Asks as one account or another, and keeps all that was said."""

    def __init__(self, hub: GitHub, url: str) -> None:
        self.hub = hub
        self.http = httpx.Client(base_url=url)
        self.said: list[Exchange] = []

    def ask(
        self,
        status: int,
        method: str,
        path: str,
        sent: Any = None,
        *,
        login: str = "dabflow-bot",
        **more: Any,
    ) -> Any:
        """Ask, insist on the status, and give the answer's JSON."""
        headers = {"authorization": f"Bearer {self.hub.accounts[login].token}"} | more.pop("headers", {})
        answer = self.http.request(method, path, json=sent, headers=headers, **more)
        where = path.partition("?")[0]
        self.said.append(
            Exchange(method, where, answer.status_code, answer.content, find_route(method, where))
        )
        assert answer.status_code == status, f"{self.said[-1]}: {answer.text}"
        return answer.json() if "json" in answer.headers.get("content-type", "") else None

    def get(self, path: str, *, status: int = 200, **more: Any) -> Any:
        return self.ask(status, "GET", path, **more)

    def post(self, status: int, path: str, sent: Any, **more: Any) -> Any:
        return self.ask(status, "POST", path, sent, **more)


@dataclass(frozen=True)
class Commits:
    """first is on main and develop; release, fix and clash each add one to it; other has no history in common."""

    first: str
    release: str
    fix: str
    clash: str


def fill(bare: Path) -> Commits:
    """Put branches into an empty repository; all but `other` hold a workflow."""
    roles, whats = ("AUTHOR", "COMMITTER"), ("NAME", "EMAIL")
    who = {f"GIT_{role}_{what}": "ravi@acme.example" for role in roles for what in whats}

    def git(*arguments: str, stdin: str = "") -> str:
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=bare, env=os.environ | who, input=stdin, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def blob(text: str, name: str) -> str:
        return f"100644 blob {git('hash-object', '-w', '--stdin', stdin=text)}\t{name}\n"

    def folder(name: str, *entries: str) -> str:
        return f"040000 tree {git('mktree', stdin=''.join(entries))}\t{name}\n"

    def commit(message: str, entries: list[str], *parents: str) -> str:
        options = [option for parent in parents for option in ("-p", parent)]
        return git("commit-tree", git("mktree", stdin="".join(entries)), *options, "-m", message)

    flows = folder(".github", folder("workflows", blob("on: workflow_dispatch\n", "release.yml")))
    readme = blob("# lakehouse\n", "README.md")
    first = commit("feat: begin", [flows, readme])
    release = commit("feat: release", [flows, blob("# released\n", "README.md")], first)
    fix = commit("fix: one", [flows, readme, blob("x\n", "fix.txt")], first)
    clash = commit("fix: clash", [flows, blob("# otherwise\n", "README.md")], first)
    other = commit("chore: no parents", [readme])
    tips = {"main": first, "develop": first, "release/1.0.0": release}
    for name, sha in (tips | {"fix": fix, "clash": clash, "other": other}).items():
        git("update-ref", f"refs/heads/{name}", sha)
    return Commits(first, release, fix, clash)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    hub = GitHub.open(tmp_path_factory.mktemp("github"))
    at = fill(hub.create_repository("acme", "lakehouse"))
    hub.create_repository("acme", "empty")
    hub.set_role("acme/lakehouse", "rita", "admin")
    served = Served(hub.app, listening_socket()).start()
    talk = Talk(hub, served.url)
    try:
        for part in (
            accounts,
            refs,
            commits,
            protection,
            pulls,
            merging,
            forks,
            checks,
            releases,
            deployments,
            app,
        ):
            part(talk, at)
        yield talk
    finally:
        talk.http.close()
        served.stop()


def accounts(talk: Talk, _: Commits) -> None:
    talk.get("/user")
    talk.get("/user", status=401, headers={"authorization": "Bearer wrong"})
    talk.get("/user", status=401, headers={"authorization": ""})
    talk.get("/users/rosa")
    talk.get("/users/nobody", status=404)
    talk.get("/rate_limit")
    talk.get(R)
    talk.get("/repos/acme/gone", status=404)
    talk.get(f"{R}/collaborators/rosa/permission")
    talk.get(f"{R}/collaborators/oskar/permission")
    talk.get(f"{R}/collaborators/nobody/permission", status=404)
    talk.get("/orgs/acme/teams/data-platform/memberships/rosa")
    talk.get("/orgs/acme/teams/data-platform/memberships/rita", status=404)
    talk.get("/orgs/acme/teams/data-platform/memberships/rosa", status=404, login="oskar")
    talk.get("/orgs/acme/teams/data-platform/members")
    talk.get("/orgs/acme/teams/gone/members", status=404)
    talk.get("/nothing/of/the/kind", status=404)


def refs(talk: Talk, at: Commits) -> None:
    refs = f"{R}/git/refs"
    talk.get(f"{R}/git/ref/heads/main")
    talk.get(f"{R}/git/ref/heads/ma", status=404)
    talk.get("/repos/acme/empty/git/ref/heads/main", status=409)
    talk.get(f"{R}/git/matching-refs/heads/")
    talk.post(201, refs, {"ref": "refs/heads/new", "sha": at.first})
    talk.post(422, refs, {"ref": "refs/heads/new", "sha": at.first})
    talk.post(422, refs, {"ref": "refs/heads/newer", "sha": ZERO})
    talk.post(422, refs, {"ref": "refs/heads/newer"})
    talk.post(422, refs, {"ref": "newer", "sha": at.first})
    talk.post(403, refs, {"ref": "refs/heads/x", "sha": at.first}, login="oskar")
    talk.ask(200, "PATCH", f"{refs}/heads/new", {"sha": at.fix})
    talk.ask(422, "PATCH", f"{refs}/heads/new", {"sha": at.release})
    talk.ask(200, "PATCH", f"{refs}/heads/new", {"sha": at.release, "force": True})
    talk.ask(422, "PATCH", f"{refs}/heads/gone", {"sha": at.fix})
    talk.ask(204, "DELETE", f"{refs}/heads/new")
    talk.ask(422, "DELETE", f"{refs}/heads/new")
    tag = {"tag": "0.9.0", "message": "first", "object": at.first, "type": "commit"}
    tagger = {"name": "bot", "email": "bot@acme.example", "date": "2026-11-02T09:00:00Z"}
    made = talk.post(201, f"{R}/git/tags", tag | {"tagger": tagger})
    talk.post(422, f"{R}/git/tags", tag | {"object": ZERO})
    talk.get(f"{R}/git/tags/{made['sha']}")
    talk.get(f"{R}/git/tags/{at.first}", status=404)
    talk.post(201, refs, {"ref": "refs/tags/0.9.0", "sha": made["sha"]})
    talk.get(f"{R}/git/ref/tags/0.9.0")
    talk.get(f"{R}/tags")


def commits(talk: Talk, at: Commits) -> None:
    talk.get(f"{R}/git/commits/{at.first}")
    talk.get(f"{R}/git/commits/{ZERO}", status=404)
    talk.get(f"{R}/commits?sha=release/1.0.0&per_page=1")
    talk.get(f"{R}/commits?sha=gone", status=404)
    talk.get("/repos/acme/empty/commits", status=409)
    talk.get(f"{R}/commits/tags/0.9.0")
    talk.get(f"{R}/commits/{at.first[:8]}")
    talk.get(f"{R}/commits/gone", status=422)
    talk.get(f"{R}/compare/main...release/1.0.0")
    talk.get(f"{R}/compare/release/1.0.0...fix?page=1&per_page=100")
    talk.get(f"{R}/compare/main...gone", status=404)
    talk.get(f"{R}/compare/main...other", status=404)
    talk.get(f"{R}/contents/README.md?ref=main")
    talk.get(f"{R}/contents/.github?ref=main")
    talk.get(f"{R}/contents/gone.md", status=404)
    talk.get(f"{R}/branches")
    talk.get(f"{R}/branches/release/1.0.0")
    talk.get(f"{R}/branches/gone", status=404)


def protection(talk: Talk, _: Commits) -> None:
    url = f"{R}/branches/main/protection"
    talk.get(url, status=404)
    rules: dict[str, Any] = {
        "required_status_checks": {"strict": True, "contexts": ["ci"]},
        "enforce_admins": True,
        "required_pull_request_reviews": {
            "required_approving_review_count": 1,
            "dismiss_stale_reviews": True,
        },
        "restrictions": None,
    }
    talk.ask(403, "PUT", url, rules)
    talk.ask(422, "PUT", url, {}, login="rita")
    talk.ask(404, "PUT", f"{R}/branches/gone/protection", rules, login="rita")
    talk.ask(200, "PUT", url, rules, login="rita")
    talk.get(url)
    talk.get(f"{R}/branches/main")
    talk.get(f"{R}/branches?protected=true")
    talk.ask(422, "DELETE", f"{R}/git/refs/heads/main")
    talk.ask(204, "DELETE", url, login="rita")
    talk.ask(404, "DELETE", url, login="rita")
    ruleset = {
        "name": "tags stay",
        "target": "tag",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
        "rules": [{"type": "update"}, {"type": "deletion"}],
    }
    branches = {
        "name": "reviewed",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["refs/heads/guarded"], "exclude": []}},
        "rules": [
            {
                "type": "pull_request",
                "parameters": {
                    "required_approving_review_count": 1,
                    "dismiss_stale_reviews_on_push": True,
                    "require_code_owner_review": False,
                    "require_last_push_approval": False,
                    "required_review_thread_resolution": False,
                },
            },
            {"type": "deletion"},
        ],
    }
    made = talk.post(201, f"{R}/rulesets", ruleset, login="rita")
    talk.post(201, f"{R}/rulesets", branches, login="rita")
    talk.post(422, f"{R}/rulesets", ruleset | {"enforcement": "perhaps"}, login="rita")
    talk.get(f"{R}/rulesets")
    talk.get(f"{R}/rulesets/{made['id']}")
    talk.get(f"{R}/rulesets/1", status=404)
    talk.get(f"{R}/rules/branches/guarded")
    talk.get(f"{R}/rules/branches/unguarded")
    talk.ask(422, "DELETE", f"{R}/git/refs/tags/0.9.0")
    talk.get(f"{R}/immutable-releases", status=404)
    talk.hub.configure("acme/lakehouse", immutable_releases=True)
    talk.get(f"{R}/immutable-releases")
    talk.hub.configure("acme/lakehouse", immutable_releases=False)


def pulls(talk: Talk, at: Commits) -> None:
    opened = {"base": "main", "head": "release/1.0.0", "title": "Release 1.0.0", "body": "notes"}
    talk.post(201, f"{R}/pulls", opened)
    talk.post(422, f"{R}/pulls", opened)
    talk.post(422, f"{R}/pulls", opened | {"head": "develop"})
    talk.post(422, f"{R}/pulls", opened | {"head": "other"})
    talk.post(422, f"{R}/pulls", opened | {"base": "gone"})
    talk.get(f"{R}/pulls?state=all&head=acme:release/1.0.0")
    for _ in range(2):
        talk.get(f"{R}/pulls/1")
    talk.get(f"{R}/pulls/99", status=404)
    talk.ask(200, "PATCH", f"{R}/pulls/1", {"title": "Release 1.0", "body": "more", "base": "develop"})
    talk.ask(200, "PATCH", f"{R}/pulls/1", {"base": "main"})
    talk.ask(422, "PATCH", f"{R}/pulls/1", {"state": "merged"})
    talk.ask(403, "PATCH", f"{R}/pulls/1", {"title": "mine"}, login="oskar")
    talk.ask(200, "PATCH", f"{R}/pulls/1", {"state": "closed"})
    talk.ask(200, "PATCH", f"{R}/pulls/1", {"state": "open"})
    for part in ("commits", "files", "reviews", "requested_reviewers"):
        talk.get(f"{R}/pulls/1/{part}")
    talk.get(f"{R}/commits/{at.release}/pulls")
    asked = {"reviewers": ["rosa"], "team_reviewers": ["data-platform"]}
    talk.post(201, f"{R}/pulls/1/requested_reviewers", asked)
    talk.get(f"{R}/pulls/1/requested_reviewers")
    talk.post(422, f"{R}/pulls/1/requested_reviewers", {"reviewers": ["nobody"]})
    talk.get(f"{R}/pulls")
    reviews(talk, at)
    discussion(talk, at)


def reviews(talk: Talk, at: Commits) -> None:
    url = f"{R}/pulls/1/reviews"
    talk.post(422, url, {"event": "APPROVE"})
    talk.post(422, url, {"event": "REQUEST_CHANGES"}, login="rosa")
    talk.post(422, url, {"event": "APPROVE", "commit_id": at.fix}, login="rosa")
    talk.post(200, url, {"event": "COMMENT", "body": "hm"}, login="oskar")
    made = talk.post(200, url, {"event": "REQUEST_CHANGES", "body": "no"}, login="rosa")
    talk.post(200, url, {"event": "APPROVE", "commit_id": at.release}, login="ravi")
    talk.post(200, url, {"body": "not sent yet"}, login="rita")
    talk.get(f"{url}?per_page=100", login="rita")
    talk.ask(200, "PUT", f"{url}/{made['id']}/dismissals", {"message": "done"})
    talk.ask(422, "PUT", f"{url}/{made['id']}/dismissals", {"message": "done"})
    talk.ask(404, "PUT", f"{url}/1/dismissals", {"message": "done"})


def discussion(talk: Talk, _: Commits) -> None:
    issue = f"{R}/issues/1"
    made = talk.post(201, f"{issue}/comments", {"body": "hello"}, login="oskar")
    talk.post(422, f"{issue}/comments", {"body": "x" * 70_000})
    talk.get(f"{issue}/comments")
    talk.get(f"{R}/issues/99/comments", status=404)
    talk.ask(200, "PATCH", f"{R}/issues/comments/{made['id']}", {"body": "hello again"})
    talk.ask(404, "PATCH", f"{R}/issues/comments/1", {"body": "x"})
    talk.post(201, f"{R}/labels", {"name": "release", "color": "ff0000"})
    talk.post(422, f"{R}/labels", {"name": "Release"})
    talk.get(f"{R}/labels/release")
    talk.get(f"{R}/labels/gone", status=404)
    talk.post(200, f"{issue}/labels", {"labels": ["release", "urgent"]})
    talk.get(f"{issue}/labels")
    talk.ask(200, "DELETE", f"{issue}/labels/urgent")
    talk.ask(404, "DELETE", f"{issue}/labels/urgent")
    talk.get(f"{issue}/events")
    talk.get(f"{R}/pulls/1")


def merging(talk: Talk, at: Commits) -> None:
    url = f"{R}/pulls/1/merge"
    talk.get(url, status=404)
    talk.ask(409, "PUT", url, {"sha": at.first})
    talk.ask(403, "PUT", url, {"sha": at.release}, login="oskar")
    talk.hub.configure("acme/lakehouse", allow_squash_merge=False)
    talk.ask(405, "PUT", url, {"merge_method": "squash"})
    talk.ask(200, "PUT", url, {"sha": at.release, "merge_method": "merge"})
    talk.ask(405, "PUT", url, {"sha": at.release})
    talk.get(url, status=204)
    talk.get(f"{R}/pulls/1")
    talk.get(f"{R}/issues/1/events")
    talk.post(201, f"{R}/pulls", {"base": "main", "head": "fix", "title": "fix: one"})
    talk.ask(422, "PUT", f"{R}/pulls/2/update-branch", {"expected_head_sha": at.first})
    talk.ask(202, "PUT", f"{R}/pulls/2/update-branch", {"expected_head_sha": at.fix})
    merges = f"{R}/merges"
    talk.post(201, merges, {"base": "develop", "head": "main", "commit_message": "back"})
    talk.post(204, merges, {"base": "develop", "head": "main"})
    talk.post(409, merges, {"base": "develop", "head": "clash"})
    talk.post(404, merges, {"base": "gone", "head": "main"})
    talk.post(404, merges, {"base": "develop", "head": "gone"})
    talk.post(422, merges, {"head": "gone"})


def forks(talk: Talk, _: Commits) -> None:
    """A pull request of an outsider, and what is left of it when the fork is gone."""
    sent = {"base": "main", "head": "oskar:clash", "title": "fix: mine"}
    talk.post(422, f"{R}/pulls", sent, login="oskar")
    fork = talk.hub.fork("acme/lakehouse", "oskar")
    made = talk.post(201, f"{R}/pulls", sent, login="oskar")
    talk.post(422, f"{R}/pulls", sent, login="oskar")
    talk.get(f"/repos/{fork}")
    talk.get(f"{R}/pulls?state=all&head=oskar:clash")
    talk.get(f"{R}/pulls/{made['number']}/commits")
    talk.hub.delete_repository(fork)
    talk.get(f"{R}/pulls/{made['number']}")
    talk.ask(200, "PATCH", f"{R}/pulls/{made['number']}", {"state": "closed"})


def checks(talk: Talk, at: Commits) -> None:
    commit = f"{R}/commits/{at.fix}"
    talk.get(f"{commit}/status")
    status = {"state": "success", "context": "ci", "description": "fine", "target_url": "http://127.0.0.1/1"}
    talk.post(201, f"{R}/statuses/{at.fix}", status)
    talk.post(422, f"{R}/statuses/{at.fix}", status | {"state": "good"})
    talk.post(422, f"{R}/statuses/{at.fix}", status | {"description": "x" * 141})
    talk.get(f"{commit}/status")
    talk.get(f"{commit}/statuses")
    talk.get(f"{commit}/check-runs")
    run = {"name": "tests", "head_sha": at.fix, "output": {"title": "42 passed", "summary": "all"}}
    talk.post(201, f"{R}/check-runs", run | {"conclusion": "success"})
    talk.post(201, f"{R}/check-runs", run | {"name": "lint", "status": "in_progress"})
    talk.post(422, f"{R}/check-runs", run | {"conclusion": "great"})
    talk.get(f"{commit}/check-runs?filter=all")


def releases(talk: Talk, at: Commits) -> None:
    url = f"{R}/releases"
    talk.get(f"{url}/latest", status=404)
    draft = {
        "tag_name": "1.0.0",
        "name": "1.0.0",
        "body": "notes",
        "target_commitish": at.release,
        "draft": True,
    }
    made = talk.post(201, url, draft)
    second = talk.post(201, url, draft)
    one = f"{url}/{made['id']}"
    talk.get(f"{url}/tags/1.0.0", status=404)
    talk.get(one)
    talk.get(one, status=404, login="oskar")
    talk.get(f"{one}/assets")
    uploads = f"{one}/assets?name=plan.json&label=plan"
    asset: dict[str, Any] = {"headers": {"content-type": "application/json"}, "content": b"{}"}
    file = f"{url}/assets/{talk.ask(201, 'POST', uploads, **asset)['id']}"
    talk.ask(422, "POST", uploads, **asset)
    talk.get(f"{one}/assets")
    talk.get(file)
    talk.get(file, status=302, headers={"accept": "application/octet-stream"})
    talk.get(file, status=404, login="oskar")
    talk.ask(204, "DELETE", file)
    talk.ask(404, "DELETE", file)
    talk.ask(200, "PATCH", one, {"draft": False, "make_latest": "true"})
    talk.ask(422, "PATCH", f"{url}/{second['id']}", {"draft": False})
    talk.post(422, url, draft | {"draft": False})
    talk.post(422, url, draft | {"tag_name": "2.0.0", "target_commitish": "gone"})
    talk.get(f"{url}/latest")
    talk.get(f"{url}/tags/1.0.0")
    talk.get(url)
    talk.post(200, f"{url}/generate-notes", {"tag_name": "1.0.1", "previous_tag_name": "0.9.0"})
    talk.ask(204, "DELETE", f"{url}/{second['id']}")
    talk.ask(404, "DELETE", f"{url}/{second['id']}")


def deployments(talk: Talk, at: Commits) -> None:
    url = f"{R}/deployments"
    safe = {"auto_merge": False, "required_contexts": []}
    made = talk.post(
        201, url, {"ref": at.release, "environment": "staging", "payload": {"version": "1"}} | safe
    )
    talk.post(201, url, {"ref": at.release, "payload": "text", "description": "to production"} | safe)
    talk.post(202, url, {"ref": "fix", "required_contexts": []})
    talk.post(409, url, {"ref": "clash", "required_contexts": []})
    talk.post(409, url, {"ref": "main", "auto_merge": False, "required_contexts": ["ci"]})
    talk.post(422, url, {"ref": "gone"})
    one = f"{url}/{made['id']}"
    talk.get(url)
    talk.get(f"{url}?environment=staging&sha={at.release}")
    talk.get(one)
    talk.get(f"{url}/1", status=404)
    status = {"state": "success", "description": "deployed", "log_url": "http://127.0.0.1/run"}
    talk.post(201, f"{one}/statuses", status)
    talk.post(422, f"{one}/statuses", status | {"state": "great"})
    talk.post(422, f"{one}/statuses", status | {"description": "x" * 141})
    talk.get(f"{one}/statuses")
    talk.get(f"{R}/environments")
    talk.get(f"{R}/environments/staging")
    talk.get(f"{R}/environments/gone", status=404)
    flows = f"{R}/actions/workflows/release.yml"
    talk.get(flows)
    talk.get(f"{R}/actions/workflows/gone.yml", status=404)
    talk.post(204, f"{flows}/dispatches", {"ref": "main", "inputs": {"bump": "minor"}})
    talk.post(200, f"{flows}/dispatches", {"ref": "main", "return_run_details": True})
    talk.post(422, f"{flows}/dispatches", {"ref": "other"})
    talk.post(204, f"{R}/dispatches", {"event_type": "wake", "client_payload": {"pr": 1}})
    talk.post(422, f"{R}/dispatches", {})


def app(talk: Talk, _: Commits) -> None:
    now = int(talk.hub.hub.now().timestamp())

    def sign(**claims: object) -> dict[str, str]:
        whole = {"iss": str(APP_ID), "iat": now - 60, "exp": now + 300, **claims}
        return {"authorization": f"Bearer {jwt.encode(whole, talk.hub.app_key(), 'RS256')}"}

    signed = sign()
    talk.get("/app", headers=signed)
    talk.get("/app", headers=sign(iss=APP_CLIENT_ID))
    talk.get("/app", status=404, headers=sign(iss="4712"))
    for wrong in ({"iat": now + 90}, {"exp": now - 90}, {"exp": now + 900}, {"exp": "soon"}):
        talk.get("/app", status=401, headers=sign(**wrong))
    talk.get("/app", status=401)
    talk.get(f"{R}/installation", headers=signed)
    tokens = f"/app/installations/{INSTALLATION_ID}/access_tokens"
    few = talk.post(201, tokens, {"permissions": {"contents": "read"}}, headers=signed)
    talk.post(201, tokens, {}, headers=signed)
    talk.post(422, tokens, {"permissions": {"administration": "write"}}, headers=signed)
    talk.post(404, "/app/installations/1/access_tokens", {}, headers=signed)
    limited = {"authorization": f"Bearer {few['token']}"}
    talk.get(f"{R}/git/ref/heads/main", headers=limited)
    talk.get(f"{R}/pulls", status=403, headers=limited)
    talk.get("/user", status=403, headers=limited)
    talk.get("/orgs/acme/teams/data-platform/members", status=403, headers=limited)


# -- the tests


def without_plain_events(exchange: Exchange) -> bytes:
    """The answer; the plain ones in a list of events are checked here and left out."""
    if not exchange.path.endswith("/events"):
        return exchange.text
    events = json.loads(exchange.text)
    for event in events:
        models.IssueEvent.model_validate_json(json.dumps(event), strict=True)
    return json.dumps([event for event in events if event["event"] not in PLAIN_EVENTS]).encode()


def complaint(exchange: Exchange) -> str | None:
    """What GitHub's description has against an answer, if anything."""
    if exchange.route is None:
        return None
    described = description()[exchange.method, exchange.route.template]
    if exchange.status in {204, 302}:
        return f"{exchange}: has a body" if exchange.text else None
    if exchange.status >= 400:
        model = described.bad.get(str(exchange.status))
        wanted = _model(model) if model is not None else models.BasicError
    elif (exchange.status, last := exchange.route.template.rpartition("/")[2]) in SECOND_ANSWERS:
        wanted = SECOND_ANSWERS[exchange.status, last]
    else:
        assert described.good is not None, f"{exchange}: GitHub gives no body here"
        wanted = _model(described.good)
    try:
        TypeAdapter(wanted).validate_json(without_plain_events(exchange), strict=True)
    except ValidationError as error:
        return f"{exchange}: {error}"
    return None


def test_every_answer_satisfies_the_schema(talk: Talk) -> None:
    complaints = [c for c in map(complaint, talk.said) if c]

    assert not complaints, "\n".join(complaints)


def test_every_route_was_asked_and_answered_well(talk: Talk) -> None:
    """A route without a good answer in the conversation is a route nobody has checked."""
    good = {(e.method, e.route.path) for e in talk.said if e.route and e.status < 400}

    assert {(r.method, r.path) for r in ROUTES} - good == set()


def test_every_route_is_one_of_githubs(talk: Talk) -> None:
    assert {(r.method, r.template) for r in ROUTES} - set(description()) == set()


def test_every_refusal_says_why(talk: Talk) -> None:
    for exchange in talk.said:
        if exchange.status >= 400 and exchange.route is not None:
            said = models.BasicError.model_validate_json(exchange.text)
            assert (said.message, said.status) != ("", str(exchange.status))
            assert said.status == str(exchange.status)


def test_a_later_version_of_the_api_lacks_what_was_removed(talk: Talk) -> None:
    newer = talk.get(f"{R}/pulls/1", headers={"x-github-api-version": "2026-03-10"})

    TypeAdapter(NewerPullRequest).validate_python(newer)
    assert "merge_commit_sha" not in newer
    assert "assignee" not in newer
    assert talk.get(f"{R}/pulls/1")["merge_commit_sha"]


def test_an_unknown_version_is_refused(talk: Talk) -> None:
    talk.get(f"{R}/pulls/1", status=400, headers={"x-github-api-version": "2020-01-01"})
