"""What production runs is taken over as it is: from then on a release may overwrite it."""

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from tasks.known_state import ADOPTED, ADOPTS, BUNDLES, recorded_of
from tasks.rules.errors import TryAgain
from tasks.rules.known_state import Recorded
from tasks.rules.release import PRODUCTION, BundleRuns
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo

log = logging.getLogger(__name__)

NOTHING: Mapping[str, str] = MappingProxyType({})


def ensure_adopted(
    mirror: Mirror, hub: GitHubRepo, runs: str, facts: Mapping[str, str], bundles: Mapping[str, str] = NOTHING
) -> bool:
    """GitHub's newest successful record of production names the commit that runs there; false where it did before.

    Args:
        mirror: of the repository, fetched.
        hub: the repository on GitHub.
        runs: the commit that production's metadata names; the repository need not have it.
        facts: who took it over and why, kept in the record.
        bundles: the commit that each of several bundles names, by its root path; empty where all name `runs`.

    Raises:
        TryAgain: GitHub does not show it yet.
    """
    newest = hub.newest_successful_deployment(PRODUCTION)
    recorded = recorded_of(newest)
    if recorded == Recorded(runs, adopted=True, bundles=bundles) or (
        recorded == Recorded(runs) and not bundles
    ):
        return False
    # GitHub records only what the repository has; a stranger is recorded where the last release is.
    at = runs if mirror.has(runs) or newest is None else newest.sha
    named = {BUNDLES: dict(bundles)} if bundles else {}
    payload = {**facts, "release": f"{hub.slug}@{ADOPTED}", ADOPTS: runs, **named}
    text = f"production runs {runs[:12]}: {facts.get('reason', '')}"
    hub.create_deployment(PRODUCTION, at, payload, text=text[:140])
    made = next((r for r in hub.deployments(PRODUCTION, at) if _takes_over(r, runs, bundles)), None)
    if made is None:
        raise TryAgain("GitHub does not show the record yet", "nothing now: it is looked at again")
    hub.set_deployment_status(made.id, "success", text=text, url="")
    log.info("production runs %s: recorded", runs[:12])
    return True


def _takes_over(record: DeploymentRecord, runs: str, bundles: Mapping[str, str]) -> bool:
    return record.payload.get(ADOPTS) == runs and (record.payload.get(BUNDLES) or {}) == bundles


def foreign(runs: Sequence[BundleRuns], recorded: Recorded | None) -> list[str]:
    """The commits that bundles name and that the last release did not leave there, each once."""
    found = (one.commit for one in runs if recorded is None or not recorded.left(one))
    return sorted({commit for commit in found if commit})


def by_root(runs: Sequence[BundleRuns]) -> dict[str, str]:
    """What is to be recorded beside the one commit: what each bundle names, where they do not all name the same."""
    named = {one.root_path: one.commit for one in runs if one.commit}
    return named if len(set(named.values())) > 1 else {}
