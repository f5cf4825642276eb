"""After a deploy or a smoke job of production went wrong: retry, roll back, or abandon the release."""

from flows import this_run
from flows.rollback import roll_back
from tasks.approve import seconds_left
from tasks.ask import AfterStop, answers, ask
from tasks.decide import (
    ensure_abandoned,
    ensure_retried,
    ensure_stop_told,
    overtaken_by,
    question_of,
    waiting_for_decision,
)
from tasks.plan_rollback import rollback_of
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import WITHDRAWN
from tasks.rules.outcomes import ABANDONED, Stopped
from tasks.rules.release import Release
from tasks.rules.versions import Version

DONE = "Completed"  # the name of the state in which a rollback ends that was carried out
NEEDS_A_REASON = frozenset({"roll back", "abandon"})


def aftermath(release: Release, stop: Stopped) -> str:
    """Wait, suspended, until somebody decides about production that stopped half way; "" where nothing is over.

    Otherwise the word for what became of the release: it is not to reach production any more.

    Nothing else goes to production meanwhile, except a hotfix or a rollback that says so.
    """
    this_run.is_about(release)
    overtaken = overtaken_by(release, stop)
    if overtaken:
        ensure_abandoned(release, stop, "", overtaken)
        return ABANDONED
    decided = decision(release, stop)
    if decided.decision == "abandon":
        ensure_abandoned(release, stop, decided.reason)
        return ABANDONED
    if decided.decision == "roll back":
        return gone_back(release, stop, decided)
    ensure_retried(release, decided.reason)
    return ""


def gone_back(release: Release, stop: Stopped, decided: AfterStop) -> str:
    """Production is back at an older version; "" where it is not, and people are asked again."""
    try:
        to = Version.parse(decided.to.strip()) if decided.to.strip() else None
        back = rollback_of(release, to, decided.reason)
    except NeedsHuman as error:
        # The answer is stored: retried, this run would stop at it for ever.
        ensure_stop_told(release, stop.commit, f"it cannot be rolled back so: {error}", after=stop.number)
        return ""
    ended = roll_back(back)
    if ended.name == DONE:
        return WITHDRAWN
    problem = f"production did not go back to {back.version}: {ended.message}"
    ensure_stop_told(release, stop.commit, problem, after=stop.number)
    return ""


def decision(release: Release, stop: Stopped) -> AfterStop:
    """Ask until the answer can be carried out: a look again decides nothing, and going back needs a reason."""
    key = question_of(stop)
    while True:
        said = answers(key, AfterStop)
        newest = said[-1] if said else None
        complete = newest is not None and (newest.decision == "retry" or newest.reason.strip())
        if newest is not None and newest.decision != "recheck" and complete:
            return newest
        missing = (
            f"To {newest.decision} it needs a reason." if newest and newest.decision in NEEDS_A_REASON else ""
        )
        waiting, description = waiting_for_decision(release, stop, missing)
        ask(
            f"{key}-{len(said) + 1}",
            AfterStop,
            description,
            timeout_seconds=seconds_left(waiting),
            waiting=waiting,
        )
