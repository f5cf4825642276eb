"""Step 5: the pull request that people review, the plan they read, and the comment that always tells where it stands."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tasks.asked import asked_since, ensure_asked
from tasks.evidence import chain_of, note, page_url
from tasks.notify import notify
from tasks.record import record_of
from tasks.rules.approved import approved_before, shown_facts
from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.rules.markdown import fenced
from tasks.rules.news import in_production, stopped
from tasks.rules.notes import Change, release_notes
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, Candidate, Examined, Fix, Proposal, Release
from tasks.rules.settings import SYNC_PREFIX
from tasks.rules.texts import SHORT, control_comment, marker, pr_body, pr_title
from tasks.standing import current_pull_request, phase_of_release, pull_request_of
from tasks.step import ensure
from tasks.systems import connections
from tasks.systems.git_repo import Commit, Mirror
from tasks.systems.github_repo import GitHubRepo, PullRequest, Refused

log = logging.getLogger(__name__)

_MERGED = re.compile(r"Merge pull request #(\d+) from (\S+)\s*(.*)", re.DOTALL)
_SQUASHED = re.compile(r"(.*) \(#(\d+)\)")


@ensure("open the pull request")
def ensure_proposed(release: Release, candidate: Candidate, examined: Examined) -> Proposal:
    """One open pull request carries the candidate, its text is ours, and reviewers are asked.

    Raises:
        TryAgain: GitHub does not show it yet.
        NeedsHuman: GitHub refuses it.
    """
    hub = GitHubRepo(release.repository)
    facts = {"commit": candidate.commit, "tree": candidate.tree, "checks": sorted(examined.checked.seconds)}
    note(release.repository, release.name, "checked", facts)
    pull = _ensure_pull_request(release, candidate, hub)
    if pull.state == "open":
        _ensure_reviewers(release, hub, pull)
    return Proposal(candidate, examined, pull.number, pull.url)


@ensure("show the plan")
def ensure_shown(release: Release, proposal: Proposal) -> Proposal:
    """People can read what production gets, and GitHub knows since when.

    Raises:
        TryAgain: GitHub does not show it yet.
    """
    hub, digest = GitHubRepo(release.repository), proposal.plan.digest
    merged = is_under_way(release, proposal, hub)
    if merged and approved_before(chain_of(release.repository, release.name), proposal.plan):
        return proposal
    shown = _in_evidence(release, proposal)
    if not merged and not asked_since(release, hub, proposal.candidate, digest):
        ensure_comment(
            release, hub, proposal.number, control_comment(release, Phase.PROPOSED, proposal=shown)
        )
    return replace(shown, shown_at=ensure_asked(release, hub, proposal.candidate, digest))


def is_under_way(release: Release, proposal: Proposal, hub: GitHubRepo) -> bool:
    """Whether what was approved has begun: the pull request is merged, or a rollback is being deployed."""
    if release.kind == "rollback":
        return record_of(release, hub, PRODUCTION, proposal.candidate.commit) is not None
    return hub.pull_request(proposal.number).state == "merged"


def _in_evidence(release: Release, proposal: Proposal) -> Proposal:
    """The whole plan is in the evidence, as data and as a page; the proposal with where it is, and what has changed."""
    name, plan = release.name, proposal.plan
    page = f"plan-{plan.digest[:SHORT]}.md"
    facts = shown_facts(plan, proposal.number)
    chain = note(release.repository, name, "shown", facts, files={page: plan.page.encode()})
    again = chain.now.last("asked again", now=plan.digest)
    return replace(
        proposal,
        page_url=page_url(release.repository, name, page),
        changed=tuple(again.facts["differences"]) if again else (),
    )


@ensure("tell GitHub: {phase.words}")
def tell(release: Release, phase: Phase, *, proposal: Proposal) -> None:
    """The control comment says where the release stands and what happens next."""
    text = control_comment(release, phase, proposal=proposal)
    ensure_comment(release, GitHubRepo(release.repository), proposal.number, text)
    if phase is Phase.PUBLISHED:
        notify(release, in_production(release, proposal.plan.line, proposal.url))


@ensure("tell GitHub why it stopped")
def tell_stop(release: Release, error: ReleaseError) -> None:
    """The control comment says what is so and what to do, if there is a pull request; so do the notifications."""
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    pull = pull_request_of(release, mirror, hub)
    if pull is not None and pull.state != "closed":
        phase = phase_of_release(release, mirror, hub)
        text = control_comment(release, phase, note=fenced(error.problem), remedy=error.remedy)
        ensure_comment(release, hub, pull.number, text)
    notify(release, stopped(release, error, pull.url if pull else ""))


@contextmanager
def told_when_it_stops(release: Release) -> Iterator[None]:
    """Whatever stops the run inside is told on the pull request, too; the run stops all the same."""
    try:
        yield
    except ReleaseError as error:
        tell_stop(release, error)
        raise


def ensure_comment(release: Release, hub: GitHubRepo, number: int, text: str) -> None:
    """Our one comment on the pull request says `text`; it is edited, never repeated. 0 is no pull request."""
    if number:
        ensure_said(hub, number, marker(release), text)


def ensure_said(hub: GitHubRepo, number: int, first_line: str, text: str, *, only_edit: bool = False) -> None:
    """The same of a comment that begins with another line; with `only_edit` nothing where there is none yet."""
    found = hub.comment(number, first_line)
    if found is None:
        if not only_edit:
            hub.add_comment(number, text)
    elif found[1].strip() != text.strip():
        hub.edit_comment(number, found[0], text)


def notes_of(release: Release, commit: str) -> str:
    """The release notes of a commit, from the pull requests that came in since the previous release."""
    mirror, hub = Mirror(release.repository), GitHubRepo(release.repository)
    tags = mirror.tags()
    previous = release.settings.tag(release.previous) if release.previous else None
    commits = mirror.first_parent_commits(after=tags[previous] if previous else None, upto=commit)
    merged = {p.number: p for p in hub.merged_pull_requests(release.settings.branches.develop)}
    changes = [change for c in commits if (change := _change(c, merged, release.fix)) is not None]
    page = f"{connections.github_url(release.repository)}/{release.repository}"
    compare = f"{page}/compare/{previous}...{release.tag}" if previous else None
    return release_notes(release.version, changes, previous=release.previous, compare_url=compare)


def _change(commit: Commit, merged: dict[int, PullRequest], fix: Fix | None) -> Change | None:
    """What one commit of the main line changes for people; None for the machinery's own merges."""
    subject = commit.message.split("\n", 1)[0]
    found = _MERGED.fullmatch(commit.message)
    squashed = _SQUASHED.fullmatch(subject)
    if found is None and squashed is None:
        number = fix.number_of(commit.message) if fix else None
        return None if len(commit.parents) > 1 else Change(subject, number, None, None)
    number = int(found[1] if found else squashed[2] if squashed else 0)
    pull = merged.get(number)
    if _is_sync(pull.head if pull else "") or _is_sync(found[2].partition("/")[2] if found else ""):
        return None
    title = pull.title if pull else (found[3].split("\n", 1)[0] if found else subject)
    return Change(title or subject, number, pull.author if pull else None, pull.url if pull else None)


def _is_sync(branch: str) -> bool:
    return branch.startswith(SYNC_PREFIX)


def _ensure_pull_request(release: Release, candidate: Candidate, hub: GitHubRepo) -> PullRequest:
    base = release.settings.branches.production
    title, body = pr_title(release), pr_body(release, notes_of(release, candidate.commit))
    pull = current_pull_request(hub, release.branch, base, candidate.commit)
    if pull is None:
        try:
            hub.open_pull_request(release.branch, base, title=title, body=body)
        except Refused as error:
            # There already, or GitHub does not see the branch yet: the look below decides.
            log.info("GitHub did not open the pull request: %s", error.problem)
        pull = current_pull_request(hub, release.branch, base, candidate.commit)
    if pull is None:
        raise TryAgain(
            f"GitHub does not show the pull request from {release.branch}",
            "nothing now: the step looks again by itself; if it stays so, see what GitHub says when you open it by hand",
        )
    if pull.state == "open" and pull.author == hub.me and (pull.title, pull.body) != (title, body):
        hub.edit_pull_request(pull.number, title=title, body=body)
    log.info("pull request #%d carries %s", pull.number, release.version)
    return pull


def _ensure_reviewers(release: Release, hub: GitHubRepo, pull: PullRequest) -> None:
    wanted = [r for r in release.settings.reviewers if r.lower() != release.requested_by.lower()]
    if not wanted:
        return
    # Whoever has reviewed already is no longer on the list of those who are asked.
    done = hub.requested_reviewers(pull.number) | {r.login for r in hub.reviews(pull.number)}
    missing = [login for login in wanted if login not in done]
    if not missing:
        return
    try:
        hub.request_reviews(pull.number, missing)
    except NeedsHuman as error:
        # A reviewer who left must not stop a release: anyone with write access may review.
        log.warning("not asked for a review: %s", error.problem)
