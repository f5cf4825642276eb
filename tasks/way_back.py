"""What a rollback would do to production, found out before anybody is asked."""

import logging
from dataclasses import dataclass

from tasks.evidence import chain_in, note
from tasks.examine import planned_on_production, validated_on
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import STOPPED
from tasks.rules.release import Candidate, Examined, ProductionPlan, Proposal, Release, Validated
from tasks.rules.rollback_text import does_not_fit
from tasks.standing import pull_request_of, settings_at
from tasks.step import ensure, evidence, show
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BackAsked:
    """The old version as what would be deployed, and the pull request on which people decide (0: there is none)."""

    candidate: Candidate
    number: int
    url: str

    def proposed(self, bundles: tuple[Validated, ...], plan: ProductionPlan) -> Proposal:
        """The same with what was found out about it."""
        return Proposal(self.candidate, Examined((), bundles, plan), self.number, self.url)


@ensure("ask to go back to {release.version}")
def ensure_back_asked(release: Release) -> BackAsked:
    """The evidence says who asked for the rollback and why; returns what would be deployed.

    Raises:
        NeedsHuman: the version that would be withdrawn has no pull request on which people could review.
    """
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    pull = pull_request_of(release, mirror, hub)
    if pull is None and release.approval.policy != "prefect":
        raise NeedsHuman(
            f"GitHub knows no merged pull request of {release.withdraws}, so nobody could review its rollback",
            "let the form alone decide: set `rollback.approval.policy` to `prefect` in release.yaml on"
            f" {release.settings.branches.production}, then start the rollback again",
        )
    commit = mirror.tags()[release.tag]
    facts = {"requested_by": release.requested_by, "reason": release.reason, "kind": release.kind}
    note(release.repository, release.name, "asked", {**facts, "tag": release.tag, "commit": commit})
    candidate = Candidate(commit, mirror.tree(commit), settings_at(mirror, commit))
    return BackAsked(candidate, pull.number if pull else 0, pull.url if pull else "")


@ensure("tell that going back stopped half way")
def ensure_half_way_noted(release: Release, commit: str, problem: str) -> None:
    """The evidence says that production is half way back, so that nothing else goes there by accident."""
    note(release.repository, release.name, STOPPED, {"commit": commit, "problem": problem})


@evidence("validate {release.version} on {target}")
def validation_back(
    release: Release, candidate: Candidate, *, commit: str, target: str
) -> tuple[Validated, ...]:
    """What `bundle validate` says about each bundle of the old version, with the command as it is now.

    Raises:
        NeedsHuman: it is not valid any more; the text says by which version of the command it was deployed.
    """
    log.info("whether %s is still valid on %s", commit[:12], target)
    try:
        return validated_on(release, candidate, target)
    except NeedsHuman as error:
        raise _explained(release, error) from error


@evidence("plan the way back to {release.version}")
def plan_back(
    release: Release,
    candidate: Candidate,
    bundles: tuple[Validated, ...],
    *,
    commit: str,
    target: str,
    look: int,
) -> ProductionPlan:
    """What production would get, lose and get back, as a plan that an approval is bound to.

    Args:
        release: the rollback.
        candidate: the old version.
        bundles: what validation found out about them on production.
        commit: the old version's commit.
        target: production's bundle target.
        look: counts up each time production had changed since the plan that was approved.

    Raises:
        NeedsHuman: there is no plan to be had, or a deploy that ended badly left behind what nobody knows.
    """
    log.info("look %d at what %s would get from %s", look, target, commit[:12])
    try:
        plan = planned_on_production(release, candidate, bundles if look == 1 else None)
    except NeedsHuman as error:
        raise _explained(release, error) from error
    show(f"plan {release.name} {commit[:12]}", plan.page, description=f"Going back does: {plan.line}")
    return plan


def _explained(release: Release, error: NeedsHuman) -> NeedsHuman:
    """The command's words, with what else is known about why the old version may not fit it any more."""
    deployed = chain_in(Mirror(release.repository), release.version).last("deployed")
    by = str(deployed.facts.get("cli_version", "")) if deployed else ""
    return NeedsHuman(*does_not_fit(release, error, deployed_by=by))
