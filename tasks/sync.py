"""Bring a commit into a branch, by a merge that people can follow: a branch of its own, a pull request, a merge commit.

These are plain functions: whatever step brings something somewhere calls them, in its own retry. Two runs may bring
the same commit to the same place at the same time: they meet on one branch and one pull request.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

from tasks.conflicts import clashes_of
from tasks.merge import merge_by_commit
from tasks.propose import ensure_said
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.release import Release
from tasks.rules.sync_text import (
    done_comment,
    lost_comment,
    missing,
    obstacle_comment,
    sync_body,
    sync_marker,
    sync_message,
    sync_title,
    under_way_comment,
)
from tasks.rules.syncs import Against, Looked, Obstacle, Sync, Synced, against, fingerprint, joined, next_look
from tasks.rules.waiting import Waiting
from tasks.systems import clock
from tasks.systems.git_merges import Merges
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo, PullRequest, Refused

log = logging.getLogger(__name__)

# A question that nobody answers would expire; a look at least once a day asks it anew.
LOOKS_EVERY, STANDS = timedelta(days=1), timedelta(days=30)
# GitHub may refuse for a moment only, as when somebody else merged just then.
_MAY_PASS = {Obstacle.CHECKS, Obstacle.REFUSED}
_FOR_PEOPLE = {Obstacle.CONFLICT, Obstacle.NO_MERGE_COMMITS, Obstacle.FAILING, Obstacle.REFUSED}


def contained(mirror: Mirror, sync: Sync) -> bool:
    """Whether the branch contains the commit, as of the mirror's last fetch: by ancestry, never by what files hold.

    Raises:
        TryAgain: there is no such branch now.
    """
    head = mirror.branches().get(sync.into)
    if head is None:
        raise TryAgain(f"GitHub does not show {sync.into}", "nothing now: it is looked at again")
    return mirror.is_ancestor(sync.commit, head)


def brought(release: Release, sync: Sync, mirror: Mirror, hub: GitHubRepo) -> Synced:
    """Everything is done that needs no people for a commit to get into a branch; the mirror is fetched.

    Raises:
        NeedsHuman: the sync branch is somebody else's.
        TryAgain: GitHub does not show a step of it yet.
    """
    if contained(mirror, sync):
        return _tidied(sync, mirror, hub)
    pull = _ensure_pull_request(sync, mirror, hub)
    if pull is None:
        return _tidied(sync, mirror, hub)
    sync = replace(sync, number=pull.number)
    looked = look(sync, mirror, hub)
    mode = release.settings.back_merge.mode
    found = against(looked, mode, merge_commits=hub.merge_commits_allowed)
    found = found or _merge(sync, looked, hub)
    if found is not None:
        return replace(_waits(release, sync, looked, found, mirror, hub), url=pull.url)
    if not contained(mirror.fetch(), sync):
        raise TryAgain(
            f"#{sync.number} is merged, but git does not show {sync.what} in {sync.into} yet",
            "nothing now: it is looked at again",
        )
    return _tidied(sync, mirror, hub)


def look(sync: Sync, mirror: Mirror, hub: GitHubRepo) -> Looked:
    """What git, as of the mirror's last fetch, and GitHub show about a commit on its way (its pull request is open)."""
    pull, branches = hub.pull_request(sync.number), mirror.branches()
    head, into = branches.get(sync.branch), branches.get(sync.into)
    is_in = into is not None and mirror.is_ancestor(sync.commit, into)
    if pull.state != "open" or head is None or into is None:
        return Looked(contained=is_in, state=pull.state, head=head)
    required = hub.required_checks(sync.into)
    return Looked(
        contained=is_in,
        state=pull.state,
        head=head,
        conflicts=Merges(mirror).conflicts(into, head),
        required=required,
        checks=hub.checks(head) if required else {},
        reviews=[(review.id, review.state) for review in hub.reviews(sync.number)],
    )


def seen_of(syncs: Iterable[Sync], mirror: Mirror, hub: GitHubRepo) -> str:
    """The fingerprint of what may end the waiting for several commits on their way; the mirror is fetched."""
    return joined(fingerprint(look(sync, mirror, hub)) for sync in syncs)


def waiting_for(release: Release, pending: Sequence[Synced], *, question: str) -> Waiting:
    """What a run waits for until commits have got where they must be. It never expires while somebody looks."""
    now, first = clock.now(), pending[0].sync
    times = [synced.wake_at for synced in pending if synced.wake_at is not None]
    deadline = now + STANDS
    return Waiting(
        repository=release.repository,
        version=release.name,
        branch=first.branch,
        number=first.number,
        question=question,
        missing="; ".join(synced.missing for synced in pending),
        deadline=deadline,
        remind_at=deadline,
        wake_at=min([*times, now + LOOKS_EVERY]),
        seen=joined(synced.seen for synced in pending),
        syncs=tuple(synced.sync for synced in pending),
    )


def _ensure_branch(sync: Sync, mirror: Mirror, hub: GitHubRepo, before: PullRequest | None) -> None:
    """The sync branch is there and holds the commit; one that was deleted is made again as it was.

    What people did on an earlier pull request is kept so: GitHub still has its last commit.
    """
    if sync.branch not in mirror.branches():
        kept = before is not None and hub.contains(before.head_sha, sync.commit)
        try:
            hub.create_branch(sync.branch, before.head_sha if before and kept else sync.commit)
        except Refused as error:
            log.info("GitHub did not create %s: %s", sync.branch, error.problem)
        mirror.fetch()
    head = mirror.branches().get(sync.branch)
    if head is None:
        raise TryAgain(f"GitHub does not show {sync.branch} yet", "nothing now: it is looked at again")
    if not mirror.is_ancestor(sync.commit, head):
        raise NeedsHuman(
            f"{sync.branch} does not contain {sync.what} ({sync.commit[:12]})",
            "it is not dabflow's: delete or rename it, then retry",
        )


def _ensure_pull_request(sync: Sync, mirror: Mirror, hub: GitHubRepo) -> PullRequest | None:
    """The open pull request that carries the commit; None where the branch contains it after all.

    One that somebody closed is opened anew, and so is one that was merged without bringing the commit.
    """
    pulls = hub.pull_requests(sync.branch, sync.into)
    pull = pulls[0] if pulls else None
    if pull is not None and pull.state == "merged":
        if contained(mirror.fetch(), sync):
            return None
        _insist_that_git_shows(hub.pull_request(pull.number), mirror)
    _ensure_branch(sync, mirror, hub, pull)
    opened = pull if pull is not None and pull.state == "open" else _opened(sync, hub)
    for lost in (p for p in pulls if p.state == "merged"):
        text = lost_comment(hub.slug, sync, again=opened.number, merge_commits=hub.merge_commits_allowed)
        ensure_said(hub, lost.number, sync_marker(hub.slug, sync), text)
    return opened


def _insist_that_git_shows(pull: PullRequest, mirror: Mirror) -> None:
    """A merge that git does not show yet is no lost one."""
    if pull.merge_commit and not mirror.has(pull.merge_commit):
        raise TryAgain(
            f"#{pull.number} is merged, but git does not show {pull.merge_commit[:12]} yet",
            "nothing now: it is looked at again",
        )


def _opened(sync: Sync, hub: GitHubRepo) -> PullRequest:
    try:
        hub.open_pull_request(sync.branch, sync.into, title=sync_title(sync), body=sync_body(sync))
    except Refused as error:
        log.info("GitHub did not open the pull request: %s", error.problem)
    found = hub.pull_requests(sync.branch, sync.into, state="open")
    if not found:
        raise TryAgain(
            f"GitHub does not show the pull request from {sync.branch}",
            "nothing now: the step looks again by itself",
        )
    return found[0]


def _merge(sync: Sync, looked: Looked, hub: GitHubRepo) -> Against | None:
    """Merge it; what stands against that, where GitHub does not do it."""
    head = looked.head or ""
    try:
        merge_by_commit(hub, sync.number, head, title=sync_title(sync), message=sync_message(sync))
    except NeedsHuman as error:
        log.warning("#%d waits: %s", sync.number, error.problem)
        if hub.mergeable(sync.number) is False:
            return Against(Obstacle.CONFLICT)
        if hub.behind(sync.number):
            _catch_up(sync, hub)
        if looked.required and looked.checks is None:
            return Against(Obstacle.CHECKS, looked.required)
        return Against(Obstacle.REFUSED, said=error.problem)
    return None


def _catch_up(sync: Sync, hub: GitHubRepo) -> NoReturn:
    """The sync branch has the newest commits of the destination, as the rules there demand; its checks begin anew."""
    hub.merge_branch(sync.into, sync.branch, message=f"Merge {sync.into} into {sync.branch}")
    raise TryAgain(f"#{sync.number} was behind {sync.into}", "nothing now: it is looked at again")


def _waits(
    release: Release, sync: Sync, looked: Looked, found: Against, mirror: Mirror, hub: GitHubRepo
) -> Synced:
    """People can read on the pull request what it waits for."""
    first_line, mode = sync_marker(hub.slug, sync), release.settings.back_merge.mode
    if found.obstacle in _FOR_PEOPLE:
        clashes = clashes_of(sync, found.names, mirror, hub)
        text = obstacle_comment(hub.slug, sync, found, mode=mode, clashes=clashes)
        ensure_said(hub, sync.number, first_line, text)
    else:
        ensure_said(hub, sync.number, first_line, under_way_comment(hub.slug, sync), only_edit=True)
    since = mirror.commit(looked.head or sync.commit).time
    return Synced(
        sync,
        missing=missing(sync, found),
        wake_at=next_look(clock.now(), since=clock.moment(since)) if found.obstacle in _MAY_PASS else None,
        seen=fingerprint(looked),
        obstacle=found.obstacle,
    )


def _tidied(sync: Sync, mirror: Mirror, hub: GitHubRepo) -> Synced:
    """What brought the commit is gone or closed; a branch that holds more than its destination stays."""
    branches, done = mirror.branches(), Synced(replace(sync, number=0), done=True)
    head = branches.get(sync.branch)
    if head is None or not mirror.is_ancestor(sync.commit, head):
        return done
    for pull in hub.pull_requests(sync.branch, sync.into)[:1]:
        text = done_comment(hub.slug, sync)
        ensure_said(hub, pull.number, sync_marker(hub.slug, sync), text, only_edit=pull.state != "open")
        if pull.state == "open":
            hub.close_pull_request(pull.number)
    if mirror.is_ancestor(head, branches[sync.into]):
        delete_branch(hub, sync.branch)
    return done


def delete_branch(hub: GitHubRepo, name: str) -> None:
    try:
        hub.delete_branch(name)
    except Refused as error:
        log.info("%s is gone already: %s", name, error.problem)
