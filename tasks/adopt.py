"""What production runs is taken over as it is: from then on a release may overwrite it."""

import logging
from collections.abc import Mapping

from tasks.known_state import ADOPTED, ADOPTS, recorded_of
from tasks.rules.errors import TryAgain
from tasks.rules.release import PRODUCTION
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)


def ensure_adopted(mirror: Mirror, hub: GitHubRepo, runs: str, facts: Mapping[str, str]) -> bool:
    """GitHub's newest successful record of production names the commit that runs there; false where it did before.

    Args:
        mirror: of the repository, fetched.
        hub: the repository on GitHub.
        runs: the commit that production's metadata names; the repository need not have it.
        facts: who took it over and why, kept in the record.

    Raises:
        TryAgain: GitHub does not show it yet.
    """
    newest = hub.newest_successful_deployment(PRODUCTION)
    recorded = recorded_of(newest)
    if recorded is not None and recorded.commit == runs:
        return False
    # GitHub records only what the repository has; a stranger is recorded where the last release is.
    at = runs if mirror.has(runs) or newest is None else newest.sha
    payload = {**facts, "release": f"{hub.slug}@{ADOPTED}", ADOPTS: runs}
    text = f"production runs {runs[:12]}: {facts.get('reason', '')}"
    hub.create_deployment(PRODUCTION, at, payload, text=text[:140])
    made = next((r for r in hub.deployments(PRODUCTION, at) if r.payload.get(ADOPTS) == runs), None)
    if made is None:
        raise TryAgain("GitHub does not show the record yet", "nothing now: it is looked at again")
    hub.set_deployment_status(made.id, "success", text=text, url="")
    log.info("production runs %s: recorded", runs[:12])
    return True
