"""The page that says what runs where is made anew when a run of its repository has changed, and once an hour.

Nothing is remembered for that: Prefect is asked for a run by a key that is another one as soon as something changed,
and gives the run that it has where nothing did.
"""

import hashlib
import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterTags,
)
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from flows.known_runs import tagged
from flows.this_run import OURS, REPOSITORY

log = logging.getLogger(__name__)

OVERVIEW = "overview/default"
LOOK_BACK = timedelta(days=365)  # a repository of which nothing ran for so long is looked after no more
_MOST = 200  # runs that are looked at: the most that the API gives at once


def refresh() -> list[str]:
    """A run that makes the page is there for every repository, as its runs are now; which repositories that are."""
    now = datetime.now(UTC)
    with get_client(sync_client=True) as client:
        recent = FlowRunFilter(
            tags=FlowRunFilterTags(all_=[OURS]),
            expected_start_time=FlowRunFilterExpectedStartTime(after_=now - LOOK_BACK),
        )
        runs = client.read_flow_runs(
            flow_run_filter=recent, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=_MOST
        )
        states: dict[str, set[str]] = defaultdict(set)
        for run in runs:
            if repository := tagged(run, REPOSITORY):
                states[repository].add(f"{run.id} {run.state_id}")
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


def _sum(states: set[str]) -> str:
    return hashlib.sha256("\0".join(sorted(states)).encode()).hexdigest()[:16]
