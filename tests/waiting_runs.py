"""Runs that wait for people, in a real Prefect, without a release behind them: each about a version of its own."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow

from flows.this_run import tags_of
from tasks.ask import GateAnswer, answers, ask
from tasks.rules.waiting import Waiting

REPOSITORY = "acme/gated"
_versions = count(1)


@task(name="merge", task_run_name="merge")
def merge() -> None:
    pass


@flow(persist_result=True)
def gated(version: str, number: int) -> str:
    """Asks until somebody approves; says what it waits for, as a release does."""
    said = answers("gate", GateAnswer)
    if not said or said[-1].decision != "approve":
        waiting = waiting_about(version, number, missing=f"review {len(said) + 1}")
        ask(f"gate-{len(said) + 1}", GateAnswer, "## Go on?\n\nplan", waiting=waiting)
    merge()
    return "released"


def waiting_about(version: str, number: int, **more: Any) -> Waiting:
    now = datetime.now(UTC)
    waiting = Waiting(
        repository=REPOSITORY,
        version=version,
        branch=f"release/{version}",
        number=number,
        question="gate-1",
        missing="a review",
        deadline=now + timedelta(days=30),
        remind_at=now + timedelta(days=27),
        seen="f" * 32,
    )
    return replace(waiting, **more)


class Gated:
    """One run of `gated`."""

    def __init__(self) -> None:
        self.number = next(_versions)
        self.version = f"{self.number}.0.0"
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(
                client.create_flow(gated), name="waiting", enforce_parameter_schema=False
            )
            made = client.create_flow_run_from_deployment(
                deployment,
                name=f"{REPOSITORY} {self.version}",
                tags=tags_of(REPOSITORY, self.version),
                parameters={"version": self.version, "number": self.number},
            )
        self.id = str(made.id)

    @property
    def run(self) -> FlowRun:
        with get_client(sync_client=True) as client:
            return client.read_flow_run(UUID(self.id))

    @property
    def state(self) -> State[Any]:
        state = self.run.state
        assert state is not None
        return state

    def go(self) -> "Gated":
        """Run it in this process until it waits or ends."""
        with contextlib.suppress(Pause):
            run_flow(gated, flow_run=self.run, return_type="state")
        return self

    def drop(self) -> None:
        """It waits no longer, so that no other test meets it."""
        with get_client(sync_client=True) as client:
            client.delete_flow_run(UUID(self.id))
