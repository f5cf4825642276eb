"""Answer a release that waits for approval, and see what comes of it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from deployments.prefect_api import PrefectApi
from deployments.runs import Question, Run, Step
from deployments.watching import Watch
from tasks.rules.errors import NeedsHuman
from tasks.rules.gate import Decision
from tasks.rules.names import named
from tasks.rules.waiting import Waiting

TRY_FOR_SECONDS = 15.0
_TRY_EVERY_SECONDS = 0.5
_SEEN_WITHIN_SECONDS = 60.0
_SHIPS = {"merge", "tag", "deploy production"}


class Said(Protocol):
    """What a person answers to a run that waits."""

    @property
    def decision(self) -> str: ...

    def as_input(self) -> dict[str, str]:
        """The fields of the form."""
        ...

    def fits(self, question: Question) -> bool:
        """Whether that question can be answered so."""
        ...


@dataclass(frozen=True)
class Answer:
    """What a person says about a release; `destroys` are the keys of what the approved plan destroys."""

    decision: Decision
    reason: str = ""
    destroys: tuple[str, ...] = ()

    def as_input(self) -> dict[str, str]:
        return {"decision": self.decision, "reason": self.reason, "destroys": "\n".join(self.destroys)}

    def fits(self, question: Question) -> bool:
        return self.decision == "recheck" or question.key.startswith("approve-")


@dataclass(frozen=True)
class AfterStop:
    """What becomes of a release that stopped half way in production; `to` is the version to go back to, or ""."""

    decision: Literal["retry", "roll back", "abandon"]
    reason: str = ""
    to: str = ""

    def as_input(self) -> dict[str, str]:
        return {"decision": self.decision, "reason": self.reason, "to": self.to}

    def fits(self, question: Question) -> bool:
        return question.key.startswith("stopped-")


def insist_on_fitting(answer: Said, question: Question | None, waiting: Waiting | None, version: str) -> None:
    """Insist that the question that is asked now can be answered so.

    Raises:
        NeedsHuman: the run waits for something else.
    """
    if question is None or answer.fits(question):
        return
    what = waiting.missing if waiting else "something else"
    how = f"dabflow decide {version}" if question.key.startswith("stopped-") else f"dabflow recheck {version}"
    if question.key.startswith("approve-"):
        how = f"dabflow approve {version}"
    raise NeedsHuman(
        f"{version} cannot be answered with `{answer.decision}` now, it waits for this: {what}", how
    )


class Overtaken(NeedsHuman):
    """Somebody else answered before us."""


def waiting_run(api: PrefectApi, repository: str, version: str) -> Run:
    """The one run of this release that waits for people.

    Raises:
        NeedsHuman: none does, or several do; the text says which, and what to do.
    """
    wanted = str(named(version))
    runs = api.runs(repository, wanted)
    waiting = [run for run in runs if run.waits]
    if len(waiting) == 1:
        return waiting[0]
    if waiting:
        listed = "\n".join(f"  {run.name}  {run.url}" for run in waiting)
        raise NeedsHuman(
            f"{len(waiting)} runs of {repository} {wanted} wait for an answer:\n{listed}",
            "answer the newest in Prefect (Resume) and cancel the others: a release needs one run",
        )
    raise _nobody_waits(api, repository, wanted, runs[0] if runs else None)


def _nobody_waits(api: PrefectApi, repository: str, version: str, newest: Run | None) -> NeedsHuman:
    if newest is not None and not newest.ended:
        return NeedsHuman(
            f"{newest.name} does not wait for an answer now: it is {newest.state.lower()}",
            f"watch it: {newest.url}",
        )
    others = api.runs(repository, kinds=["PAUSED"])
    named = ", ".join(sorted({run.version for run in others}))
    also = f" (these wait: {named})" if named else ""
    if newest is not None:
        return NeedsHuman(
            f"{newest.name} does not wait for an answer: its last run ended as {newest.state}{also}",
            f"see where it stands, and what starts it again: dabflow status {version}",
        )
    return NeedsHuman(
        f"Prefect knows no run of {repository} {version}{also}",
        "check the version (dabflow status); start it: dabflow release, hotfix or rollback",
    )


def give(api: PrefectApi, run: Run, answer: Said, *, within_seconds: float = TRY_FOR_SECONDS) -> None:
    """Prefect has taken the answer, and goes on with the run.

    Right after a run was suspended Prefect may be busy, or may not have stored its question yet; the same
    answer is handed in again until it is taken.

    Raises:
        Overtaken: somebody else answered before.
        NeedsHuman: Prefect does not take the answer.
    """
    said = answer.as_input()
    deadline = time.monotonic() + within_seconds
    first = True
    while problem := api.resume(run.id, said):
        now = api.run(run.id)
        if not now.waits:
            if first:
                raise Overtaken(
                    f"{run.name} was answered a moment ago by somebody else: it is {now.state.lower()}",
                    f"see what becomes of it: {run.url}",
                )
            return  # an earlier try was taken, its answer was lost
        first = False
        if time.monotonic() > deadline:
            raise NeedsHuman(
                f"Prefect does not take the answer for {run.name}: {problem}",
                f"try again in a minute, or answer in Prefect (Resume): {run.url}",
            )
        time.sleep(_TRY_EVERY_SECONDS)


def seen_afterwards(watch: Watch, question: Question | None, *, within_seconds: float | None = None) -> Run:
    """Watch until it is clear what came of an answer; the run as it is then."""
    return watch.until(
        _clear(question.key if question else ""), within_seconds=within_seconds or _SEEN_WITHIN_SECONDS
    )


def _clear(answered: str) -> Callable[[Run, list[Step], Question | None], bool]:
    def clear(run: Run, steps: list[Step], question: Question | None) -> bool:
        asks_again = run.waits and question is not None and question.key != answered
        ships = not run.waits and any(step.name in _SHIPS for step in steps)
        return run.ended or asks_again or ships

    return clear


def wake_all(api: PrefectApi, repository: str, version: str | None = None) -> Iterator[str]:
    """Every waiting release of the repository, or this one, looks at GitHub again; yields a line about each.

    Waking for nothing changes nothing; where nothing waits, the one line says so.
    """
    waiting = api.runs(repository, version or "", kinds=["PAUSED"])
    for run in waiting:
        try:
            give(api, run, Answer("recheck", "woken by dabflow wake"))
        except Overtaken as error:
            yield error.problem
        else:
            yield f"woke {run.name}: {run.url}"
    if not waiting:
        named = f"{repository} {version}" if version else f"a release of {repository}"
        yield f"nothing to wake: {named} does not wait for an approval now"


def outcome(run: Run, waiting: Waiting | None, version: str) -> str:
    """One sentence about what an answer led to, and what somebody does next."""
    if run.waits:
        missing = f"Missing: {waiting.missing}" if waiting else "What is missing stands in its form"
        return (
            f"{run.name} still waits. {missing}.\n"
            f"  what to do: bring that about on GitHub, then wake it: dabflow recheck {version}"
        )
    if run.ended:
        return ""  # how it ended was told already
    return f"{run.name} goes on to production. Watch it: {run.url}"
