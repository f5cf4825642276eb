"""Before step 3: a release contains what production has, also what was shipped after it was cut."""

import logging

from tasks.evidence import note
from tasks.notify import notify
from tasks.propose import ensure_comment
from tasks.rules.news import conflict
from tasks.rules.phases import Phase
from tasks.rules.release import Candidate, Release
from tasks.rules.syncs import Sync, Synced, name_of
from tasks.rules.texts import control_comment
from tasks.rules.waiting import Waiting
from tasks.standing import current_pull_request
from tasks.step import ensure
from tasks.sync import brought, waiting_for
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)


@ensure("take in production's branch")
def ensure_production_inside(release: Release, candidate: Candidate) -> Synced | None:
    """None where the candidate contains production's branch; else the release's branch does now, or it waits.

    What is brought in is a new candidate: look at the branch again.

    Raises:
        NeedsHuman: the sync branch is somebody else's.
        TryAgain: GitHub does not show a step of it yet.
    """
    mirror = Mirror(release.repository)  # as the cut has just seen it
    production = mirror.branches()[release.settings.branches.production]
    merged = mirror.is_ancestor(candidate.commit, production)
    if merged or mirror.is_ancestor(production, candidate.commit):
        return None
    hub = GitHubRepo(release.repository)
    tagged = [name for name, commit in mirror.tags().items() if commit == production]
    what = name_of(production, mirror.commit(production).message, tagged, release.settings)
    synced = brought(release, Sync(what, production, release.branch), mirror.fetch(), hub)
    if synced.done:
        facts = {"what": what, "commit": production, "into": release.branch}
        note(release.repository, release.name, "brought in", facts)
    return synced


@ensure("tell what the release lacks")
def ensure_lack_told(release: Release, synced: Synced) -> Waiting:
    """The release's pull request, if there is one, says what must be resolved first; returns what the run waits for."""
    hub = GitHubRepo(release.repository)
    pull = current_pull_request(hub, release.branch, release.settings.branches.production, None)
    if pull is not None and pull.state == "open":
        text = control_comment(release, Phase.CUT, missing=[synced.missing])
        ensure_comment(release, hub, pull.number, text)
    if synced.for_people:
        notify(release, conflict(release, synced))
    return waiting_for(release, [synced], question=f"keep-up-{synced.sync.commit[:12]}")
