"""A flow that keeps one page in Prefect: what runs where, and what is asked of whom.

    look       at git, GitHub, the workspaces and Prefect, as `dabflow status` does
    show       an artifact of the run, `dabflow-status-<owner>-<name>`, where it says something new
    arrange    the next look for drift, where release.yaml says how often

Housekeeping starts it when a run of the repository has changed its state, and once an hour. It is a flow of its own:
workspaces may take a minute to answer, and no release waits for that. It changes nothing but the page.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import State
from prefect.client.schemas.sorting import ArtifactSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Scheduled

from deployments.standings import overview_of
from deployments.status_text import page, same
from flows.parameters import Repository
from flows.refreshing import ABOUT, PAGES
from flows.this_run import REPOSITORY
from tasks.drift import environments_of, last_look
from tasks.rules.settings_news import Drift, next_look
from tasks.standing import production_settings
from tasks.step import ensure
from tasks.systems import clock, connections
from tasks.systems.git_repo import Mirror
from tasks.systems.scrub import Scrubber

DRIFT = "drift/default"
AN_HOUR = timedelta(hours=1)  # until this flow runs again at the latest


@flow(name="overview")
def overview(repository: Repository) -> State[Any]:
    """Keep the page that says what runs where, and see to it that targets are looked at for drift in time.

    Args:
        repository: The GitHub repository, as owner/name.
    """
    shown = ensure_page(repository)
    arranged = ensure_drift_arranged(repository)
    news = "the page is new" if shown else "the page is as before"
    return Completed(message=f"{news}; drift is looked at next at {arranged}" if arranged else news)


def artifact_key(repository: str) -> str:
    """What the page is called in Prefect, which wants lower-case letters, digits and dashes."""
    return f"{PAGES}{re.sub(r'[^a-z0-9]+', '-', repository.lower()).strip('-')}"


@ensure("show what runs where")
def ensure_page(repository: str) -> bool:
    """Prefect's newest artifact of that key says what is so; false where it did before.

    Raises:
        TryAgain: GitHub does not answer. A workspace or a Prefect that does not is told on the page.
        NeedsHuman: GitHub refuses us, or release.yaml has mistakes.
    """
    key = artifact_key(repository)
    text = Scrubber(connections.known_secrets()).text(page(overview_of(repository), clock.now()))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    if found and same(str(found[0].data), text):
        return False
    create_markdown_artifact(text, key=key, description=f"{ABOUT}{repository}")
    return True


@ensure("arrange the next look for drift")
def ensure_drift_arranged(repository: str) -> str:
    """A run that looks for drift is scheduled where one is due within the hour; when (UTC), "" where none is.

    Asked again within the same hour, Prefect gives the run that it has.
    """
    mirror = Mirror(repository).fetch()
    settings = production_settings(mirror)
    if settings.drift is None:
        return ""
    due = _due(mirror, settings.drift, environments_of(settings, settings.drift.targets))
    if due > clock.now() + AN_HOUR:
        return ""
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(DRIFT).id
        except ObjectNotFound:
            return ""  # an older `dabflow install`
        client.create_flow_run_from_deployment(
            deployment,
            parameters={"repository": repository, "targets": list(settings.drift.targets)},
            state=Scheduled(scheduled_time=due),
            idempotency_key=f"drift {repository} {due:%Y-%m-%dT%H}",
            tags=["housekeeping", f"{REPOSITORY}{repository}"],
        )
    return f"{due:%Y-%m-%d %H:%M} UTC"


def _due(mirror: Mirror, drift: Drift, environments: tuple[str, ...]) -> datetime:
    looks = [last_look(mirror, environment) for environment in environments]
    last = None if None in looks else min(look.at for look in looks if look is not None)
    return next_look(drift, last, clock.now())
