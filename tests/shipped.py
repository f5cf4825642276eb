"""Versions that were shipped without the steps before: merged and tagged in the sandbox, nothing deployed."""

from dataclasses import dataclass, replace
from typing import Any

from playing import SLUG, People

from sandbox.world import World
from tasks.cut import ensure_cut
from tasks.rules.phases import Phase
from tasks.rules.release import Release
from tasks.rules.settings import BackMerge, BackMergeMode, ReleaseSettings
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

FILE = "src/README.md"


def release_of(version: str, *, mode: BackMergeMode = "merge", **more: Any) -> Release:
    parsed = Version.parse(version)
    settings = ReleaseSettings(back_merge=BackMerge(mode=mode))
    given = {"source": "", "requested_by": "rita", "reason": "", **more}
    return Release(SLUG, parsed, Phase.PUBLISHED, settings, **given)


@dataclass(frozen=True)
class Shipping:
    """What happens in acme/lakehouse beside the step that a test is about."""

    world: World

    @property
    def people(self) -> People:
        return People(self.world)

    def hotfix(self, version: str = "1.3.1", text: str = "hot\n") -> Release:
        """A version with one change of a file is in production's branch, and tagged."""
        self.merged(f"hotfix/{version}", "main", text, review=True)
        self._tag(version)
        return replace(release_of(version), kind="hotfix")

    def ship(self, branch: str, version: str) -> None:
        """A branch is merged into production's, and that is tagged."""
        self._merge(branch, "main", f"Release {version}", review=True)
        self._tag(version)

    def _tag(self, version: str) -> None:
        GitHubRepo(SLUG).create_tag(version, Mirror(SLUG).fetch().branches()["main"], version, when=0)

    def merged(self, branch: str, base: str, text: str, *, review: bool = False, path: str = FILE) -> int:
        """A pull request with one change was merged; returns its number."""
        GitHubRepo(SLUG).create_branch(branch, Mirror(SLUG).fetch().branches()[base])
        self.people.commit_to(branch, path, text)
        return self._merge(branch, base, f"change {path}", review=review)

    def _merge(self, branch: str, base: str, title: str, *, review: bool) -> int:
        people = self.people
        made = people.api("rita", "POST", "/pulls", head=branch, base=base, title=title, body="")
        if review:
            people.review("ravi", made["number"])
        people.api("rita", "PUT", f"/pulls/{made['number']}/merge", merge_method="merge")
        return int(made["number"])

    def cut(self, version: str = "1.5.0") -> Release:
        """A release that dabflow has cut from develop."""
        release = release_of(version, source=Mirror(SLUG).fetch().branches()["develop"])
        ensure_cut.fn(release)
        return release

    def comments(self, number: int) -> list[str]:
        found = self.people.api("rita", "GET", f"/issues/{number}/comments")
        return [comment["body"] for comment in found]

    def syncs(self, into: str = "develop", state: str = "all") -> list[Any]:
        """The pull requests of ours into a branch, newest first."""
        found = self.people.pulls(base=into, state=state)
        return [pull for pull in found if pull["head"]["ref"].startswith("sync/1.3.1")]


def holds(version: str, branch: str) -> bool:
    mirror = Mirror(SLUG).fetch()
    return mirror.is_ancestor(mirror.tags()[version], mirror.branches()[branch])
