"""The flow run we are in: what it is called, which release it is about, who else is about it."""

from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType

from tasks.rules.release import Release

OURS, REPOSITORY, VERSION = (
    "dabflow",
    "repository:",
    "version:",
)  # the tag of all our runs, and how two others begin


def tags_of(repository: str, name: str) -> list[str]:
    """The tags by which the runs of one release are found; `name` is its version, or what a rollback is called."""
    return [OURS, f"{REPOSITORY}{repository}", f"{VERSION}{name}"]


def name() -> str | None:
    """What this run is about since before it was suspended; a run never changes its mind."""
    tags: list[str] = runtime.flow_run.tags or []
    return next((tag.removeprefix(VERSION) for tag in tags if tag.startswith(VERSION)), None)


def is_about(release: Release) -> None:
    """The run's name and tags in Prefect say which release it is about."""
    tags = runtime.flow_run.tags or []
    wanted = tags_of(release.repository, release.name)
    if set(wanted) <= set(tags) and runtime.flow_run.name == release.title:
        return
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(runtime.flow_run.id), name=release.title, tags=sorted({*tags, *wanted}))


def other_that_waits(release: Release) -> str:
    """The page of another run of this release that waits for people, or "".

    A waiting run needs no twin: it goes on by itself when it is answered.
    """
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=tags_of(release.repository, release.name)),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])),
            )
        )
    others = [run for run in runs if str(run.id) != runtime.flow_run.id]
    return f"the run {others[0].name} ({others[0].id})" if others else ""
