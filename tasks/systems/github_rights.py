"""Who dabflow is on GitHub, what the repository lets it do, and what guards it: only looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tasks.rules.errors import NeedsHuman
from tasks.rules.findings_github import BranchFacts, RulesetFacts
from tasks.rules.reviews import MAY_APPROVE
from tasks.systems.github_auth import App
from tasks.systems.github_checks import required_contexts
from tasks.systems.github_client import NOT_FOUND, GitHubClient, Refused


@dataclass(frozen=True)
class Seen:
    """Who we are and what we may do in a repository.

    may: admin, write, read or none. permissions: of an App; None for a token. scopes: of a classic token, else None.
    GitHub tells nothing of what a fine-grained token may do.
    """

    login: str
    repository: str
    may: str
    permissions: Mapping[str, str] | None = None
    scopes: tuple[str, ...] | None = None

    @property
    def may_push(self) -> bool:
        return self.may in MAY_APPROVE


class Rights(GitHubClient):
    """The repository's own settings, and what guards its branches and tags."""

    def seen(self) -> Seen:
        """Who we are there.

        Raises:
            NeedsHuman: the repository is not reachable, or GitHub does not accept who we say we are.
            TryAgain: GitHub did not answer.
        """
        login, repository = self.me, self._whole
        if isinstance(self._auth, App):
            permissions = self._auth.permissions
            return Seen(login, repository.full_name, permissions.get("contents", "none"), permissions)
        told, scopes = repository.permissions, self._client.oauth_scopes
        may = {"admin": told.admin, "write": told.push, "read": told.pull}
        return Seen(
            login,
            repository.full_name,
            next((level for level, given in may.items() if given), "none"),
            scopes=None if scopes is None else tuple(scopes),
        )

    def archived(self) -> bool:
        return self._whole.archived

    def takes_merge_commits(self) -> bool:
        """Whether the repository allows merge commits. Where GitHub does not say it to us, it is found out by a merge."""
        raw: dict[str, Any] = self._whole.raw_data
        return bool(raw.get("allow_merge_commit", True))

    def guard(self, branch: str) -> BranchFacts:
        """What guards a branch; its rules are told also where it is not there (yet).

        Source: GitHub REST API 2022-11-28, `branches/{branch}` and `rules/branches/{branch}`.
        """
        rules = self._rules_of(branch)
        found = self._look(f"/branches/{quote(branch, safe='')}", f"the branch {branch}")
        if found is None or found["name"] != branch:
            return BranchFacts(there=False, protected=bool(rules))
        linear = any(rule["type"] == "required_linear_history" for rule in rules)
        return BranchFacts(
            there=True,
            protected=bool(found["protected"]),
            linear=linear or self._classic_linear(branch),
            merges=_merges(rules),
            required_checks=required_contexts(found, rules),
        )

    def rulesets(self) -> list[RulesetFacts]:
        """The active rulesets; none where GitHub knows no rulesets, or does not show them."""
        listed = self._look("/rulesets", "the rulesets") or []
        active = [one["id"] for one in listed if one["enforcement"] == "active"]
        whole = (self._look(f"/rulesets/{number}", f"the ruleset {number}") for number in active)
        return [_ruleset(one) for one in whole if one is not None]

    def environments(self) -> list[str] | None:
        """The names of the environments; None where our rights do not show them."""
        found = self._look("/environments", "the environments")
        return None if found is None else [one["name"] for one in found.get("environments", [])]

    def team_size(self, team: str) -> int | None:
        """How many members a team of the owner has, up to 100; None where there is no such team, or it is not shown."""
        path = f"/orgs/{self.owner}/teams/{quote(team, safe='')}/members"
        found = self._look(path, f"the team {team}", of_repository=False)
        return None if found is None else len(found)

    def _rules_of(self, branch: str) -> list[dict[str, Any]]:
        return list(self._look(f"/rules/branches/{quote(branch, safe='')}", f"the rules of {branch}") or [])

    def _classic_linear(self, branch: str) -> bool:
        """Told only to administrators; whoever is none finds out by the first merge that is refused."""
        found = self._look(f"/branches/{quote(branch, safe='')}/protection", f"the protection of {branch}")
        return bool(((found or {}).get("required_linear_history") or {}).get("enabled"))

    def _look(self, path: str, what: str, *, of_repository: bool = True) -> Any:  # noqa: ANN401 - GitHub's JSON
        """What GitHub answers; None where it shows us nothing there (404), or our rights do not reach (403)."""
        url = f"{self._repo.url}{path}" if of_repository else path
        try:
            with self._asking(f"reading {what}"):
                _, found = self._client.requester.requestJsonAndCheck(
                    "GET", url, parameters={"per_page": 100}
                )
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise
        except NeedsHuman:
            return None
        return found


def _merges(rules: Sequence[dict[str, Any]]) -> tuple[str, ...] | None:
    listed = [
        (rule.get("parameters") or {}).get("allowed_merge_methods")
        for rule in rules
        if rule["type"] == "pull_request"
    ]
    allowed = [set(methods) for methods in listed if methods]
    return tuple(sorted(set.intersection(*allowed))) if allowed else None


def _ruleset(found: dict[str, Any]) -> RulesetFacts:
    names = (found.get("conditions") or {}).get("ref_name") or {}
    actors = found.get("bypass_actors")
    return RulesetFacts(
        name=str(found["name"]),
        target=str(found["target"]),
        refs=tuple(names.get("include") or ()),
        types=tuple(rule["type"] for rule in found.get("rules") or ()),
        bypass=None if actors is None else len(actors),
        passes_us=found.get("current_user_can_bypass") in {"always", "exempt"},
    )
