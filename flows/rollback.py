"""Back to a version that production ran before: the way back is shown, asked about, and gone.

    plan           from which version to which, and how far that is already
    look           validate the old tag on production, and plan what would happen to it
       |
       |  approve: people read what is lost, review the withdrawn version's merged pull request, answer the form;
       |           the run is suspended (another plan of production goes back to `look`)
       v
    deploy         the old tag, under production's lock, once more compared with what was approved
    smoke          production
    withdraw       GitHub's latest release is what production runs; what is newer is withdrawn, and held
    tell           the withdrawn version's pull request, and the evidence

Every step looks before it acts, so a run can be killed anywhere and started again: it goes on where it was.
"""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed

from flows import this_run
from flows.gate import approve
from flows.parameters import ExactVersion, Login, Reason, Repository
from tasks.approve import ensure_rejected, looks_so_far, still_what_was_approved
from tasks.ask import GateAnswer, answers
from tasks.deploy import ensure_deployed
from tasks.known_state import insist_on_running
from tasks.lock import one_at_a_time
from tasks.plan_rollback import plan_rollback
from tasks.preflight import insist_on_everything_needed
from tasks.propose import ensure_shown, tell, told_when_it_stops
from tasks.rules.errors import ReleaseError
from tasks.rules.gate import Verdict
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, Proposal, Release
from tasks.rules.texts import question_key
from tasks.rules.versions import Version
from tasks.smoke import ensure_smoked
from tasks.step import RunCancelled
from tasks.way_back import ensure_back_asked, ensure_half_way_noted, plan_back, validation_back
from tasks.withdraw import ensure_told_of_rollback, ensure_withdrawn

WAY_BACK = "rollback"  # of two starts only one asks: the lock under which they look at each other


@flow(name="rollback", persist_result=True)
def rollback(
    repository: Repository,
    requested_by: Login,
    to: ExactVersion,
    reason: Reason,
    overtakes: bool = False,  # noqa: FBT001, FBT002 - a field of the form
) -> State[Any]:
    """Bring production back to a version that was released before: show what that does, ask for approval, do it.

    Starting the same rollback again goes on where it stopped.

    Args:
        repository: The GitHub repository, as owner/name.
        requested_by: Your GitHub login. You cannot approve what you ask for.
        to: The version that production is to run again, such as 1.4.0.
        reason: What is wrong with what production runs now; people read it, and it is kept.
        overtakes: Go on although another release stopped half way in production.
    """
    release = plan_rollback(
        repository,
        Version.parse(to),
        requested_by=requested_by,
        reason=reason,
        overtakes=overtakes,
        pinned=this_run.name(),
    )
    if release.already_released:
        insist_on_running(release)
        return Completed(message=f"production already runs {release.version}")
    this_run.is_about(release)
    return roll_back(release)


def roll_back(release: Release) -> State[Any]:
    """Production runs the older version again, and GitHub says so; how a run that does nothing else ends.

    To be called with no lock held. It suspends the run like any question; a resumed run calls it again.
    """
    with told_when_it_stops(release):
        insist_on_everything_needed(release)
        while True:
            with one_at_a_time(release.repository, WAY_BACK):
                waiting = this_run.other_that_waits(release)
                if waiting:
                    return Completed(
                        name="Under way", message=f"{release.title} waits for approval in {waiting}"
                    )
                proposal = look(release)
                # Still under the lock, which a suspended run lets go: whoever comes next sees that this one waits.
                judgement = approve(release, proposal)
            if judgement.verdict is Verdict.REJECTED:
                ensure_rejected(release, proposal, judgement.because)
                return Cancelled(name="Rejected", message=f"{release.title}: {judgement.because}")
            with one_at_a_time(release.repository, PRODUCTION):
                said = answers(question_key(proposal), GateAnswer)
                if still_what_was_approved(release, proposal, said):
                    go_back(release, proposal)
                    return Completed(
                        message=f"production runs {release.version} again, {release.withdraws} is withdrawn"
                    )


def look(release: Release) -> Proposal:
    """What going back would do, before anybody is asked; and where people can read it."""
    asked = ensure_back_asked(release)
    commit, target, look = asked.candidate.commit, release.target(PRODUCTION), looks_so_far(release)
    bundles = validation_back(release, asked.candidate, commit=commit, target=target)
    plan = plan_back(release, asked.candidate, bundles, commit=commit, target=target, look=look)
    return ensure_shown(release, asked.proposed(bundles, plan))


def go_back(release: Release, proposal: Proposal) -> None:
    """Production runs the old tag, proved and tested, and what is newer is withdrawn."""
    candidate, bundles = proposal.candidate, proposal.examined.production
    tell(release, Phase.MERGED, proposal=proposal)
    try:
        left = ensure_deployed(release, candidate, bundles, environment=PRODUCTION, approved=proposal.plan)
        ensure_smoked(release, candidate, bundles, environment=PRODUCTION, left=left)
    except RunCancelled:
        raise
    except ReleaseError as error:
        ensure_half_way_noted(release, candidate.commit, error.problem)
        raise
    ensure_told_of_rollback(release, proposal, ensure_withdrawn(release, proposal))
