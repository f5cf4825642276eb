"""Read this file first: one standard release, from `develop` to production and back.

     1 plan         which version, which commit, and where it stands already
     2 cut          release/X.Y.Z
     3 examine      validate, the team's checks, production's plan: side by side
     4 rehearse     deploy staging, smoke it
     5 propose      the pull request release/X.Y.Z -> main
            |
            |  6 approve: people read the plan and review; the run is suspended, for weeks if need be
            |             (a new commit on the branch, or a changed plan, goes back to 2)
            v
     7 merge        a merge commit whose tree is the rehearsed tree
     8 tag          X.Y.Z on it
     9 deploy       production, from the tag
    10 smoke        production
    11 publish      the GitHub release: from now on it means that production runs it
    12 back-merge   main -> develop

Every step looks before it acts, so a run can be killed anywhere and started again: it goes on where it was.
"""

from dataclasses import replace
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.states import Cancelled, Completed
from pydantic import Field

from flows import this_run
from tasks.approve import (
    approval_of,
    ensure_missing_told,
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
from tasks.plan_release import plan_release
from tasks.propose import ensure_proposed, ensure_shown, tell, told_when_it_stops
from tasks.publish import ensure_published
from tasks.rules.choice import Wanted
from tasks.rules.gate import Judgement, Verdict
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, STAGING, Candidate, Examined, Proposal, Release
from tasks.rules.slugs import REPOSITORY_PATTERN
from tasks.rules.texts import form_description, question_key, waiting_description
from tasks.rules.versions import Bump, Version
from tasks.smoke import ensure_smoked
from tasks.wait import staging_freeze

Repository = Annotated[str, Field(pattern=REPOSITORY_PATTERN)]
ExactVersion = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]


@flow(name="standard-release", persist_result=True)
def standard_release(
    repository: Repository,
    requested_by: str,
    bump: Literal["auto", "major", "minor", "patch"] = "auto",
    version: ExactVersion | None = None,
    reason: str = "",
) -> State[Any]:
    """Bring what is on `develop` to production: rehearse it on staging, ask for approval, ship it.

    Starting the same release again goes on where it stopped.

    Args:
        repository: The GitHub repository, as owner/name.
        requested_by: Your GitHub login. You cannot approve what you ask for.
        bump: Which part of the version grows. auto reads the commits (breaking, feature or fix).
        version: An exact version such as 1.4.0, instead of a bump.
        reason: Why this release, for the people who approve it.
    """
    wanted = Wanted(Version.parse(version) if version else None, Bump(bump))
    release = plan_release(
        repository, wanted, requested_by=requested_by, reason=reason, pinned=this_run.version()
    )
    if release.already_released:
        return Completed(message=f"{release.version} is already released")
    if release.phase < Phase.PUBLISHED:
        ended = to_production(release)
        if ended is not None:
            return ended
    return back_to_develop(release)


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


def approve(release: Release, proposal: Proposal) -> Judgement:
    """Step 6: wait, suspended, until the candidate is approved or rejected, or has moved."""
    key = question_key(proposal)
    while True:
        said = answers(key, GateAnswer)
        judgement = approval_of(release, proposal, said)
        if judgement.verdict is not Verdict.WAITING:
            return judgement
        waiting = ensure_missing_told(release, proposal, judgement)
        ask(
            f"{key}-{len(said) + 1}",
            GateAnswer,
            form_description(release, proposal, judgement),
            timeout_seconds=seconds_left(waiting),
            waiting=waiting,
        )


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
