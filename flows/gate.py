"""The question to people before production is touched: asked until it is answered, and looked at anew each time."""

from tasks.approve import approval_of, ensure_missing_told, seconds_left
from tasks.ask import GateAnswer, LookAgain, answers, ask
from tasks.rules.gate import Judgement, Verdict
from tasks.rules.release import Proposal, Release
from tasks.rules.texts import form_description, question_key
from tasks.rules.waiting import Waiting


def approve(release: Release, proposal: Proposal) -> Judgement:
    """Wait, suspended, until the candidate is approved or rejected, or has moved."""
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


def until_woken(waiting: Waiting, description: str) -> None:
    """Wait, suspended, for something else than a decision: until its time has come, or something has changed."""
    ask(
        f"{waiting.question}-{len(answers(waiting.question, LookAgain)) + 1}",
        LookAgain,
        description,
        timeout_seconds=seconds_left(waiting),
        waiting=waiting,
    )
