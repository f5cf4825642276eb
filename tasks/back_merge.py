"""Step 12: what production has is in develop and in every open release again, proved by ancestry."""

import logging
from collections.abc import Sequence

from tasks.evidence import chain_in, note
from tasks.notify import notify
from tasks.plan_release import versions_in
from tasks.propose import ensure_comment, ensure_said
from tasks.rules.errors import NeedsHuman
from tasks.rules.news import conflict, in_production
from tasks.rules.overview import may_still_go
from tasks.rules.phases import Phase
from tasks.rules.release import Release
from tasks.rules.sync_text import contained_line, moot_comment
from tasks.rules.syncs import Sync, Synced, is_into
from tasks.rules.texts import control_comment
from tasks.rules.waiting import Waiting
from tasks.standing import current_pull_request
from tasks.step import ensure
from tasks.sync import brought, delete_branch, waiting_for
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)


@ensure("look where it must go back to")
def back_merge_destinations(release: Release) -> tuple[str, ...]:
    """Develop, and the branch of every later release that is neither merged nor rejected."""
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    branches, tags = mirror.branches(), mirror.tags()
    names = release.settings.branches
    later = may_still_go(
        release.version,
        versions_in(branches, names.release_prefix),
        versions_in(tags, release.settings.tag_prefix),
    )
    open_ones = [release.settings.release_branch(v) for v in later]
    return (names.develop, *(b for b in open_ones if _is_open(hub, b, names.production, branches[b])))


@ensure("back-merge into {into}")
def ensure_back_merged(release: Release, into: str) -> Synced:
    """The branch `into` contains the release's tag, or an open pull request says what that waits for.

    Raises:
        NeedsHuman: the sync branch is somebody else's, or the tag is gone.
        TryAgain: GitHub does not show a step of it yet.
    """
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    commit = mirror.tags().get(release.tag)
    if commit is None:
        raise NeedsHuman(f"the tag {release.tag} is gone", "find out who deleted it, restore it, then retry")
    synced = brought(release, Sync(str(release.version), commit, into), mirror, hub)
    if synced.done and chain_in(mirror, release.name).last("back-merged", into=into) is None:
        note(release.repository, release.name, "back-merged", {"into": into})
    return synced


@ensure("tell how the back-merge goes")
def ensure_back_merge_told(release: Release, synced: Sequence[Synced]) -> Waiting | None:
    """The release's pull request says where it is contained; returns what the run waits for, None if it is finished.

    The branch of a finished release is gone, unless somebody went on with it.
    """
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    pending = [one for one in synced if not one.done]
    pull = current_pull_request(hub, release.branch, release.settings.branches.production, None)
    if pull is not None and not release.given_up:  # else the comment says what became of it
        phase = Phase.PUBLISHED if pending else Phase.BACK_MERGED
        missing = [one.missing for one in pending]
        text = control_comment(release, phase, missing=missing, note=contained_line(synced))
        ensure_comment(release, hub, pull.number, text)
        # Only where the run ended right before it could be said.
        notify(release, in_production(release, "", pull.url))
    notify(release, *(conflict(release, one) for one in pending if one.for_people))
    if pending:
        return waiting_for(release, pending, question="back-merge")
    _ensure_branch_gone(release, mirror, hub)
    return None


def _is_open(hub: GitHubRepo, branch: str, production: str, head: str) -> bool:
    pull = current_pull_request(hub, branch, production, head)
    return pull is None or pull.state == "open"


def _ensure_branch_gone(release: Release, mirror: Mirror, hub: GitHubRepo) -> None:
    branches = mirror.branches()
    for name in branches:
        if is_into(name, release.branch):
            _end(release, mirror, hub, name)
    head, develop = branches.get(release.branch), branches[release.settings.branches.develop]
    if head is None or not mirror.is_ancestor(head, develop):
        return
    if hub.open_into(release.branch):
        # GitHub would let them aim at production's branch.
        log.info("%s stays: pull requests into it are open", release.branch)
        return
    delete_branch(hub, release.branch)


def _end(release: Release, mirror: Mirror, hub: GitHubRepo, branch: str) -> None:
    """What was still on its way into the branch of a finished release ends here: that contains it by now.

    Where GitHub has deleted the release's branch, it lets such a pull request aim at production's.
    """
    for base in (release.branch, release.settings.branches.production):
        for pull in hub.pull_requests(branch, base, state="open"):
            text = moot_comment(release.repository, branch, release.branch)
            ensure_said(hub, pull.number, text.split("\n", 1)[0], text)
            hub.close_pull_request(pull.number)
    branches = mirror.branches()
    if mirror.is_ancestor(branches[branch], branches[release.settings.branches.develop]):
        delete_branch(hub, branch)
