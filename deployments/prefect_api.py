"""Prefect's API, as the command needs it. The rest of the command line sees plain values only.

It is asked through Prefect's own client, so the person's Prefect settings hold (address, key, profile).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType, TaskRun
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import get_current_settings

from deployments.parts.pool import POOL
from deployments.runs import Question, Run, Step
from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.rules.waiting import WAITING_KEY, Waiting

RELEASE, HOTFIX, ROLLBACK = "standard-release/default", "hotfix/default", "rollback/default"

_OURS = "dabflow"
_REPOSITORY, _VERSION = "repository:", "version:"
_UNAUTHORIZED = {401, 403}
_PASSING = {408, 429, 500, 502, 503, 504}
_NOT_FOUND = 404
_GOES_ON = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]
_STEPS = 200  # the most that the API gives at once


class PrefectApi:
    """One connection to the Prefect server that the settings name."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client

    # ---- starting

    def start(self, deployment: str, parameters: dict[str, Any]) -> Run:
        """Create a run of the deployment called flow/name.

        Raises:
            NeedsHuman: there is no deployment, or the parameters do not fit its form.
        """
        found = self.deployment_id(deployment)
        with prefect_errors():
            made = self._client.create_flow_run_from_deployment(found, parameters=parameters)
        return _run(made)

    def workers_online(self, pool: str = POOL) -> int:
        """How many workers ask for the pool's runs now; 0 too where there is no such pool."""
        with prefect_errors():
            try:
                workers = self._client.read_workers_for_work_pool(pool)
            except PrefectHTTPStatusError as error:
                if error.response.status_code == _NOT_FOUND:
                    return 0
                raise
        return sum(worker.status == "ONLINE" for worker in workers)

    def deployment_id(self, name: str) -> UUID:
        """The id of the deployment called flow/name.

        Raises:
            NeedsHuman: there is none.
        """
        with prefect_errors():
            try:
                return self._client.read_deployment_by_name(name).id
            except ObjectNotFound as error:
                raise NeedsHuman(
                    f"the Prefect server at {server()} has no deployment {name}", "make it: dabflow install"
                ) from error

    # ---- looking

    def runs(self, repository: str, version: str = "", *, kinds: Sequence[str] = ()) -> list[Run]:
        """The newest runs about a repository (and version), newest first; `kinds` are Prefect's state types."""
        tags = [_OURS, f"{_REPOSITORY}{repository}", *([f"{_VERSION}{version}"] if version else [])]
        state = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType(kind) for kind in kinds]))
        with prefect_errors():
            found = self._client.read_flow_runs(
                flow_run_filter=FlowRunFilter(
                    tags=FlowRunFilterTags(all_=tags), state=state if kinds else None
                ),
                sort=FlowRunSort.EXPECTED_START_TIME_DESC,
                limit=_STEPS,
            )
        return [_run(run) for run in found]

    def beginning(self, repository: str) -> Run | None:
        """The newest run of a repository that goes on and has not said yet which version it is about."""
        with prefect_errors():
            found = self._client.read_flow_runs(
                flow_run_filter=FlowRunFilter(
                    tags=FlowRunFilterTags(all_=[_OURS]),
                    state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_GOES_ON)),
                ),
                sort=FlowRunSort.EXPECTED_START_TIME_DESC,
                limit=_STEPS,
            )
        begun = [r for r in found if r.parameters.get("repository") == repository]
        return next((_run(run) for run in begun if not _tagged(run.tags, _VERSION)), None)

    def run(self, run_id: str) -> Run:
        with prefect_errors():
            return _run(self._client.read_flow_run(UUID(run_id)))

    def steps(self, run_id: str) -> list[Step]:
        """The steps of a run, in the order in which they began."""
        found: list[TaskRun] = []
        with prefect_errors():
            while len(page := self._steps_from(run_id, len(found))) == _STEPS:
                found += page
            found += page
        return sorted((_step(task) for task in found), key=_began)

    def _steps_from(self, run_id: str, offset: int) -> list[TaskRun]:
        return self._client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id)])),
            limit=_STEPS,
            offset=offset,
        )

    def question(self, run_id: str) -> Question | None:
        """What the run asks, once it waits and the question is stored."""
        with prefect_errors():
            state = self._client.read_flow_run(UUID(run_id)).state
            keys = state.state_details.run_input_keyset if state else None
            if state is None or state.type is not StateType.PAUSED or not keys:
                return None
            text = self._input(run_id, keys.get("description", ""))
            if text is None or self._input(run_id, keys.get("schema", "")) is None:
                return None
        return Question(state.state_details.pause_key or "", str(text))

    def waiting(self, run_id: str) -> Waiting | None:
        """What a run says it waits for, or waited for; None if it never asked.

        Raises:
            NeedsHuman: what it says cannot be read.
        """
        with prefect_errors():
            stored = self._input(run_id, WAITING_KEY)
        return None if stored is None else Waiting.of_json(stored)

    def _input(self, run_id: str, key: str) -> Any | None:  # noqa: ANN401 - whatever was stored
        try:
            return json.loads(self._client.read_flow_run_input(UUID(run_id), key)) if key else None
        except PrefectHTTPStatusError as error:
            if error.response.status_code == _NOT_FOUND:
                return None
            raise

    # ---- answering

    def resume(self, run_id: str, answer: Mapping[str, str]) -> str:
        """Hand an answer to a waiting run; "" when Prefect took it, else why it did not (so far).

        The HTTP code is no answer: Prefect says 200 also where it leaves the run as it is.

        Source: Prefect API, POST /flow_runs/{id}/resume, field `status`; measured with 3.8.8.
        """
        try:
            with prefect_errors():
                result = self._client.resume_flow_run(UUID(run_id), run_input=dict(answer))
        except TryAgain as error:
            return error.problem
        except PrefectRefused as error:
            return error.said
        if result.status is SetStateStatus.ACCEPT:
            return ""
        return str(getattr(result.details, "reason", None) or f"Prefect answered {result.status.value}")


class PrefectRefused(NeedsHuman):
    """Prefect understood and said no; `said` are its own words."""

    def __init__(self, problem: str, remedy: str, said: str = "") -> None:
        super().__init__(problem, remedy)
        self.said = said


@contextmanager
def connected() -> Iterator[PrefectApi]:
    """A connection to the Prefect server.

    Raises:
        NeedsHuman: no server is named.
    """
    with prefect_client() as client:
        yield PrefectApi(client)


@contextmanager
def prefect_client() -> Iterator[SyncPrefectClient]:
    """Prefect's own client of the server that is named.

    Raises:
        NeedsHuman: none is. Prefect itself would start one for the moment, with nothing in it.
    """
    if not get_current_settings().api.url:
        raise NeedsHuman(
            "no Prefect server is named",
            "set PREFECT_API_URL (or choose a Prefect profile), or start a sandbox: dabflow sandbox up",
        )
    with get_client(sync_client=True) as client:
        yield client


@contextmanager
def prefect_errors() -> Iterator[None]:
    """Turn what Prefect's client raises into our errors, by type and status."""
    try:
        yield
    except PrefectHTTPStatusError as error:
        raise _ours(error.response.status_code, _said(error.response)) from error
    except httpx.HTTPError as error:
        raise TryAgain(
            f"the Prefect server at {server()} does not answer ({type(error).__name__})",
            "start it, or correct PREFECT_API_URL; for a sandbox: dabflow sandbox up",
        ) from error


def server() -> str:
    """The server's address as people may read it: without a name and password in it."""
    parts = urlsplit(get_current_settings().api.url or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _ours(status: int, said: str) -> ReleaseError:
    if status in _UNAUTHORIZED:
        return NeedsHuman(
            f"the Prefect server at {server()} does not accept our key ({status})",
            "set PREFECT_API_KEY or PREFECT_API_AUTH_STRING, or choose a Prefect profile",
        )
    if status in _PASSING:
        return TryAgain(f"the Prefect server at {server()} answered {status}: {said}", "try again")
    return PrefectRefused(
        f"the Prefect server at {server()} refused: {said or status}", "correct that, then try again", said
    )


def _said(response: httpx.Response) -> str:
    try:
        found = response.json()
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    said = found.get("detail") or found.get("exception_message") or found.get("details") or ""
    return said if isinstance(said, str) else json.dumps(said)


def _run(run: FlowRun) -> Run:
    state = run.state
    return Run(
        id=str(run.id),
        name=run.name,
        kind=state.type.value if state else "",
        state=(state.name or "") if state else "",
        message=(state.message or "") if state else "",
        url=page_of(str(run.id)),
        repository=_tagged(run.tags, _REPOSITORY),
        version=_tagged(run.tags, _VERSION),
    )


def page_of(run_id: str) -> str:
    settings = get_current_settings()
    base = settings.ui_url or (settings.api.url or "").removesuffix("/api")
    return f"{base}/runs/flow-run/{run_id}"


def _tagged(tags: Sequence[str], prefix: str) -> str:
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")


def _step(task: TaskRun) -> Step:
    state = task.state
    return Step(
        id=str(task.id),
        name=task.name,
        kind=state.type.value if state else "PENDING",
        state=(state.name or "") if state else "",
        message=(state.message or "") if state else "",
        attempt=max(1, task.run_count),
        started=task.start_time,
        ended=task.end_time,
    )


def _began(step: Step) -> tuple[bool, float]:
    return (step.started is None, step.started.timestamp() if step.started else 0.0)
