"""Step 6: may this candidate go to production? Looked up every time; a resumed run is not an approved run."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from tasks.ask import GateAnswer
from tasks.examine import plan_of_production
from tasks.propose import ensure_comment
from tasks.record import ensure_nothing_asked
from tasks.rules.gate import Judgement, Policy, Proposed, Said, Verdict, judge
from tasks.rules.phases import Phase
from tasks.rules.release import Proposal, Release
from tasks.rules.reviews import MAY_APPROVE, Reviewed, Terms, reviewed
from tasks.rules.texts import control_comment
from tasks.step import ensure
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo, PullRequest

log = logging.getLogger(__name__)


@ensure("look at the approval")
def approval_of(release: Release, proposal: Proposal, said: Sequence[GateAnswer]) -> Judgement:
    """Say whether the candidate is approved, from GitHub as it is now and what the form said so far."""
    return _judgement(release, proposal, said)


@ensure("compare with what was approved")
def still_what_was_approved(release: Release, proposal: Proposal, said: Sequence[GateAnswer]) -> bool:
    """Whether the candidate is still approved, and production would still get what people saw.

    Asked under production's lock, right before it is touched. Once dabflow has merged, the approval is used.
    """
    if _judgement(release, proposal, said).verdict is not Verdict.APPROVED:
        return False
    pull = GitHubRepo(release.repository).pull_request(proposal.number)
    if pull.state == "merged":
        return True
    now = plan_of_production(release, proposal.candidate)
    if now.digest != proposal.plan.digest:
        log.warning("production would get something else than what was approved: %s", now.line)
    return now.digest == proposal.plan.digest


def _judgement(release: Release, proposal: Proposal, said: Sequence[GateAnswer]) -> Judgement:
    hub = GitHubRepo(release.repository)
    pull = hub.pull_request(proposal.number)
    # The branch, not the pull request: GitHub lets a pull request follow its branch a little later.
    branch = Mirror(release.repository).fetch().branches().get(release.branch)
    head = pull.head_sha if pull.state == "merged" or branch is None else branch
    judgement = judge(
        Policy(release.settings.approval.policy, sum(g.count for g in release.settings.approval.approvals)),
        commit=proposal.candidate.commit,
        proposed=_proposed(release, hub, pull, head),
        reviewed=_reviewed(release, hub, proposal),
        said=[Said(answer.decision, answer.reason) for answer in said],
    )
    log.info("%s: %s", judgement.verdict.value, judgement.because)
    return judgement


@ensure("reject")
def ensure_rejected(release: Release, proposal: Proposal, reason: str) -> None:
    """The pull request is closed with the reason on it, and no record of production waits for an approval.

    The branch stays for whoever mends it.
    """
    hub = GitHubRepo(release.repository)
    text = control_comment(release, Phase.REJECTED, proposal=proposal, note=f"Rejected: {reason}")
    ensure_comment(release, hub, proposal.number, text)
    if hub.pull_request(proposal.number).state == "open":
        hub.close_pull_request(proposal.number)
    ensure_nothing_asked(release, hub, f"rejected: {reason}")


def _proposed(release: Release, hub: GitHubRepo, pull: PullRequest, head: str) -> Proposed:
    if pull.state != "merged":
        return Proposed(pull.state, head)
    if pull.merged_by == hub.me:
        return Proposed("merged", head, merged_by_us=True)
    return Proposed("merged", head, merger_approves=_qualified_merger(release, hub, pull.merged_by))


def _qualified_merger(release: Release, hub: GitHubRepo, login: str | None) -> str | None:
    """Who merged by hand, if a review of that person would have counted."""
    if login is None or login.lower() == release.requested_by.lower():
        return None
    return login if hub.permission(login) in MAY_APPROVE else None


def _reviewed(release: Release, hub: GitHubRepo, proposal: Proposal) -> Reviewed:
    if release.settings.approval.policy == "prefect":
        return Reviewed()
    found = hub.reviews(proposal.number)
    people = sorted({r.login for r in found if r.person})
    terms = Terms(
        head=proposal.candidate.commit,
        shown_at=datetime.fromtimestamp(0, UTC),
        requester=release.requested_by,
        ourselves=hub.me,
        permissions={login: hub.permission(login) for login in people},
    )
    return reviewed(found, terms)
