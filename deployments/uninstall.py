"""Take dabflow off a Prefect server: exactly what `dabflow install` makes, and nothing that people filled in."""

from collections.abc import Iterator

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType

from deployments.install import Line, parts
from deployments.parts.blocks import ConnectionType
from deployments.parts.deployment import Deployment
from deployments.parts.limits import Lock
from deployments.parts.part import Part
from deployments.prefect_api import prefect_errors
from tasks.rules.errors import NeedsHuman

_OPEN = [StateType.PAUSED, StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
_SHOWN = 10
_PAGE = 200


def uninstall(client: SyncPrefectClient, *, dry: bool, although_open: bool) -> Iterator[Line]:
    """Nothing that `dabflow install` made is left; yields what went, then what stays. `dry` changes nothing.

    Interrupted anywhere, the next time finishes it.

    Raises:
        NeedsHuman: releases wait or run, and `although_open` does not say that they may be left; or a lock is held.
    """
    with prefect_errors():
        found = parts(client)
        _insist_that_nothing_is_open(client, found, although_open=although_open)
    for part in reversed(found):
        with prefect_errors():
            line = _gone(part, dry=dry)
        if line:
            yield line
    with prefect_errors():
        yield from _left(found)


def _gone(part: Part, *, dry: bool) -> Line | None:
    if not part.removable():
        return None
    if not dry:
        part.remove()
    return Line(f"{part.title}: {'would be removed' if dry else 'removed'}", differs=True)


def _left(found: list[Part]) -> Iterator[Line]:
    for part in found:
        if isinstance(part, ConnectionType):
            for name in part.documents():
                yield Line(f"stays: block {name}, with its credentials (prefect block delete {name})")
    yield Line("stays: the history of runs, and everything on GitHub and in the workspaces")


def _insist_that_nothing_is_open(
    client: SyncPrefectClient, found: list[Part], *, although_open: bool
) -> None:
    held = [part.name for part in found if isinstance(part, Lock) and part.held()]
    if held:
        raise NeedsHuman(
            f"a release is at work: {', '.join(held)} is held",
            "wait until it is through (dabflow status), or cancel its run, then try again",
        )
    runs = [] if although_open else _open_runs(client, found)
    if runs:
        names = ", ".join(f"{run.name} ({run.state_name})" for run in runs[:_SHOWN])
        raise NeedsHuman(
            f"{len(runs)} runs wait or go on: {names}",
            "finish or cancel them; or add --although-open: they can then not be answered any more, and each release"
            " goes on where it was when it is started again on another server",
        )


def _open_runs(client: SyncPrefectClient, found: list[Part]) -> list[FlowRun]:
    ids = [made for part in found if isinstance(part, Deployment) and (made := part.id())]
    if not ids:
        return []
    return client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=ids)),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_OPEN))),
        limit=_PAGE,
    )
