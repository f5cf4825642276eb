"""Prefect's home for questions to people: a run that waits holds no process, and an answer is never lost.

Prefect's own `suspend_flow_run(wait_for_input=...)` can be sent on without an answer and, up to 3.8, gets stuck
after approve, crash, retry. So: a stored answer is returned first, stale questions are cleared, and a run that
was sent on without an answer stops.
"""

from typing import Literal, TypeVar
from uuid import UUID

from prefect import suspend_flow_run
from prefect.exceptions import PrefectHTTPStatusError
from prefect.input import RunInput
from prefect.input.actions import create_flow_run_input, delete_flow_run_input, read_flow_run_input
from prefect.input.run_input import keyset_from_base_key
from pydantic import ConfigDict, Field, ValidationError

from tasks.rules.errors import NeedsHuman
from tasks.rules.gate import Decision
from tasks.rules.waiting import WAITING_KEY, Waiting

A = TypeVar("A", bound=RunInput)

_NOT_FOUND = 404


class GateAnswer(RunInput):
    """What an approver says in the form."""

    model_config = ConfigDict(title="Production")

    # Required on purpose: a default would be an approval of a run that somebody just sent on.
    decision: Decision = Field(
        title="Decision",
        description="approve or reject what production gets; recheck only looks at GitHub again",
        json_schema_extra={"position": 0},
    )
    reason: str = Field(
        default="",
        title="Reason",
        description="kept with the release; say why you reject",
        json_schema_extra={"position": 1},
    )
    destroys: str = Field(
        default="",
        title="What is destroyed",
        description="to approve a plan that destroys something, type the key of each such resource, and no other",
        json_schema_extra={"position": 2},
    )


class LookAgain(RunInput):
    """What sends a run on that waits for nothing but time."""

    model_config = ConfigDict(title="Look again")

    decision: Literal["recheck"] = Field(
        title="Decision", description="look again now; until the time has come it will wait again"
    )
    reason: str = Field(default="", title="Reason", description="for the others who read this run")


class AfterStop(RunInput):
    """What an operator decides about production that stopped half way."""

    model_config = ConfigDict(title="Production stopped half way")

    decision: Literal["retry", "roll back", "abandon", "recheck"] = Field(
        title="Decision",
        description="retry; roll back to the version before; abandon this release; recheck only looks again",
        json_schema_extra={"position": 0},
    )
    reason: str = Field(
        default="",
        title="Reason",
        description="kept with the release; needed to roll back or to abandon",
        json_schema_extra={"position": 1},
    )
    to: str = Field(
        default="",
        title="Back to",
        description="the released version to roll back to; empty: the one before this",
        json_schema_extra={"position": 2},
    )


def answered(key: str, model: type[A]) -> A | None:
    """The stored answer to the question `key` of this run, if there is one."""
    stored = read_flow_run_input(keyset_from_base_key(_base(key))["response"])
    return model.model_validate(stored) if isinstance(stored, dict) else None


def answers(key: str, model: type[A]) -> list[A]:
    """Every stored answer to the questions `key`-1, `key`-2, ... of this run, in the order they were asked."""
    found: list[A] = []
    while (answer := answered(f"{key}-{len(found) + 1}", model)) is not None:
        found.append(answer)
    return found


def ask(
    key: str,
    model: type[A],
    description: str,
    *,
    timeout_seconds: int | None = None,
    waiting: Waiting | None = None,
) -> A:
    """Return the answer to the question `key`; suspend the run until there is one.

    `waiting` is kept beside the question, in place of what was there: by it the run is woken, people are reminded,
    and GitHub is told when nobody answers in time (`flows/housekeeping.py`). The deadline in it is absolute:
    give `timeout_seconds=waiting.seconds_left(now)`, or each wake starts the whole time again.

    Raises:
        NeedsHuman: the run was sent on without an answer.
        prefect.exceptions.Pause: not an error, the run is suspended and this process ends.
    """
    answer = answered(key, model)
    if answer is not None:
        return answer
    keys = keyset_from_base_key(_base(key))
    for stale in (keys["schema"], keys["description"]):
        _forget(stale)
    if waiting is not None:
        _remember(waiting)
    try:
        suspend_flow_run(
            wait_for_input=model.with_initial_data(description=description), key=key, timeout=timeout_seconds
        )
    except ValidationError as error:
        # Sent on without an answer, Prefect makes one out of defaults, and stumbles over the field that has none.
        if error.title not in {model.__name__, model.model_config.get("title")}:
            raise
    answer = answered(key, model)
    if answer is None:
        raise NeedsHuman(
            "this run was sent on without an answer", "retry it, then answer its question with Resume"
        )
    return answer


def waiting_of(run_id: UUID) -> Waiting | None:
    """What a run has stored about its newest question; None if it never asked one.

    Raises:
        NeedsHuman: what it stored cannot be read.
    """
    stored = read_flow_run_input(WAITING_KEY, flow_run_id=run_id)
    return None if stored is None else Waiting.of_json(stored)


def _remember(waiting: Waiting) -> None:
    _forget(WAITING_KEY)
    create_flow_run_input(WAITING_KEY, waiting.to_json())


def _base(key: str) -> str:
    return f"suspended-{key}"


def _forget(key: str) -> None:
    try:
        delete_flow_run_input(key)
    except PrefectHTTPStatusError as error:
        if error.response.status_code != _NOT_FOUND:
            raise
