"""The question to people as GitHub keeps it: a Deployment to production that is queued until it is answered.

GitHub writes the time of it, so "reviewed after the plan was shown" is told by one clock, and nobody can edit it.
"""

import logging
from datetime import datetime

from tasks.record import ensure_nothing_asked
from tasks.rules.errors import TryAgain
from tasks.rules.release import PRODUCTION, Candidate, Release
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo

log = logging.getLogger(__name__)

_OVER = "inactive"


def ensure_asked(release: Release, hub: GitHubRepo, candidate: Candidate, digest: str) -> datetime:
    """GitHub has one open question about this commit and this plan; returns since when.

    Raises:
        TryAgain: GitHub does not show it yet.
    """
    found = asked_since(release, hub, candidate, digest)
    if found is None:
        ensure_nothing_asked(release, hub, "another plan is asked about now")
        payload = {"release": release.key, "asks": digest, "requested_by": release.requested_by}
        text = f"{release.version} waits for approval"
        hub.create_deployment(PRODUCTION, candidate.commit, payload, text=text)
        found = asked_since(release, hub, candidate, digest)
    if found is None:
        raise TryAgain("GitHub does not show the question's record yet", "nothing now: it is looked at again")
    if found.state != "queued":
        hub.set_deployment_status(
            found.id, "queued", text=f"{release.version} waits for approval", url=release.run_url
        )
    return found.created_at


def asked_since(
    release: Release, hub: GitHubRepo, candidate: Candidate, digest: str
) -> DeploymentRecord | None:
    """The open question about this commit and this plan, if GitHub has it."""
    records = hub.deployments(PRODUCTION, candidate.commit)
    return next((r for r in records if _asks(r, release) and r.payload["asks"] == digest), None)


def _asks(record: DeploymentRecord, release: Release) -> bool:
    return record.payload.get("release") == release.key and "asks" in record.payload and record.state != _OVER
