"""Prefect's home for steps: how one step is run, logged, repeated and remembered.

@ensure    makes something true. Never served from a cache: it looks at the world every time.
@evidence  finds out something expensive about one commit. Kept per run under run id + step + commit
           + target, so that a resume does not repeat it; a miss costs time, never correctness.
"""

import functools
import logging
import re
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, runtime, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType, TaskRun
from prefect.context import TaskRunContext
from prefect.settings import get_current_settings

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems import connections
from tasks.systems.one_step import one_step
from tasks.systems.scrub import Scrubber

P = ParamSpec("P")
R = TypeVar("R")

RETRY_AFTER_SECONDS: list[float] = [2, 8, 30, 90]
LONGEST_REST_SECONDS = 120  # a server may ask for an hour; a step that holds a lock gives up before

for _name in ("flows", "tasks"):
    logging.getLogger(_name).setLevel(logging.INFO)


class RunCancelled(NeedsHuman):
    """Somebody cancelled this run: it does nothing more, and asks nothing."""


def may_pass_by_itself(_: object, __: TaskRun, state: State[Any]) -> bool:
    """Say whether Prefect should run the step again: only for `TryAgain`, and not before a server wants it."""
    error = state.result(raise_on_failure=False)
    if not isinstance(error, TryAgain):
        return False
    time.sleep(min(error.after_seconds, LONGEST_REST_SECONDS))
    return True


def ensure(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Turn a function that makes something true into a step; `name` may use its parameters: `deploy {target}`."""
    return _step(name, cache_policy=NO_CACHE, persist_result=False)


def evidence(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Turn a function that finds something out into a step; it must take `commit`, and may take `target`, `look`."""
    return _step(name, cache_key_fn=_evidence_key, persist_result=True)


def _evidence_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    # Not RUN_ID + INPUTS: that key has no step name in it, and one step is served another's result.
    parts = [str(context.task_run.flow_run_id), context.task.name]
    parts += [str(parameters[k]) for k in ("commit", "target", "look") if k in parameters]
    return "-".join(parts)


def _step(name: str, **how: Any) -> Callable[[Callable[P, R]], Task[P, R]]:  # noqa: ANN401 - Prefect's options
    def decorate(function: Callable[P, R]) -> Task[P, R]:
        @functools.wraps(function)
        def scrubbed(*args: P.args, **kwargs: P.kwargs) -> R:
            with one_step():
                try:
                    return function(*args, **kwargs)
                except Exception as error:
                    # Errors, and those they came from, may carry a request, an address or an environment.
                    scrubber = Scrubber(connections.known_secrets())
                    clean = scrubber.text(f"{type(error).__name__}: {error}")
                    text = str(scrubber.scrubbed(error))
                    if scrubber.text(text) == text:
                        raise
                    raise NeedsHuman(clean, "this is a fault of dabflow: report it") from None

        as_task: Callable[[Callable[P, R]], Task[P, R]] = task(
            name=function.__name__,
            task_run_name=name,
            retries=len(RETRY_AFTER_SECONDS),
            retry_delay_seconds=RETRY_AFTER_SECONDS,
            retry_jitter_factor=0.3,
            retry_condition_fn=may_pass_by_itself,
            **how,
        )
        return as_task(scrubbed)

    return decorate


def run_url() -> str:
    """The page of the run we are in, or "" outside of Prefect."""
    run = runtime.flow_run.id
    if not run:
        return ""
    settings = get_current_settings()
    base = settings.ui_url or (settings.api.url or "").removesuffix("/api")
    return f"{base}/runs/flow-run/{run}" if base else ""


def show(key: str, markdown: str, *, description: str) -> None:
    """The run's page in Prefect shows this text as an artifact; nothing outside of a run."""
    if runtime.flow_run.id:
        name = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")
        create_markdown_artifact(markdown, key=name, description=description)


def stop_if_cancelled() -> None:
    """Go on only if nobody has cancelled this run: after a long outage Prefect may fail to stop a process.

    Raises:
        NeedsHuman: the run was cancelled.
    """
    run = runtime.flow_run.id
    if not run:
        return
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
    if state is not None and state.type in {StateType.CANCELLING, StateType.CANCELLED}:
        raise RunCancelled("this run was cancelled", "start the release again: it goes on where it was")
