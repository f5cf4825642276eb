"""The page that says what runs where is made anew when a run of its repository has changed, and once an hour.

Nothing is remembered for that: Prefect is asked for a run by a key that is another one as soon as something changed,
and gives the run that it has where nothing did.
"""

import hashlib
import logging
from datetime import UTC, datetime

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    FlowRunFilter,
    FlowRunFilterTags,
)
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from flows.known_runs import tagged
from flows.this_run import OURS, REPOSITORY
from tasks.rules.slugs import is_repository

log = logging.getLogger(__name__)

OVERVIEW = "overview/default"
PAGES = "dabflow-status-"  # how the pages' keys begin
ABOUT = "What runs where in "  # and what Prefect shows beside them, with the repository
_MOST = 200  # the most that the API gives at once


def refresh() -> list[str]:
    """A run that makes the page is there for every repository, as its runs are now; which repositories that are.

    It is one that has a page, or of which one of the newest runs is. To have it looked after no more, delete its page.
    """
    now = datetime.now(UTC)
    with get_client(sync_client=True) as client:
        states = _states(client)
        if not states:
            return []
        try:
            overview = client.read_deployment_by_name(OVERVIEW).id
        except ObjectNotFound:
            log.warning("the server has no deployment %s: dabflow install makes it", OVERVIEW)
            return []
        for repository, seen in states.items():
            client.create_flow_run_from_deployment(
                overview,
                parameters={"repository": repository},
                idempotency_key=f"{repository} {_sum(seen)} {now:%Y-%m-%dT%H}",
                tags=["housekeeping"],
            )
    return sorted(states)


def _states(client: SyncPrefectClient) -> dict[str, set[str]]:
    """The states of the newest runs of each repository; of one that has had none for long, nothing."""
    kept = client.read_latest_artifacts(
        artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(like_=f"{PAGES}%")),
        limit=_MOST,
    )
    about = ((one.description or "").removeprefix(ABOUT) for one in kept)
    states: dict[str, set[str]] = {name: set() for name in about if is_repository(name)}
    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[OURS])),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=_MOST,
    )
    for run in runs:
        if repository := tagged(run, REPOSITORY):
            states.setdefault(repository, set()).add(f"{run.id} {run.state_id}")
    return states


def _sum(states: set[str]) -> str:
    return hashlib.sha256("\0".join(sorted(states)).encode()).hexdigest()[:16]
