"""Step 2: the branch of a release or hotfix, and which commit on it is the candidate now."""

import logging

from tasks.cut_hotfix import create_hotfix, insist_on_fix_inside
from tasks.evidence import chain_in, note
from tasks.plan_release import versions_in
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.fixes import asked_facts
from tasks.rules.overview import insist_on_going_up, insist_on_own_number
from tasks.rules.phases import Phase
from tasks.rules.release import Candidate, Release
from tasks.standing import current_pull_request, settings_at
from tasks.step import ensure
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo, Refused

log = logging.getLogger(__name__)


@ensure("cut {release.branch}")
def ensure_cut(release: Release) -> Candidate:
    """The branch exists, and its head is the candidate; it may lack what production got since it was cut.

    After the merge the branch need not exist any more: the candidate is what was merged.

    Raises:
        NeedsHuman: the branch is somebody else's, was rejected, or a later version was released meanwhile.
    """
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    head = mirror.branches().get(release.branch)
    pull = current_pull_request(hub, release.branch, release.settings.branches.production, head)
    if pull is not None and pull.state == "merged":
        return _candidate(mirror, pull.head_sha)
    if pull is not None and pull.state == "closed":
        raise NeedsHuman(
            f"{release.version} was rejected: #{pull.number} is closed",
            Phase.REJECTED.next_step_of(release.kind),
        )
    _insist_on_number(release, mirror)
    if head is not None:
        log.info("%s is there, at %s", release.branch, head[:12])
        _insist_that_it_is_ours(release, mirror, head)
        insist_on_fix_inside(release, mirror, head)
    elif release.fix:
        head = create_hotfix(release, mirror, release.fix)
    else:
        head = _create(release, mirror, hub)
    note(release.repository, release.name, "asked", asked_facts(release))
    return _candidate(mirror, head)


def _create(release: Release, mirror: Mirror, hub: GitHubRepo) -> str:
    try:
        hub.create_branch(release.branch, release.source)
    except Refused as error:
        # Somebody was faster, perhaps we ourselves with an answer that was lost: the look below decides.
        log.info("GitHub did not create %s: %s", release.branch, error.problem)
    head = mirror.fetch().branches().get(release.branch)
    if head is None:
        raise TryAgain(
            f"GitHub does not show {release.branch} yet", "nothing now: the step looks again by itself"
        )
    return head


def _insist_on_number(release: Release, mirror: Mirror) -> None:
    settings, version = release.settings, release.version
    tagged, branches = versions_in(mirror.tags(), settings.tag_prefix), mirror.branches()
    both = {settings.release_branch(version), settings.hotfix_branch(version)}
    [other] = both - {release.branch}
    insist_on_going_up(version, tagged, branch=release.branch, develop=settings.branches.develop)
    insist_on_own_number(version, tagged, branch=release.branch, other=other, branches=branches)


def _insist_that_it_is_ours(release: Release, mirror: Mirror, head: str) -> None:
    """One that lacks production's branch was overtaken if a start of dabflow asked for it, else it is a foreign one."""
    production = release.settings.branches.production
    if mirror.is_ancestor(mirror.branches()[production], head) or head == release.source:
        return
    if chain_in(mirror, release.name).last("asked") is None:
        raise NeedsHuman(
            f"{release.branch} at {head[:12]} does not contain {production}",
            f"merge {production} into {release.branch} and push it; dabflow then rehearses the new commit."
            f" If {release.branch} is not a branch of this release, delete it",
        )


def _candidate(mirror: Mirror, commit: str) -> Candidate:
    return Candidate(commit, mirror.tree(commit), settings_at(mirror, commit))
