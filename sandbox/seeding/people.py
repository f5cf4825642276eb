"""The accounts of the sandbox at work: what each of them asks GitHub for while the history is made."""

from typing import Any

import httpx

from sandbox.github.server import GitHub

Json = dict[str, Any]


class SeedingFailed(RuntimeError):
    """The history could not be made as it is told."""


class Somebody:
    """One account, sending requests about one repository with its own token."""

    def __init__(self, github: GitHub, url: str, slug: str, login: str) -> None:
        account = github.accounts[login]
        self.slug = slug
        self.client = httpx.Client(
            base_url=f"{url}/repos/{slug}",
            headers={"Authorization": f"Bearer {account.token}", "User-Agent": "sandbox-seed"},
            timeout=30,
        )

    def send(self, method: str, path: str, body: Json) -> Json:
        """Return GitHub's answer.

        Raises:
            SeedingFailed: it refused.
        """
        answer = self.client.request(method, path, json=body)
        if answer.is_error:
            raise SeedingFailed(f"{method} {path}: {answer.status_code} {answer.text}")
        found: Json = answer.json() if answer.content else {}
        return found

    def open_pull_request(self, head: str, base: str, title: str, body: str) -> Json:
        return self.send("POST", "/pulls", {"head": head, "base": base, "title": title, "body": body})

    def approve(self, pull: Json, words: str) -> None:
        wanted = {"event": "APPROVE", "body": words, "commit_id": pull["head"]["sha"]}
        self.send("POST", f"/pulls/{pull['number']}/reviews", wanted)

    def merge(self, pull: Json) -> str:
        """Merge by a merge commit, and return it."""
        wanted = {"merge_method": "merge", "sha": pull["head"]["sha"]}
        merged = self.send("PUT", f"/pulls/{pull['number']}/merge", wanted)
        return str(merged["sha"])

    def tag(self, name: str, commit: str, message: str) -> None:
        """Put an annotated tag on a commit."""
        made = self.send(
            "POST", "/git/tags", {"tag": name, "object": commit, "type": "commit", "message": message}
        )
        self.send("POST", "/git/refs", {"ref": f"refs/tags/{name}", "sha": made["sha"]})

    def publish(self, tag: str, notes: str) -> None:
        self.send("POST", "/releases", {"tag_name": tag, "name": tag, "body": notes, "make_latest": "true"})

    def record_deployment(self, environment: str, commit: str, payload: Json, page: str) -> None:
        """Record that a deployment went well."""
        wanted: Json = {
            "ref": commit,
            "environment": environment,
            "payload": payload,
            "auto_merge": False,
            "required_contexts": [],
            "description": f"{payload['release']} on {payload['target']}",
            "production_environment": environment == "production",
        }
        made = self.send("POST", "/deployments", wanted)
        done: Json = {"state": "success", "environment_url": page, "description": "deployed and tested"}
        self.send("POST", f"/deployments/{made['id']}/statuses", done)

    def close(self) -> None:
        self.client.close()
