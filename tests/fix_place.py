"""The place of the tests of hotfixes: a served GitHub where 1.3.0 is in production, and develop is ahead of it.

develop    o---o  feat: currencies (unreleased: the first line of orders.txt, and currencies.txt)
          /
main     o  1.3.0, published
"""

import base64
from dataclasses import dataclass
from typing import Any

import httpx
from hub_place import SLUG, Place, git

from tasks.cut import ensure_cut
from tasks.plan_hotfix import plan_hotfix
from tasks.rules.fixes import WantedFix
from tasks.rules.release import Release
from tasks.systems.git_repo import Mirror

__all__ = ["ORDERS", "SLUG", "FixPlace", "cut", "plan"]

ORDERS = "".join(f"order {number}\n" for number in range(20))


@dataclass(frozen=True)
class FixPlace:
    """acme/lakehouse, and what its people do to it; `place.work` is ravi's clone."""

    place: Place

    def api(self, method: str, path: str, *, login: str = "rita", **body: Any) -> Any:
        """What GitHub answers one of them."""
        headers = {"Authorization": f"Bearer {self.place.token(login)}"}
        answer = httpx.request(
            method, f"{self.place.url}/repos/{SLUG}{path}", headers=headers, json=body or None
        )
        assert not answer.is_error, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def commit(
        self, branch: str = "fix", *, start: str = "develop", line: int = 10, text: str = "fixed"
    ) -> str:
        """A commit that changes one line of orders.txt, on a branch that begins at `start`; returns it."""
        place = self.place
        known = place.git("branch", "--list", branch)
        place.git("checkout", "--quiet", *([branch] if known else ["-b", branch, start]))
        lines = (place.work / "orders.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        lines[line] = f"{text}\n"
        return place.commit("orders.txt", "".join(lines), f"fix: line {line}")

    def pull(self, head: str = "fix", base: str = "develop", *, login: str = "ravi") -> int:
        made = self.api("POST", "/pulls", login=login, head=head, base=base, title=f"fix: {head}", body="")
        return int(made["number"])

    def merge(self, number: int, how: str = "merge") -> str:
        return str(self.api("PUT", f"/pulls/{number}/merge", merge_method=how)["sha"])

    def fixed(self, branch: str = "fix", base: str = "develop", **more: Any) -> int:
        """A pull request with one commit; returns its number."""
        self.commit(branch, **more)
        return self.pull(branch, base)

    def fork(self) -> int:
        """oskar, an outsider, proposes what is on the branch `fix` here from a fork; returns the number."""
        fork = self.place.hub.fork(SLUG, "oskar")
        basic = base64.b64encode(f"x:{self.place.token('oskar')}".encode()).decode()
        header = f"http.extraHeader=Authorization: Basic {basic}"
        git("-c", header, "push", "--quiet", f"{self.place.url}/{fork}.git", "fix", cwd=self.place.work)
        self.api("DELETE", "/git/refs/heads/fix")
        return self.pull("oskar:fix", login="oskar")

    def release(self, version: str, *, start: str = "develop") -> None:
        """A version is in production: its branch is merged there, tagged and published."""
        self.place.branch(f"release/{version}", start)
        self.place.push(f"release/{version}")
        self.publish(version, self.merge(self.pull(f"release/{version}", "main")))

    def publish(self, version: str, commit: str) -> None:
        self.api("POST", "/releases", tag_name=version, target_commitish=commit, name=version, body="")

    def tips(self) -> dict[str, str]:
        return Mirror(SLUG).fetch().branches()

    def changed(self, head: str, since: str = "1.3.0") -> list[str]:
        """The lines of orders.txt that differ from a version."""
        mirror = Mirror(SLUG).fetch()
        now, then = (mirror.read(commit, "orders.txt") or "" for commit in (head, mirror.tags()[since]))
        return [line for line in now.splitlines() if line not in then.splitlines()]


def plan(number: int = 0, branch: str = "", *, pinned: str | None = None, **more: Any) -> Release:
    """The first step of a hotfix of a pull request or a branch."""
    wanted = WantedFix(number, branch, **more)
    return plan_hotfix.fn(SLUG, wanted, requested_by="rita", reason="it cannot wait", pinned=pinned)


def cut(number: int = 0, branch: str = "") -> str:
    """The first two steps; returns the head of the hotfix's branch."""
    return ensure_cut.fn(plan(number, branch)).commit
