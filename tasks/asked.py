"""The question to people as GitHub keeps it: a Deployment to production that is queued until it is answered.

GitHub writes the time of it, so "reviewed after the plan was shown" is told by one clock, and nobody can edit it.
"""

from datetime import datetime

from tasks.record import ensure_nothing_asked, ensure_state, open_records
from tasks.rules.errors import TryAgain
from tasks.rules.release import PRODUCTION, Candidate, Release
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo


def ensure_asked(release: Release, hub: GitHubRepo, candidate: Candidate, digest: str) -> datetime:
    """GitHub has one open question about this commit and this plan; returns since when.

    Raises:
        TryAgain: GitHub does not show it yet.
    """
    found, text = asked_since(release, hub, candidate, digest), f"{release.version} waits for approval"
    if found is None:
        ensure_nothing_asked(release, hub, "another plan is asked about now")
        payload = {"release": release.key, "asks": digest, "requested_by": release.requested_by}
        hub.create_deployment(PRODUCTION, candidate.commit, payload, text=text)
        found = asked_since(release, hub, candidate, digest)
    if found is None:
        raise TryAgain("GitHub does not show the question's record yet", "nothing now: it is looked at again")
    ensure_state(release, hub, found, "queued", text)
    return found.created_at


def asked_since(
    release: Release, hub: GitHubRepo, candidate: Candidate, digest: str
) -> DeploymentRecord | None:
    """The open question about this commit and this plan, if GitHub has it."""
    records = open_records(release, hub, PRODUCTION, asks=True)
    about = (candidate.commit, digest)
    return next((r for r in records if (r.sha, r.payload["asks"]) == about), None)
