"""What the repository lets dabflow do, and what guards it: only read, for the doctor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tasks.rules.errors import NeedsHuman
from tasks.systems.github_auth import App
from tasks.systems.github_client import NOT_FOUND, GitHubClient, Refused, github_errors


@dataclass(frozen=True)
class About:
    """The repository as GitHub describes it, and our rights there.

    scopes: of a classic token; None where GitHub does not tell them. permissions: of an App, else None.
    """

    me: str
    may: str
    merge_commits: bool
    archived: bool
    scopes: tuple[str, ...] | None
    permissions: dict[str, str] | None


@dataclass(frozen=True)
class Guard:
    """What guards a branch. `there`: it exists. `merges` are the ways of merging that its rules allow; None: any."""

    there: bool
    protected: bool = False
    linear: bool = False
    merges: tuple[str, ...] | None = None
    required_checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ruleset:
    """An active ruleset. `refs` are patterns of full names; `bypass` how many may pass it by, None if it is not told."""

    name: str
    target: str
    refs: tuple[str, ...]
    types: tuple[str, ...]
    bypass: int | None
    passes_us: bool


class Rights(GitHubClient):
    """The repository's own settings, and what guards its branches and tags."""

    def about(self, may: str) -> About:
        """Describe it; `may` is what we may do there, see `People.own_permission`."""
        raw: dict[str, Any] = self._repo.raw_data
        scopes = self._client.oauth_scopes
        return About(
            me=self.me,
            may=may,
            merge_commits=self.takes_merge_commits(),
            archived=bool(raw.get("archived")),
            scopes=None if scopes is None else tuple(scopes),
            permissions=self._auth.permissions if isinstance(self._auth, App) else None,
        )

    def takes_merge_commits(self) -> bool:
        """Whether the repository allows merge commits. Where GitHub does not say it to us, it is found out by a merge."""
        raw: dict[str, Any] = self._repo.raw_data
        return bool(raw.get("allow_merge_commit", True))

    def guard(self, branch: str) -> Guard:
        """What guards a branch; its rules are told also where it is not there (yet).

        Source: GitHub REST API 2022-11-28, `branches/{branch}` and `rules/branches/{branch}`.
        """
        rules = self._rules_of(branch)
        linear = any(rule["type"] == "required_linear_history" for rule in rules)
        contexts = [name for rule in rules for name in _contexts(rule)]
        found = self._look(f"/branches/{quote(branch, safe='')}", f"the branch {branch}")
        if found is None or found["name"] != branch:
            return Guard(False, bool(rules), linear, _merges(rules), tuple(contexts))
        classic = (found.get("protection") or {}).get("required_status_checks") or {}
        contexts = [*(classic.get("contexts") or []), *contexts]
        linear = linear or self._classic_linear(branch)
        return Guard(True, bool(found["protected"]), linear, _merges(rules), tuple(dict.fromkeys(contexts)))

    def rulesets(self) -> list[Ruleset]:
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
            with github_errors(f"reading {what}"):
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


def _contexts(rule: dict[str, Any]) -> list[str]:
    if rule["type"] != "required_status_checks":
        return []
    return [c["context"] for c in (rule.get("parameters") or {}).get("required_status_checks") or []]


def _ruleset(found: dict[str, Any]) -> Ruleset:
    names = (found.get("conditions") or {}).get("ref_name") or {}
    actors = found.get("bypass_actors")
    return Ruleset(
        name=str(found["name"]),
        target=str(found["target"]),
        refs=tuple(names.get("include") or ()),
        types=tuple(rule["type"] for rule in found.get("rules") or ()),
        bypass=None if actors is None else len(actors),
        passes_us=found.get("current_user_can_bypass") in {"always", "exempt"},
    )
