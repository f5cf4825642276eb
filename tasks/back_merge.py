"""Step 12: what production has is in develop again, proved by ancestry."""

import logging

from tasks.evidence import note
from tasks.merge import merge_by_commit
from tasks.propose import ensure_comment
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.phases import Phase
from tasks.rules.release import BackMerged, Release
from tasks.rules.texts import conflict_comment, control_comment, sync_body, sync_title
from tasks.standing import current_pull_request
from tasks.step import ensure
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo, PullRequest, Refused

log = logging.getLogger(__name__)


@ensure("back-merge")
def ensure_back_merged(release: Release) -> BackMerged:
    """Develop contains the release's tag, or an open pull request says what people must do for it.

    Raises:
        NeedsHuman: the sync branch is somebody else's.
        TryAgain: GitHub does not show a step of it yet.
    """
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    commit = mirror.tags()[release.tag]
    if _contained(release, mirror, commit):
        return _tidied(release, mirror, hub)
    head = _ensure_sync_branch(release, mirror, hub, commit)
    pull = _ensure_pull_request(release, hub, head)
    if pull is None or release.settings.back_merge.mode == "pull_request":
        return BackMerged(done=False, url=pull.url if pull else "")
    if not _merged(release, hub, pull, head):
        ensure_comment(release, hub, pull.number, conflict_comment(release))
        return BackMerged(done=False, url=pull.url)
    if not _contained(release, mirror.fetch(), commit):
        raise TryAgain(
            f"#{pull.number} is merged, but {release.settings.branches.develop} does not contain"
            f" {commit[:12]} yet",
            "if it was squashed: merge the production branch into develop with a merge commit, then retry",
        )
    return _tidied(release, mirror, hub)


def _contained(release: Release, mirror: Mirror, commit: str) -> bool:
    return mirror.is_ancestor(commit, mirror.branches()[release.settings.branches.develop])


def _ensure_sync_branch(release: Release, mirror: Mirror, hub: GitHubRepo, commit: str) -> str:
    if release.sync_branch not in mirror.branches():
        try:
            hub.create_branch(release.sync_branch, commit)
        except Refused as error:
            log.info("GitHub did not create %s: %s", release.sync_branch, error.problem)
        mirror.fetch()
    head = mirror.branches().get(release.sync_branch)
    if head is None:
        raise TryAgain(
            f"GitHub does not show {release.sync_branch} yet", "nothing now: it is looked at again"
        )
    if not mirror.is_ancestor(commit, head):
        raise NeedsHuman(
            f"{release.sync_branch} does not contain {release.version} ({commit[:12]})",
            "it is not this release's sync branch: delete or rename it, then retry",
        )
    return head


def _ensure_pull_request(release: Release, hub: GitHubRepo, head: str) -> PullRequest | None:
    develop = release.settings.branches.develop
    pull = _open_one(hub, release, head)
    if pull is None:
        try:
            hub.open_pull_request(
                release.sync_branch, develop, title=sync_title(release), body=sync_body(release)
            )
        except Refused as error:
            log.info("GitHub did not open the pull request: %s", error.problem)
        pull = _open_one(hub, release, head)
    if pull is None:
        raise TryAgain(
            f"GitHub does not show the pull request from {release.sync_branch}",
            "nothing now: the step looks again by itself",
        )
    return pull


def _open_one(hub: GitHubRepo, release: Release, head: str) -> PullRequest | None:
    """The sync pull request; one that somebody closed is opened anew, the fix must not be lost."""
    pull = current_pull_request(hub, release.sync_branch, release.settings.branches.develop, head)
    return pull if pull is not None and pull.state != "closed" else None


def _merged(release: Release, hub: GitHubRepo, pull: PullRequest, head: str) -> bool:
    if pull.state == "merged":
        return True
    try:
        merge_by_commit(
            hub,
            pull.number,
            head,
            title=sync_title(release),
            message=f"#{pull.number} from {release.sync_branch}",
        )
    except NeedsHuman as error:
        log.warning("the back-merge waits for people: %s", error.problem)
        return False
    return True


def _tidied(release: Release, mirror: Mirror, hub: GitHubRepo) -> BackMerged:
    """The branches of a finished release are gone, unless somebody went on with them, and GitHub says it is finished."""
    branches = mirror.branches()
    develop = branches[release.settings.branches.develop]
    for name in (release.sync_branch, release.branch):
        head = branches.get(name)
        if head is not None and mirror.is_ancestor(head, develop):
            _delete(hub, name)
    note(release.repository, release.name, "back-merged", {"into": release.settings.branches.develop})
    pull = current_pull_request(hub, release.branch, release.settings.branches.production, None)
    if pull is not None:
        ensure_comment(release, hub, pull.number, control_comment(release, Phase.BACK_MERGED))
    return BackMerged(done=True)


def _delete(hub: GitHubRepo, name: str) -> None:
    try:
        hub.delete_branch(name)
    except Refused as error:
        log.info("%s is gone already: %s", name, error.problem)
