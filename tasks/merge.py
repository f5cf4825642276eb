"""Steps 7 and 8: the merge commit whose tree is the rehearsed tree, and the tag on it."""

import logging
from typing import NoReturn

from tasks.evidence import note
from tasks.record import ensure_nothing_asked
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.release import Candidate, Proposal, Release
from tasks.rules.texts import merge_message, merge_title, tag_message
from tasks.step import ensure, stop_if_cancelled
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo, PullRequest, Refused

log = logging.getLogger(__name__)


@ensure("merge")
def ensure_merged(release: Release, proposal: Proposal) -> str:
    """The candidate is merged by a merge commit with the candidate's tree; returns that commit.

    Raises:
        NeedsHuman: it was merged in another way, or GitHub does not allow the merge.
        TryAgain: GitHub cannot say yet whether it can be merged.
    """
    hub, candidate = GitHubRepo(release.repository), proposal.candidate
    pull = hub.pull_request(proposal.number)
    if pull.state != "merged":
        stop_if_cancelled()
    mirror = Mirror(release.repository).fetch()
    # Git is asked, too: GitHub may still show what it has merged as open, and then that merge has moved production.
    if pull.state != "merged" and _merge_of(candidate, mirror, release) is None:
        _insist_on_production_inside(release, candidate, mirror)
        merge_by_commit(
            hub,
            proposal.number,
            candidate.commit,
            title=merge_title(release, proposal.number),
            message=merge_message(release),
        )
        pull = hub.pull_request(proposal.number)
        mirror.fetch()
    commit = _merge_of(candidate, mirror, release) or _not_merged(release, candidate, pull)
    _insist_on_same_tree(release, candidate, commit)
    facts = {"commit": commit, "tree": candidate.tree, "number": proposal.number}
    note(release.repository, release.name, "merged", facts)
    ensure_nothing_asked(release, hub, f"approved, and merged as {commit[:12]}")
    return commit


def merge_by_commit(hub: GitHubRepo, number: int, head: str, *, title: str, message: str) -> None:
    """Merge a pull request at `head`, and tell apart what may pass from what needs people.

    Raises:
        NeedsHuman: a conflict, a rule of the repository, or a moved head.
        TryAgain: GitHub is still computing whether it can be merged.
    """
    try:
        hub.merge_pull_request(number, head=head, title=title, message=message)
    except Refused as error:
        # 405 and 409 mean three things each; a fresh look tells which, the text does not.
        now = hub.pull_request(number)
        if now.state == "merged":
            return
        if now.head_sha != head:
            raise NeedsHuman(
                f"#{number} moved to {now.head_sha[:12]} while it was merged", "retry"
            ) from error
        if hub.mergeable(number) is None:
            raise TryAgain(f"GitHub still computes whether #{number} can be merged", "retry") from error
        raise NeedsHuman(
            error.problem, f"see what #{number} says about merging, mend that, then retry"
        ) from error


@ensure("tag")
def ensure_tagged(release: Release, commit: str) -> str:
    """The version's tag is on the merge commit; returns that commit.

    Raises:
        NeedsHuman: the tag is there, on another commit.
        TryAgain: GitHub does not show it yet.
    """
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    if release.tag not in mirror.tags():
        stop_if_cancelled()
        try:
            hub.create_tag(release.tag, commit, tag_message(release), when=mirror.commit(commit).time)
        except Refused as error:
            log.info("GitHub did not create the tag: %s", error.problem)
        mirror.fetch()
    found = mirror.tags().get(release.tag)
    if found is None:
        raise TryAgain(
            f"GitHub does not show the tag {release.tag} yet", "nothing now: the step looks again by itself"
        )
    if found != commit:
        raise NeedsHuman(
            f"the tag {release.tag} is on {found[:12]}, this release was merged as {commit[:12]}",
            "find out who set the tag; dabflow never moves one. Delete it, or release the next version",
        )
    note(release.repository, release.name, "tagged", {"tag": release.tag, "commit": commit})
    return commit


def _insist_on_production_inside(release: Release, candidate: Candidate, mirror: Mirror) -> None:
    production = release.settings.branches.production
    if not mirror.is_ancestor(mirror.branches()[production], candidate.commit):
        raise NeedsHuman(
            f"{production} moved: {release.branch} no longer contains it, so the merge would hold what nobody rehearsed",
            f"merge {production} into {release.branch} and push it; the new commit is rehearsed and asked about",
        )


def _merge_of(candidate: Candidate, mirror: Mirror, release: Release) -> str | None:
    """The commit that brought the candidate into production's branch, as git has it."""
    head = mirror.branches()[release.settings.branches.production]
    for commit in mirror.first_parent_commits(after=candidate.commit, upto=head):
        if len(commit.parents) > 1 and commit.parents[1] == candidate.commit:
            return commit.sha
    return None


def _not_merged(release: Release, candidate: Candidate, pull: PullRequest) -> NoReturn:
    """Why git has no merge commit of the candidate.

    Raises:
        TryAgain: it may come.
        NeedsHuman: it was merged in another way.
    """
    if pull.state != "merged":
        raise TryAgain(
            f"GitHub does not show #{pull.number} as merged yet", "nothing now: it is looked at again"
        )
    raise NeedsHuman(
        f"#{pull.number} is merged, but not by a merge commit of {candidate.commit[:12]}",
        f"dabflow needs merge commits into {release.settings.branches.production}: release the next version,"
        " and let dabflow merge it",
    )


def _insist_on_same_tree(release: Release, candidate: Candidate, commit: str) -> None:
    tree = Mirror(release.repository).tree(commit)
    if tree != candidate.tree:
        raise NeedsHuman(
            f"the merge commit {commit[:12]} does not hold what was rehearsed"
            f" (tree {tree[:12]}, rehearsed {candidate.tree[:12]})",
            f"nothing was deployed. Bring {release.settings.branches.production} back in line by a new release",
        )
