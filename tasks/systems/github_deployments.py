"""Deployments as GitHub records them: what went where, and what became of it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from github.GithubObject import NotSet

from tasks.rules.errors import NeedsHuman
from tasks.systems.github_client import GitHubClient


@dataclass(frozen=True)
class DeploymentRecord:
    """A GitHub Deployment with its newest status ("" when it has none); times are GitHub's, in UTC.

    `state_since` is when it got that status, or when it was made where it has none; `run_url` is the page that the
    status names, "" for none.
    """

    id: int
    sha: str
    environment: str
    payload: dict[str, Any]
    state: str
    url: str
    created_at: datetime
    state_since: datetime
    run_url: str = ""


class Deployments(GitHubClient):
    """The deployments that the repository has on record."""

    def deployments(self, environment: str, sha: str) -> list[DeploymentRecord]:
        """Deployments of a commit to an environment, newest first, each with its newest status."""
        with self._asking(f"reading the deployments to {environment}"):
            found = self._repo.get_deployments(environment=environment, sha=sha)
            return [self._deployment(d) for d in found]

    def deployment_payloads(self, environment: str) -> list[dict[str, Any]]:
        """What was written into the deployments to an environment, newest first, whatever became of them."""
        with self._asking(f"reading the deployments to {environment}"):
            return [_payload(d.payload) for d in self._repo.get_deployments(environment=environment)]

    def deployments_of(self, environment: str, release: str) -> list[DeploymentRecord]:
        """Deployments to an environment that say they are of this release, whatever the commit, newest first."""
        with self._asking(f"reading the deployments to {environment}"):
            found = self._repo.get_deployments(environment=environment)
            return [self._deployment(d) for d in found if _payload(d.payload).get("release") == release]

    def newest_successful_deployment(self, environment: str) -> DeploymentRecord | None:
        with self._asking(f"reading the deployments to {environment}"):
            found = self._repo.get_deployments(environment=environment)
            return next((r for r in map(self._deployment, found) if r.state == "success"), None)

    def deployments_since_success(self, environment: str) -> list[DeploymentRecord]:
        """Deployments to an environment that are newer than its newest successful one, newest first."""
        return [r for r in self.deployments_until_success(environment) if r.state != "success"]

    def deployments_until_success(self, environment: str) -> list[DeploymentRecord]:
        """The same with the newest successful one, if there is one, as the last."""
        found: list[DeploymentRecord] = []
        with self._asking(f"reading the deployments to {environment}"):
            for record in map(self._deployment, self._repo.get_deployments(environment=environment)):
                found.append(record)
                if record.state == "success":
                    break
        return found

    def create_deployment(self, environment: str, sha: str, payload: dict[str, Any], *, text: str) -> None:
        """Record that `sha` goes to `environment`.

        Raises:
            NeedsHuman: GitHub did something else than recording it.
        """
        with self._asking(f"recording the deployment to {environment}"):
            made = self._whole.create_deployment(
                sha,
                environment=environment,
                auto_merge=False,  # the default lets GitHub merge the default branch into our ref
                required_contexts=[],
                payload=payload,
                production_environment=environment == "production",
                description=text,
            )
        if not made.id or made.sha != sha:
            raise NeedsHuman(
                f"GitHub did not record a deployment of {sha[:12]} to {environment}", "look at its branches"
            )

    def set_deployment_status(self, deployment: int, state: str, *, text: str, url: str) -> None:
        with self._asking(f"saying that deployment {deployment} is {state}"):
            self._whole.get_deployment(deployment).create_status(
                state,
                description=text[:140],
                target_url=url or NotSet,
                auto_inactive=state == "success",
            )

    def _deployment(self, found: Any) -> DeploymentRecord:  # noqa: ANN401 - PyGithub's class is untyped here
        newest = next(iter(found.get_statuses()), None)
        return DeploymentRecord(
            id=found.id,
            sha=found.sha,
            environment=found.environment,
            payload=_payload(found.payload),
            state=newest.state if newest else "",
            url=found.url,
            created_at=found.created_at,
            state_since=newest.created_at if newest else found.created_at,
            run_url=(newest.target_url or "") if newest else "",
        )


def _payload(found: Any) -> dict[str, Any]:  # noqa: ANN401 - GitHub gives an object or its text
    if isinstance(found, str):
        found = json.loads(found) if found.startswith("{") else {}
    return found if isinstance(found, dict) else {}
