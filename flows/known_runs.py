"""The runs of releases that Prefect knows: those that wait, those that ended badly, and what is done to them."""

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from flows.this_run import OURS, REPOSITORY, VERSION
from tasks.ask import waiting_of
from tasks.rules.endings import Ended, RunState, how_it_ended

log = logging.getLogger(__name__)

BADLY = (StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
GOES_ON = (
    StateType.SCHEDULED,
    StateType.PENDING,
    StateType.RUNNING,
    StateType.PAUSED,
    StateType.CANCELLING,
)
LOOK_BACK = timedelta(days=7)

_TOLD = "dabflow.told"  # the label of a run that says of which of its ends GitHub knows
_PAGE = 200  # the most that the API gives at once
_TRIES, _PAUSE_SECONDS = 6, 0.5


def waiting(only: UUID | None = None) -> list[FlowRun]:
    """The runs that wait for people now."""
    with get_client(sync_client=True) as client:
        return list(_found(client, [StateType.PAUSED], only=only))


def ended_untold(only: UUID | None = None) -> list[FlowRun]:
    """The runs that ended badly within a week, and of whose end GitHub may not know yet, newest first."""
    since = datetime.now(UTC) - LOOK_BACK
    with get_client(sync_client=True) as client:
        found = list(_found(client, BADLY, only=only, ended_after=since))
    return [run for run in found if run.labels.get(_TOLD) != str(run.state_id)]


def remember_told(run: FlowRun) -> None:
    """The end of the run need not be looked at again; a later end of the same run, after a retry, must be."""
    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(run.id, {_TOLD: str(run.state_id)})


def how(run: FlowRun) -> Ended | None:
    """How a run of a release ended; None where it told everything itself (rejected), or was of no release yet.

    Raises:
        NeedsHuman: what it stored about its question cannot be read.
    """
    repository, version = tagged(run, REPOSITORY), tagged(run, VERSION)
    if not repository or not version:
        return None
    asked, state = waiting_of(run.id), _state(run)
    ended = how_it_ended(state, asked.deadline if asked else None)
    if ended is None:
        return None
    return Ended(
        repository=repository,
        version=version,
        how=ended,
        run_url=page(run),
        message=state.message,
        while_waiting=state.while_waiting,
        waiting=asked,
        since=state.since,
    )


def overtaken(run: FlowRun) -> bool | None:
    """Whether another run of the same release ended later, and has told how; None where one is still at it.

    A run that does not know its version yet may be about the same one: it is waited for.
    """
    repository, version = tagged(run, REPOSITORY), tagged(run, VERSION)
    with get_client(sync_client=True) as client:
        starting = [r for r in _found(client, GOES_ON, tags=[OURS]) if _may_become(r, repository)]
        others = list(_found(client, StateType, tags=[REPOSITORY + repository, VERSION + version]))
    others = [other for other in others if other.id != run.id]
    if starting or any(other.state_type in GOES_ON for other in others):
        return None
    return any(other.end_time and run.end_time and other.end_time > run.end_time for other in others)


def wake(run: FlowRun, reason: str) -> bool:
    """The run looks again; false where it could not be woken now, because it is awake, or Prefect is busy.

    The HTTP code is no answer: Prefect says 200 also where it leaves the run as it is.

    Source: Prefect API, POST /flow_runs/{id}/resume, field `status`; measured with 3.8.8.
    """
    answer = {"decision": "recheck", "reason": reason}
    with get_client(sync_client=True) as client:
        for _ in range(_TRIES):
            try:
                if client.resume_flow_run(run.id, run_input=answer).status is SetStateStatus.ACCEPT:
                    log.info("%s was woken: %s", run.name, reason)
                    return True
            except PrefectHTTPStatusError as error:
                log.info("%s was not woken: Prefect answered %s", run.name, error.response.status_code)
            if client.read_flow_run(run.id).state_type is not StateType.PAUSED:
                return False
            time.sleep(_PAUSE_SECONDS)
    return False


def page(run: FlowRun) -> str:
    settings = get_current_settings()
    base = settings.ui_url or (settings.api.url or "").removesuffix("/api")
    return f"{base}/runs/flow-run/{run.id}"


def tagged(run: FlowRun, prefix: str) -> str:
    """What a tag of the run says after `prefix`; "" where there is no such tag."""
    return next((tag.removeprefix(prefix) for tag in run.tags if tag.startswith(prefix)), "")


def _state(run: FlowRun) -> RunState:
    with get_client(sync_client=True) as client:
        states = sorted(client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
    now, before = states[-1], states[-2:-1]
    return RunState(
        kind=now.type.value,
        name=now.name or "",
        message=now.message or "",
        since=now.timestamp,
        before=before[0].type.value if before else "",
    )


def _may_become(run: FlowRun, repository: str) -> bool:
    """Whether a run that goes on may turn out to be about the same release: it is of its repository, and begun."""
    if tagged(run, VERSION) or run.parameters.get("repository") != repository:
        return False
    due = run.next_scheduled_start_time
    return run.state_type is not StateType.SCHEDULED or due is None or due <= datetime.now(UTC)


def _found(
    client: SyncPrefectClient,
    kinds: Iterable[StateType],
    *,
    tags: Iterable[str] = (),
    only: UUID | None = None,
    ended_after: datetime | None = None,
) -> Iterator[FlowRun]:
    wanted = FlowRunFilter(
        tags=FlowRunFilterTags(all_=sorted({OURS, *tags})),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(kinds))),
        id=FlowRunFilterId(any_=[only]) if only else None,
        end_time=FlowRunFilterEndTime(after_=ended_after) if ended_after else None,
    )
    seen = 0
    while True:
        page_of_runs = client.read_flow_runs(
            flow_run_filter=wanted, sort=FlowRunSort.END_TIME_DESC, limit=_PAGE, offset=seen
        )
        yield from page_of_runs
        seen += len(page_of_runs)
        if len(page_of_runs) < _PAGE:
            return
