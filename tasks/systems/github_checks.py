"""What must be green before GitHub lets something into a branch, and what is."""

import logging
from typing import Any
from urllib.parse import quote

from github.GithubObject import NotSet

from tasks.rules.errors import NeedsHuman
from tasks.systems.github_client import GitHubClient, Refused

log = logging.getLogger(__name__)

_GOOD = {"success", "neutral", "skipped"}


class Checks(GitHubClient):
    """Checks of the repository's commits: statuses and check runs alike, by name."""

    def required_checks(self, branch: str) -> tuple[str, ...]:
        """The names that a branch demands, by its protection and by rulesets.

        Source: GitHub REST API 2022-11-28, `branches/{branch}` (field `protection`) and `rules/branches/{branch}`:
        whoever may read the repository may read both.
        """
        name = quote(branch, safe="")
        with self._asking(f"reading what {branch} demands"):
            _, found = self._client.requester.requestJsonAndCheck("GET", f"{self._repo.url}/branches/{name}")
            rules = self._rules(name)
        return required_contexts(found, rules)

    def checks(self, commit: str) -> dict[str, str] | None:
        """What each check says about a commit: success, pending or failure; None if our token may not see check runs.

        A fine-grained personal token may not.
        """
        try:
            with self._asking(f"reading the checks of {commit[:12]}"):
                found = self._repo.get_commit(commit)
                statuses = {s.context: _verdict(s.state) for s in found.get_combined_status().statuses}
                runs = {
                    run.name: _verdict(run.conclusion if run.status == "completed" else "pending")
                    for run in found.get_check_runs()
                }
        except NeedsHuman as error:
            log.info("%s", error.problem)
            return None
        return statuses | runs

    def our_status(self, commit: str, context: str) -> tuple[str, str, str] | None:
        """State, description and address of the newest status of this name; None where there is none of ours."""
        with self._asking(f"reading the statuses of {commit[:12]}"):
            # Not PyGithub's get_statuses: that asks at an address which GitHub does not describe.
            path = f"{self._repo.url}/commits/{commit}/statuses"
            _, found = self._client.requester.requestJsonAndCheck("GET", path, parameters={"per_page": 100})
        newest = next((status for status in found if status["context"] == context), None)
        if newest is None or (newest.get("creator") or {}).get("login") != self.me:
            return None
        return newest["state"], newest["description"] or "", newest["target_url"] or ""

    def set_status(self, commit: str, context: str, state: str, *, text: str, url: str) -> None:
        """The commit has another status of this name: error, failure, pending or success."""
        with self._asking(f"setting the status {context} of {commit[:12]}"):
            self._whole.get_commit(commit).create_status(
                state, target_url=url or NotSet, description=text, context=context
            )

    def _rules(self, branch: str) -> list[dict[str, Any]]:
        """The active rules of a branch; none where GitHub knows no rulesets (an older server of one's own)."""
        try:
            with self._asking(f"reading the rules of {branch}"):
                path = f"{self._repo.url}/rules/branches/{branch}"
                _, found = self._client.requester.requestJsonAndCheck(
                    "GET", path, parameters={"per_page": 100}
                )
        except Refused:
            return []
        return list(found)


def required_contexts(branch: dict[str, Any], rules: list[dict[str, Any]]) -> tuple[str, ...]:
    """The names of the checks that a branch demands, as GitHub describes the branch and its active rules."""
    classic = (branch.get("protection") or {}).get("required_status_checks") or {}
    names = [*(classic.get("contexts") or []), *(c["context"] for rule in rules for c in _contexts(rule))]
    return tuple(dict.fromkeys(names))


def _contexts(rule: dict[str, Any]) -> list[dict[str, Any]]:
    if rule["type"] != "required_status_checks":
        return []
    return list((rule.get("parameters") or {}).get("required_status_checks") or [])


def _verdict(said: str | None) -> str:
    if said in _GOOD:
        return "success"
    return "pending" if said == "pending" else "failure"
