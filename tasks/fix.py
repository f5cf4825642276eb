"""What a hotfix brings: the commits of a pull request or of a branch, and what they become on top of production.

These are plain functions: the steps that plan, cut and finish a hotfix call them, each in its own retry.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.rules.errors import NeedsHuman
from tasks.rules.fixes import (
    Offered,
    WantedFix,
    does_not_go,
    insist_on_branch,
    insist_on_fix,
    merge_with_changes,
)
from tasks.rules.release import Fix
from tasks.rules.settings import ReleaseSettings
from tasks.systems.git_fix import Conflict, fetch_pull, merged, not_in, oldest_first, own_changes, picked
from tasks.systems.git_repo import Commit, Mirror
from tasks.systems.github_repo import GitHubRepo, PullRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Onto:
    """What production runs: the tag of it, and its commit; `branch` is what the hotfix is to be called."""

    tag: str
    commit: str
    branch: str


def fix_of(mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, wanted: WantedFix, onto: Onto) -> Fix:
    """What was asked for, with exactly its own commits; with none where production has all of them already.

    Raises:
        NeedsHuman: it cannot become a hotfix; the text says why, and what to do.
        TryAgain: GitHub did not answer.
    """
    default = mirror.default_branch()
    if not wanted.pull_request:
        return _of_branch(mirror, settings, wanted.branch, onto, default=default)
    pull = hub.pull_request(wanted.pull_request)
    fix = Fix(pull.number, pull.head, pull.head_sha)
    insist_on_branch(fix, pull.base, settings, default=default)
    fetch_pull(mirror, pull.number)
    if _is_in(mirror, pull, onto.commit):
        return fix
    return _of_pull(mirror, hub, settings, pull, onto)


def put_onto(mirror: Mirror, fix: Fix, onto: Onto) -> str:
    """Make the fix on top of what production runs; returns the commit, which is `onto`'s where nothing was left.

    Raises:
        NeedsHuman: it conflicts; the text names the files, and how it is done by hand.
        TryAgain: the server did not give the files.
    """
    if fix.number:
        fetch_pull(mirror, fix.number)
    picks = not _stands_on(mirror, fix, onto.commit)
    try:
        if picks:
            return picked(mirror, not_in(mirror, fix.commits, onto.commit), onto.commit)
        return merged(mirror, fix.head, onto.commit, _merge_message(mirror, fix))
    except Conflict as found:
        raise does_not_go(
            fix, found.commit, found.files, branch=onto.branch, tag=onto.tag, picks=picks
        ) from found


def lacking(mirror: Mirror, commits: tuple[str, ...], head: str) -> list[str]:
    """The commits that `head` lacks: not contained, not named as picked, and they would change something there."""
    left = not_in(mirror, commits, head)
    try:
        return left if left and picked(mirror, left, head) != head else []
    except Conflict:
        return left


def lost_without(mirror: Mirror, commits: Sequence[Commit], head: str) -> list[str]:
    """The commits that would be lost if only `head` stayed: those that it lacks, merges with changes of their own too."""
    left = lacking(mirror, _plain(commits), head)
    merges = (commit for commit in commits if len(commit.parents) > 1)
    return [*left, *(c.sha for c in merges if not mirror.is_ancestor(c.sha, head) and own_changes(mirror, c))]


def commits_of(mirror: Mirror, hub: GitHubRepo, number: int) -> tuple[Commit, ...]:
    """The commits of a pull request that GitHub lists, merges too, parents before their children.

    Source: GitHub REST API, "List commits on a pull request": 250 at most.
    """
    pull = hub.pull_request(number)
    fetch_pull(mirror, number)
    return tuple(oldest_first(mirror, hub.commits_of_pull(number), pull.head_sha))


def _of_pull(
    mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, pull: PullRequest, onto: Onto
) -> Fix:
    names, tips = settings.branches, mirror.branches()
    own = commits_of(mirror, hub, pull.number)
    fix = Fix(pull.number, pull.head, pull.head_sha, _plain(own))
    if own and not _left(mirror, fix, pull, onto.commit):
        return replace(fix, commits=())
    carried = (
        _carried(mirror, fix.head, onto.commit, tips[names.develop]) if pull.base == names.production else []
    )
    offered = Offered(fix, pull.state, len(own), hub.commits_in_pull(pull.number), carried)
    insist_on_fix(offered, settings)
    _insist_on_plain_merges(mirror, fix, own, onto.commit)
    return fix


def _left(mirror: Mirror, fix: Fix, pull: PullRequest, production: str) -> list[str]:
    """The commits that are not known to be in production; of what is closed, those that would change something."""
    find = lacking if pull.state == "closed" else not_in
    return find(mirror, fix.commits, production)


def _of_branch(mirror: Mirror, settings: ReleaseSettings, branch: str, onto: Onto, *, default: str) -> Fix:
    tips, fix = mirror.branches(), Fix(0, branch)
    insist_on_branch(fix, "", settings, default=default)
    if branch not in tips:
        raise NeedsHuman(
            f"the repository has no branch {branch}",
            "check its name; of a fork, or where the branch is gone, name the pull request instead",
        )
    fix = replace(fix, head=tips[branch])
    if mirror.is_ancestor(fix.head, onto.commit):
        return fix
    develop = tips[settings.branches.develop]
    begins_in_develop = bool(_carried(mirror, fix.head, onto.commit, develop))
    own = mirror.commits(after=develop if begins_in_develop else onto.commit, upto=fix.head)
    in_order = tuple(oldest_first(mirror, [commit.sha for commit in own], fix.head)) if own else ()
    fix = replace(fix, commits=_plain(in_order))
    insist_on_fix(Offered(fix, "branch", len(own), len(own)), settings)
    _insist_on_plain_merges(mirror, fix, in_order, onto.commit)
    return fix


def _is_in(mirror: Mirror, pull: PullRequest, production: str) -> bool:
    """Whether production contains the pull request itself, or the commit by which it was merged or squashed."""
    known = [pull.head_sha, *([pull.merge_commit] if pull.merge_commit else [])]
    return any(mirror.is_ancestor(commit, production) for commit in known)


def _carried(mirror: Mirror, head: str, production: str, develop: str) -> list[str]:
    """Unreleased commits of develop below `head`; none where it came into develop as a whole, by a merge."""
    brought = [commit.sha for commit in mirror.commits(after=production, upto=head)]
    unreleased = {commit.sha for commit in mirror.commits(after=production, upto=develop)}
    carried = [sha for sha in brought if sha in unreleased]
    if head not in unreleased:
        return carried
    main_line = {c.sha for c in mirror.first_parent_commits(after=production, upto=develop)}
    return carried if main_line & set(carried) else []


def _stands_on(mirror: Mirror, fix: Fix, production: str) -> bool:
    """Whether all that the fix's branch has and production has not is its own: then it can be merged."""
    brought = mirror.commits(after=production, upto=fix.head)
    return {commit.sha for commit in brought if len(commit.parents) < 2} <= set(fix.commits)  # noqa: PLR2004


def _insist_on_plain_merges(mirror: Mirror, fix: Fix, own: tuple[Commit, ...], production: str) -> None:
    """A merge is left out when its branch is picked: it must not hold anything that no commit holds."""
    if _stands_on(mirror, fix, production):
        return
    for commit in own:
        if len(commit.parents) > 1 and (files := own_changes(mirror, commit)):
            raise merge_with_changes(fix, commit.sha, files)


def _plain(commits: Sequence[Commit]) -> tuple[str, ...]:
    return tuple(commit.sha for commit in commits if len(commit.parents) < 2)  # noqa: PLR2004


def _merge_message(mirror: Mirror, fix: Fix) -> str:
    what = f"pull request #{fix.number} from {fix.branch}" if fix.number else f"branch '{fix.branch}'"
    subject = mirror.commit(fix.head).message.split("\n", 1)[0]
    return f"Merge {what}\n\n{subject}"
