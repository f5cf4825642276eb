"""The page that says what runs where: a real Prefect, the sandbox's servers, and who has it made anew, and when."""

import contextlib
import json
from typing import Any

import pytest
from playing import SLUG, asked, forget_runs, settle
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowFilter, FlowFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.flow_engine import run_flow
from prefect.states import Completed
from proposed_release import ProposedRelease

from deployments.overview import artifact_key, overview
from flows.drift import drift
from flows.housekeeping import housekeeping
from flows.refreshing import refresh
from sandbox.world import World
from tasks.drift import last_look
from tasks.rules.release import PRODUCTION, STAGING
from tasks.systems.git_repo import Mirror

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def deployed(world: World) -> None:
    """Both flows have their deployments, and no run of an earlier test is known."""
    forget_runs()
    with get_client(sync_client=True) as client:
        for flow in (overview, drift):
            client.create_deployment(client.create_flow(flow), name="default", enforce_parameter_schema=False)


def pages() -> list[str]:
    """What was shown, newest last."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[artifact_key(SLUG)]))
        )
    return [str(one.data) for one in sorted(found, key=lambda one: str(one.created))]


def runs_of(flow: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])))


def go(run: FlowRun) -> Any:
    run_flow(overview, flow_run=run, return_type="state")
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run.id).state


@pytest.mark.usefixtures("deployed")
def test_the_page_is_made_anew_when_a_run_has_changed(world: World) -> None:
    """Asked again, Prefect gives the run that it has; and a page that would say the same is not written."""
    release = ProposedRelease(world)
    run = release.run()
    before = asked(world)
    first = {each.id for each in runs_of("overview")}

    assert refresh() == [SLUG]
    assert refresh() == [SLUG]

    assert asked(world) == before, "GitHub is not asked for that"
    (made,) = [each for each in runs_of("overview") if each.id not in first]
    shown = len(pages())
    assert go(made).message == "the page is new"
    assert "## 1.4.0: waits for approval" in pages()[-1]
    assert "**production** (prod) | 1.3.0" in pages()[-1]
    run.set(Completed(), force=True)
    refresh()
    (again,) = [each for each in runs_of("overview") if each.id not in {*first, made.id}]
    assert go(again).message in {"the page is new", "the page is as before"}
    assert len(pages()) <= shown + 2
    written = len(pages())
    assert overview(SLUG, return_state=True).message == "the page is as before"
    assert len(pages()) == written


@pytest.mark.usefixtures("deployed")
def test_drift_is_looked_at_in_time(world: World) -> None:
    """Where release.yaml says how often: at once when nobody ever looked, and not again before its time."""
    settle(world, json.dumps({"drift": {"every_hours": 24}}))
    known = {each.id for each in runs_of("drift")}

    said = [overview(SLUG, return_state=True).message for _ in range(2)]

    assert all("drift is looked at next at " in str(message) for message in said)
    (made,) = [each for each in runs_of("drift") if each.id not in known]
    assert made.parameters == {"repository": SLUG, "targets": ["staging", "prod"]}
    ended = drift(SLUG, ("staging", "prod"), return_state=True)
    assert (ended.name, ended.message) == ("Completed", "staging: none; production: none")
    mirror = Mirror(SLUG).fetch()
    assert [last_look(mirror, name) is not None for name in (STAGING, PRODUCTION)] == [True, True]
    assert "drift is looked at next" not in str(overview(SLUG, return_state=True).message)
    assert "none (seen " in pages()[-1]
    forget_runs()
    assert refresh() == [SLUG], "it has a page, so it is looked after also while nothing of it runs"


def test_without_the_deployment_nothing_is_made_anew(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A server of an older version: housekeeping goes on."""
    forget_runs()
    ProposedRelease(world).run()
    with get_client(sync_client=True) as client, contextlib.suppress(ObjectNotFound):
        client.delete_deployment(client.read_deployment_by_name("overview/default").id)

    assert refresh() == []
    assert housekeeping(return_state=True).is_completed()

    assert "dabflow install makes it" in caplog.text


@pytest.mark.parametrize(
    ("repository", "key"),
    [
        ("acme/lakehouse", "dabflow-status-acme-lakehouse"),
        ("Acme/lake.house_2", "dabflow-status-acme-lake-house-2"),
    ],
)
def test_what_the_page_is_called(repository: str, key: str) -> None:
    assert artifact_key(repository) == key
