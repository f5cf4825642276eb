"""From a cut branch to production and back into develop: what a release and a hotfix have in common."""

from dataclasses import replace
from typing import Any

from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.states import Cancelled, Completed

from flows import this_run
from flows.aftermath import aftermath
from flows.gate import approve, until_woken
from tasks.approve import (
    ensure_rejected,
    looks_so_far,
    still_what_was_approved,
)
from tasks.ask import GateAnswer, answers
from tasks.back_merge import back_merge_destinations, ensure_back_merge_told, ensure_back_merged
from tasks.cut import ensure_cut
from tasks.decide import ensure_stop_told, stop_in_production
from tasks.deploy import ensure_deployed
from tasks.examine import checks, production_plan, validation
from tasks.keep_up import ensure_lack_told, ensure_production_inside
from tasks.lock import one_at_a_time
from tasks.merge import ensure_merged, ensure_tagged
from tasks.preflight import insist_on_everything_needed
from tasks.propose import ensure_proposed, ensure_shown, tell, told_when_it_stops
from tasks.publish import ensure_published
from tasks.rules.errors import ReleaseError
from tasks.rules.gate import Verdict
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, STAGING, Candidate, Examined, Proposal, Release
from tasks.rules.sync_text import sync_waiting_description
from tasks.rules.texts import question_key, waiting_description
from tasks.smoke import ensure_smoked
from tasks.step import RunCancelled
from tasks.wait import staging_freeze


def to_production(release: Release) -> State[Any] | None:
    """Steps 2-11, again for each new candidate; a state where the run ends before production is touched."""
    with told_when_it_stops(release):
        if release.phase > Phase.PLANNED:
            # Its number is taken, by this release or by hand: what stops from here on is found under it.
            this_run.is_about(release)
        insist_on_everything_needed(release)
        while True:
            over = after_a_stop(release)
            if over is not None:
                return over
            wait_for_staging(release)
            with one_at_a_time(release.repository, STAGING):
                waiting = this_run.other_that_waits(release)
                if waiting:
                    return under_way(release, waiting)
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
                if still_what_was_approved(release, proposal, said) and ship(release, proposal):
                    return None


def after_a_stop(release: Release) -> State[Any] | None:
    """What became of a release that stopped half way in production: where the run ends; None to go on."""
    # Looked up again after each answer: a rollback that came to nothing leaves the stop undecided.
    while (stop := stop_in_production(release)) is not None:
        if waiting := this_run.other_that_waits(release):
            return under_way(release, waiting)
        over = aftermath(release, stop)
        if over:
            return back_to_develop(replace(release, given_up=over))
    return None


def under_way(release: Release, waiting: str) -> State[Any]:
    """Where a run ends that finds another one at work on its release."""
    return Completed(name="Under way", message=f"{release.title} waits for people in {waiting}")


def wait_for_staging(release: Release) -> None:
    """Wait, suspended, while a freeze keeps releases away from staging; the run goes on by itself when it ends."""
    while (waiting := staging_freeze(release)) is not None and not this_run.other_that_waits(release):
        ensure_cut(release)
        this_run.is_about(release)
        until_woken(waiting, waiting_description(release, waiting))


def propose(release: Release) -> Proposal:
    """Steps 2-5: a candidate that is examined and rehearsed, and a pull request that people can approve."""
    candidate = up_to_date(release)
    examined = examine(release, candidate, looks_so_far(release))
    bundles, unchanged = examined.staging, examined.plan.unchanged
    left = ensure_deployed(release, candidate, bundles, environment=STAGING, unchanged=unchanged)
    ensure_smoked(release, candidate, bundles, environment=STAGING, left=left)
    return ensure_shown(release, ensure_proposed(release, candidate, examined))


def up_to_date(release: Release) -> Candidate:
    """Step 2: the candidate, with all that production has; suspended while people must resolve a conflict for that."""
    while True:
        candidate = ensure_cut(release)
        this_run.is_about(release)
        synced = ensure_production_inside(release, candidate)
        if synced is None:
            return candidate
        if not synced.done:
            waiting = ensure_lack_told(release, synced)
            until_woken(waiting, sync_waiting_description(release, [synced]))


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


def ship(release: Release, proposal: Proposal) -> bool:
    """Steps 7-11: production runs the approved commit, and GitHub says so; false where it stopped half way there."""
    commit = ensure_merged(release, proposal)
    tell(release, Phase.MERGED, proposal=proposal)
    shipped = replace(proposal.candidate, commit=ensure_tagged(release, commit))
    bundles = proposal.examined.production
    try:
        left = ensure_deployed(release, shipped, bundles, environment=PRODUCTION, approved=proposal.plan)
        ensure_smoked(release, shipped, bundles, environment=PRODUCTION, left=left)
    except RunCancelled:
        raise
    except ReleaseError as error:
        ensure_stop_told(release, commit, str(error))
        return False
    ensure_published(release, commit)
    tell(release, Phase.PUBLISHED, proposal=proposal)
    return True


def back_to_develop(release: Release) -> State[Any]:
    """Step 12: develop and every open release contain the release; suspended while one of them waits for something."""
    this_run.is_about(release)
    with told_when_it_stops(release):
        while True:
            synced = [ensure_back_merged(release, into) for into in back_merge_destinations(release)]
            waiting = ensure_back_merge_told(release, synced)
            if waiting is None:
                return finished(release, ", ".join(one.sync.into for one in synced))
            if other := this_run.other_that_waits(release):
                return Completed(
                    name="Under way", message=f"{release.title} waits for its back-merge in {other}"
                )
            until_woken(waiting, sync_waiting_description(release, synced))


def finished(release: Release, into: str) -> State[Any]:
    """The end of a release that is back in every branch, whatever became of it in production."""
    if release.given_up:
        name, what = release.given_up.capitalize(), f"was {release.given_up}"
        return Completed(name=name, message=f"{release.title} {what}, and is back in {into}")
    return Completed(message=f"{release.title} is released, and back in {into}")
