"""Step 12 of a hotfix: the pull request that it began with knows where its fix is, and its branch is tidied away."""

import logging
from collections.abc import Sequence

from tasks.evidence import chain_in
from tasks.fix import commits_of, lost_without
from tasks.rules.errors import TryAgain
from tasks.rules.fix_text import Told, origin_comment, origin_marker
from tasks.rules.fixes import Leftover, kept_because
from tasks.rules.outcomes import given_up
from tasks.rules.release import Fix, Release
from tasks.standing import current_pull_request
from tasks.step import ensure
from tasks.systems.git_push import NotTaken, push
from tasks.systems.git_repo import Commit, Mirror
from tasks.systems.github_repo import GitHubRepo, PullRequest

log = logging.getLogger(__name__)


@ensure("tell the original pull request")
def ensure_original_told(release: Release) -> None:
    """The original pull request has our comment, and is closed; its branch is gone if nobody needs it any more.

    The comment comes last: where it is, all is done. A branch without a pull request is left alone, and so is what
    did not stay in production.

    Raises:
        TryAgain: GitHub does not show it yet.
    """
    fix = release.fix
    if fix is None or not fix.number or fix.branch == release.branch:
        return
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    if hub.comment(fix.number, origin_marker(release)) or given_up(chain_in(mirror, release.name)):
        return
    hub.add_comment(fix.number, origin_comment(release, _done(release, fix, mirror, hub)))
    if not hub.comment(fix.number, origin_marker(release)):
        raise TryAgain("GitHub does not show our comment yet", "nothing now: it is looked at again")
    log.info("#%d knows that %s is in production", fix.number, release.version)


def _done(release: Release, fix: Fix, mirror: Mirror, hub: GitHubRepo) -> Told:
    """What is done to the pull request and its branch, looked up and done by now."""
    tag, pull = mirror.tags()[release.tag], hub.pull_request(fix.number)
    own = commits_of(mirror, hub, fix.number)
    lacking = lost_without(mirror, own, tag)
    if pull.state == "open" and not lacking:
        hub.close_pull_request(fix.number)
    by = current_pull_request(hub, release.branch, release.settings.branches.production, None)
    published = hub.release(release.tag)
    return Told(
        number=by.number if by else 0,
        url=published.url if published else "",
        closed=pull.state != "merged" and not lacking,
        lacking=lacking if pull.state == "open" else (),
        kept=_kept(release, mirror, hub, pull, own),
    )


def _kept(release: Release, mirror: Mirror, hub: GitHubRepo, pull: PullRequest, own: Sequence[Commit]) -> str:
    """Why the branch is still there; "" where it is deleted."""
    left = _leftover(release, mirror, hub, pull, own)
    because = kept_because(left, release.settings, release.version)
    if because or left.head is None:
        return because
    try:
        push(mirror, f"refs/heads/{left.branch}", "", seen=left.head)
    except NotTaken as error:
        log.info("%s", error.problem)
    now = mirror.fetch().branches().get(left.branch)
    if now is None:
        return ""
    return "GitHub does not let it be deleted" if now == left.head else "somebody went on with it meanwhile"


def _leftover(
    release: Release, mirror: Mirror, hub: GitHubRepo, pull: PullRequest, own: Sequence[Commit]
) -> Leftover:
    if ":" in pull.head:
        return Leftover(pull.head, pull.head_sha, in_fork=True)
    branches, tag = mirror.branches(), mirror.tags()[release.tag]
    head = branches.get(pull.head)
    if head is None:
        return Leftover(pull.head, None)
    known = {
        commit.sha for commit in mirror.commits(after=tag, upto=branches[release.settings.branches.develop])
    }
    later = [c for c in mirror.commits(after=pull.head_sha, upto=head) if c.sha not in known]
    return Leftover(
        branch=pull.head,
        head=head,
        default=mirror.default_branch(),
        protected=hub.is_protected(pull.head),
        used_by=[number for number in hub.open_pull_requests_of(pull.head) if number != pull.number],
        lacking=lost_without(mirror, [*own, *later], tag),
    )
