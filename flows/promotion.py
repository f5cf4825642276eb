"""From a cut branch to production and back into develop: what a release and a hotfix have in common."""

from dataclasses import replace
from typing import Any

from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.states import Cancelled, Completed

from flows import this_run
from flows.gate import approve
from tasks.approve import (
    ensure_rejected,
    looks_so_far,
    seconds_left,
    still_what_was_approved,
)
from tasks.ask import GateAnswer, LookAgain, answers, ask
from tasks.back_merge import ensure_back_merged
from tasks.cut import ensure_cut
from tasks.deploy import ensure_deployed
from tasks.examine import checks, production_plan, validation
from tasks.lock import one_at_a_time
from tasks.merge import ensure_merged, ensure_tagged
from tasks.propose import ensure_proposed, ensure_shown, tell, told_when_it_stops
from tasks.publish import ensure_published
from tasks.rules.gate import Verdict
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, STAGING, Candidate, Examined, Proposal, Release
from tasks.rules.texts import question_key, waiting_description
from tasks.smoke import ensure_smoked
from tasks.wait import staging_freeze


def to_production(release: Release) -> State[Any] | None:
    """Steps 2-11, again for each new candidate; a state where the run ends before production is touched."""
    with told_when_it_stops(release):
        while True:
            wait_for_staging(release)
            with one_at_a_time(release.repository, STAGING):
                waiting = this_run.other_that_waits(release)
                if waiting:
                    return Completed(
                        name="Under way", message=f"{release.title} waits for approval in {waiting}"
                    )
                proposal = propose(release)
                # Still under the lock, which a suspended run lets go: whoever comes next sees that this one waits.
                judgement = approve(release, proposal)
            if judgement.verdict is Verdict.REJECTED:
                ensure_rejected(release, proposal, judgement.because)
                return Cancelled(name="Rejected", message=f"{release.title}: {judgement.because}")
            if judgement.verdict is Verdict.MOVED:
                continue
            with one_at_a_time(release.repository, PRODUCTION):
                said = answers(question_key(proposal), GateAnswer)
                if still_what_was_approved(release, proposal, said):
                    ship(release, proposal)
                    return None


def wait_for_staging(release: Release) -> None:
    """Wait, suspended, while a freeze keeps releases away from staging; the run goes on by itself when it ends."""
    while (waiting := staging_freeze(release)) is not None and not this_run.other_that_waits(release):
        ensure_cut(release)
        this_run.is_about(release)
        again = len(answers(waiting.question, LookAgain)) + 1
        ask(
            f"{waiting.question}-{again}",
            LookAgain,
            waiting_description(release, waiting),
            timeout_seconds=seconds_left(waiting),
            waiting=waiting,
        )


def propose(release: Release) -> Proposal:
    """Steps 2-5: a candidate that is examined and rehearsed, and a pull request that people can approve."""
    candidate = ensure_cut(release)
    this_run.is_about(release)
    examined = examine(release, candidate, looks_so_far(release))
    ensure_deployed(release, candidate, examined.staging, environment=STAGING)
    ensure_smoked(release, candidate, examined.staging, environment=STAGING)
    return ensure_shown(release, ensure_proposed(release, candidate, examined))


def examine(release: Release, candidate: Candidate, look: int) -> Examined:
    """Step 3: everything that can be found out before anything is touched, side by side."""
    commit, staging, production = candidate.commit, release.target(STAGING), release.target(PRODUCTION)
    passed = checks.submit(release, candidate, commit=commit)
    on_staging = validation.submit(release, candidate, commit=commit, target=staging)
    on_production = validation.submit(release, candidate, commit=commit, target=production)
    plan = production_plan.submit(
        release,
        candidate,
        on_production,
        commit=commit,
        target=production,
        look=look,
        return_state=False,
    )
    everything: list[PrefectFuture[Any]] = [passed, on_staging, on_production, plan]
    wait(everything)
    checked = passed.result()
    return Examined(on_staging.result(), on_production.result(), plan.result(), checked)


def ship(release: Release, proposal: Proposal) -> None:
    """Steps 7-11: production runs the approved commit, and GitHub says so."""
    commit = ensure_merged(release, proposal)
    tell(release, Phase.MERGED, proposal=proposal)
    shipped = replace(proposal.candidate, commit=ensure_tagged(release, commit))
    ensure_deployed(
        release, shipped, proposal.examined.production, environment=PRODUCTION, approved=proposal.plan
    )
    ensure_smoked(release, shipped, proposal.examined.production, environment=PRODUCTION)
    ensure_published(release, commit)
    tell(release, Phase.PUBLISHED, proposal=proposal)


def back_to_develop(release: Release) -> State[Any]:
    """Step 12: develop contains the release, or a pull request says who must do what."""
    merged = ensure_back_merged(release)
    if not merged.done:
        return Completed(
            name="Back-merge waits",
            message=f"{release.title} is released; its back-merge waits for people: {merged.url}",
        )
    return Completed(message=f"{release.title} is released")
