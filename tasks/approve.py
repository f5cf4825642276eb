"""Step 6: may this candidate go to production? Looked up every time; a resumed run is not an approved run."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from tasks.ask import GateAnswer
from tasks.evidence import chain_in, chain_of, note
from tasks.examine import plan_of_production
from tasks.hold import without_news
from tasks.notify import notify
from tasks.propose import ensure_comment, is_under_way
from tasks.record import ensure_nothing_asked, ensure_nothing_begun
from tasks.rules.approved import approved_before
from tasks.rules.differences import differences
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import Chain, blocked
from tasks.rules.freezes import frozen, soak_ends
from tasks.rules.gate import Against, Asked, Judgement, People, Policy, Proposed, Said, Verdict, judge
from tasks.rules.names import Named
from tasks.rules.news import approval_wanted, rejected
from tasks.rules.outcomes import is_over
from tasks.rules.overrides import overrides
from tasks.rules.phases import Phase
from tasks.rules.places import Place
from tasks.rules.release import PRODUCTION, STAGING, Proposal, Release
from tasks.rules.reviews import Review, Terms, reviewed
from tasks.rules.texts import control_comment, question_key
from tasks.rules.waiting import Waiting
from tasks.standing import deployed_records, half_way_in_production, seen_on_github
from tasks.step import ensure
from tasks.systems import clock
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo, PullRequest

log = logging.getLogger(__name__)


@ensure("look at the approval")
def approval_of(release: Release, proposal: Proposal, said: Sequence[GateAnswer]) -> Judgement:
    """Say whether the candidate is approved, from GitHub as it is now and what the form said so far.

    Raises:
        NeedsHuman: somebody merged it by hand without an approval.
    """
    hub, mirror = GitHubRepo(release.repository), Mirror(release.repository).fetch()
    # Before the judgement: what comes in between wakes the run again, instead of being missed.
    seen = _seen(release, proposal, hub, mirror)
    judgement = _look(release, proposal, said, hub, mirror).judgement
    if judgement.verdict is Verdict.STOPPED:
        raise NeedsHuman(judgement.because, judgement.remedy)
    return replace(judgement, seen=seen)


def _seen(release: Release, proposal: Proposal, hub: GitHubRepo, mirror: Mirror) -> str:
    if not proposal.number:  # nothing on GitHub can answer
        return ""
    return seen_on_github(hub, mirror, number=proposal.number, branch=release.branch, name=release.name)


@ensure("tell what is missing")
def ensure_missing_told(release: Release, proposal: Proposal, judgement: Judgement) -> Waiting:
    """The control comment says what the gate still wants; returns what the run waits for, and until when."""
    hub = GitHubRepo(release.repository)
    merged = is_under_way(release, proposal, hub)
    phase = Phase.MERGED if merged else Phase.PROPOSED
    text = control_comment(release, phase, proposal=proposal, missing=judgement.missing)
    ensure_comment(release, hub, proposal.number, text)
    notify(release, approval_wanted(release, proposal, judgement))
    approval = release.approval
    # What is merged does not expire: it must reach production, or be reverted by people.
    since = clock.now() if merged else proposal.shown_at
    deadline = since + timedelta(days=approval.within_days)
    return Waiting(
        repository=release.repository,
        version=release.name,
        branch=release.branch,
        number=proposal.number,
        question=question_key(proposal),
        missing=judgement.because,
        deadline=deadline,
        remind_at=deadline - timedelta(days=approval.remind_days_before),
        wake_at=judgement.wake_at,
        seen=judgement.seen,
    )


def seconds_left(waiting: Waiting) -> int:
    """How long people still have, at least one second: a deadline that has passed ends the wait at once."""
    return waiting.seconds_left(clock.now())


@ensure("compare with what was approved")
def still_what_was_approved(release: Release, proposal: Proposal, said: Sequence[GateAnswer]) -> bool:
    """Say whether production may be touched now: still approved, and it would get exactly what people saw.

    Asked under production's lock, right before it is touched. The evidence holds the answer from then on.
    """
    hub, mirror = GitHubRepo(release.repository), Mirror(release.repository).fetch()
    looked = _look(release, proposal, said, hub, mirror)
    if looked.judgement.verdict is not Verdict.APPROVED:
        return False
    now = plan_of_production(release, proposal.candidate)
    found = differences(proposal.plan, now)
    if found:
        log.warning("production would get something else than what was approved: %s", "; ".join(found))
        facts = {"digest": proposal.plan.digest, "now": now.digest, "differences": found}
        note(release.repository, release.name, "asked again", facts)
        return False
    if not looked.proposed.approved_before:
        note(release.repository, release.name, "approved", _approval(release, proposal, looked, said))
    return True


@ensure("look how often it was asked")
def looks_so_far(release: Release) -> int:
    """How often production had changed since a plan was approved: the next plan is found out anew."""
    chain = chain_of(release.repository, release.name)
    return 1 + sum(entry.kind == "asked again" for entry in chain.entries)


@ensure("reject")
def ensure_rejected(release: Release, proposal: Proposal, reason: str) -> None:
    """The pull request is closed with the reason on it, and no record of production waits for an approval.

    The branch stays for whoever mends it. A rollback has no pull request of its own: the comment says it.
    """
    hub = GitHubRepo(release.repository)
    text = control_comment(release, Phase.REJECTED, proposal=proposal, note=f"Rejected: {reason}")
    ensure_comment(release, hub, proposal.number, text)
    facts = {"reason": reason, "commit": proposal.candidate.commit, "digest": proposal.plan.digest}
    note(release.repository, release.name, "rejected", facts)
    ensure_nothing_asked(release, hub, f"rejected: {reason}")
    if release.kind == "rollback":
        ensure_nothing_begun(release, hub, f"rejected: {reason}")
    elif hub.pull_request(proposal.number).state == "open":
        hub.close_pull_request(proposal.number)
    notify(release, rejected(release, proposal, reason))


@dataclass(frozen=True)
class _Looked:
    """Everything that the judgement rests on."""

    judgement: Judgement
    proposed: Proposed
    people: People
    reviewed: str = ""


def _look(
    release: Release, proposal: Proposal, said: Sequence[GateAnswer], hub: GitHubRepo, mirror: Mirror
) -> _Looked:
    """Look at everything, as of the mirror's last fetch."""
    chain = chain_in(mirror, release.name)
    pull = hub.pull_request(proposal.number) if proposal.number else None
    proposed = _proposed(release, proposal, hub, mirror, pull=pull, chain=chain)
    people = _people(release, proposal, hub, mirror, pull=pull)
    judgement = judge(
        Asked(
            commit=proposal.candidate.commit,
            base=release.settings.branches.production,
            destructive=proposal.plan.destructive,
            protected=proposal.plan.protected,
        ),
        _policy(release),
        proposed,
        people=people,
        said=[Said(answer.decision, answer.reason, answer.destroys) for answer in said],
        against=_against(release, proposal, hub, mirror, chain=chain),
    )
    log.info("%s: %s", judgement.verdict.value, judgement.because)
    return _Looked(judgement, proposed, people, pull.head_sha if pull and release.withdraws else "")


def _policy(release: Release) -> Policy:
    approval = release.approval
    return Policy(
        approval.policy,
        tuple(Place(group.team, group.count) for group in approval.approvals),
        release.settings.overrides.team,
    )


def _proposed(
    release: Release,
    proposal: Proposal,
    hub: GitHubRepo,
    mirror: Mirror,
    *,
    pull: PullRequest | None,
    chain: Chain,
) -> Proposed:
    before = approved_before(chain, proposal.plan)
    if pull is None or release.kind == "rollback":
        # A tag does not move, and what is asked on was merged long ago: only the evidence tells how far this is.
        begun = is_under_way(release, proposal, hub)
        base = release.settings.branches.production
        return Proposed("open", proposal.candidate.commit, base, approved_before=begun and before)
    # The branch, not the pull request: GitHub lets a pull request follow its branch a little later.
    branch = mirror.branches().get(release.branch)
    merged = pull.state == "merged"
    by_us = merged and pull.merged_by == hub.me
    return Proposed(
        state=pull.state,
        head=pull.head_sha if merged or branch is None else branch,
        base=pull.base,
        approved_before=by_us and before,
        merged_by=pull.merged_by if merged and not by_us else None,
        overtaken=pull.state == "open" and _overtaken(release, proposal, mirror),
    )


def _overtaken(release: Release, proposal: Proposal, mirror: Mirror) -> bool:
    """Whether production's branch has something that the candidate lacks, beside the candidate's own merge."""
    production, commit = mirror.branches()[release.settings.branches.production], proposal.candidate.commit
    return not mirror.is_ancestor(production, commit) and not mirror.is_ancestor(commit, production)


def _people(
    release: Release, proposal: Proposal, hub: GitHubRepo, mirror: Mirror, *, pull: PullRequest | None
) -> People:
    policy = _policy(release)
    if pull is None or (policy.kind == "prefect" and policy.override_from is None):
        return People()
    found = [*hub.reviews(proposal.number), *_by_merging(release, policy, proposal, hub, pull)]
    logins = sorted({review.login for review in found if review.person})
    members = {team: frozenset(u for u in logins if hub.in_team(team, u)) for team in _teams(policy)}
    terms = Terms(
        head=_reviewed(release, proposal, pull),
        shown_at=proposal.shown_at,
        requester=release.requested_by,
        ourselves=hub.me,
        permissions={login: hub.permission(login) for login in logins},
        authors=_authors(release, proposal, hub, mirror),
        members=frozenset().union(*(members[place.team] for place in policy.wanted if place.team)),
    )
    role = members.get(policy.override_from or "", frozenset())
    return People(reviewed(found, terms), members, overrides(found, terms, role))


def _reviewed(release: Release, proposal: Proposal, pull: PullRequest) -> str:
    """The commit that a review must be about: of a rollback, whatever the pull request of the withdrawn version shows."""
    return pull.head_sha if release.kind == "rollback" else proposal.candidate.commit


def _teams(policy: Policy) -> set[str]:
    """Every team that the settings name."""
    return {team for team in (*(place.team for place in policy.wanted), policy.override_from) if team}


def _by_merging(
    release: Release, policy: Policy, proposal: Proposal, hub: GitHubRepo, pull: PullRequest
) -> list[Review]:
    """Under `github`, whoever merged by hand has approved by it, if a review of that person counts."""
    if (
        release.kind == "rollback"
        or policy.kind != "github"
        or pull.state != "merged"
        or pull.merged_by in {None, hub.me}
    ):
        return []
    at = pull.merged_at or proposal.shown_at
    return [Review(0, str(pull.merged_by), True, "APPROVED", pull.head_sha, at, "merged by hand")]


def _authors(release: Release, proposal: Proposal, hub: GitHubRepo, mirror: Mirror) -> frozenset[str]:
    """Who wrote what is released, or withdrawn, where the settings let nobody approve their own work."""
    older = release.version if release.withdraws else release.previous
    if release.approval.authors_approve or older is None:
        return frozenset()
    tags = mirror.tags()
    newer = tags[release.settings.tag(release.withdraws)] if release.withdraws else proposal.candidate.commit
    return hub.authors_between(tags[release.settings.tag(older)], newer)


def _against(
    release: Release, proposal: Proposal, hub: GitHubRepo, mirror: Mirror, *, chain: Chain
) -> Against:
    now, settings = clock.now(), release.settings
    target = release.target(PRODUCTION)
    block, holds = blocked(chain), frozen(settings.freezes, target=target, kind=release.kind, now=now)
    about = Named(release.version, release.withdraws)
    half_way = None if release.overtakes else half_way_in_production(about, hub, mirror)
    if release.kind == "rollback":
        return Against(block, half_way, holds)
    records = deployed_records(hub, STAGING, proposal.candidate.commit)
    since = _rehearsed_at(records[0]) if records else now
    return Against(
        block=block,
        half_way=half_way,
        frozen=holds,
        soak_until=soak_ends(settings.soak, kind=release.kind, since=since, now=now),
        holds=tuple(without_news(release, mirror, proposal.candidate.commit)),
        over=is_over(chain, published=_is_published(release, hub, chain)),
    )


def _is_published(release: Release, hub: GitHubRepo, chain: Chain) -> bool:
    """Whether GitHub shows the release, looked up only where something says that it might."""
    page = hub.release(release.tag) if chain.now.last("back-merged") is not None else None
    return page is not None and not page.draft


def _rehearsed_at(record: DeploymentRecord) -> datetime:
    # A later rehearsal made this record inactive, and GitHub forgets since when it had been a success.
    return record.state_since if record.state == "success" else record.created_at


def _approval(
    release: Release, proposal: Proposal, looked: _Looked, said: Sequence[GateAnswer]
) -> dict[str, object]:
    """Who approved what, for the evidence; `reviewed` is the commit of the reviews where that is another one."""
    reviews = [
        {"id": review.id, "login": review.login, "at": review.at.isoformat(), "reason": review.body}
        for review in looked.people.reviewed.approved
    ]
    reviewed_commit = {"reviewed": looked.reviewed} if looked.reviewed else {}
    return {
        **reviewed_commit,
        "commit": proposal.candidate.commit,
        "digest": proposal.plan.digest,
        "number": proposal.number,
        "policy": release.approval.policy,
        "requested_by": release.requested_by,
        "reviews": reviews,
        "form": [answer.model_dump(mode="json") for answer in said if answer.decision == "approve"],
        "overrides": [asdict(override) for override in looked.people.overrides],
    }
