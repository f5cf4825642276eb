"""`dabflow install` against a real Prefect: everything is there, once, however often it is run."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.events import Automation, EventTrigger, RunDeployment

from deployments.install import AUTOMATION, when_a_run_ended
from deployments.install import install as install_all
from deployments.prefect_api import PrefectApi, connected
from tasks.rules.errors import NeedsHuman

pytestmark = [
    pytest.mark.xdist_group("prefect"),
    pytest.mark.usefixtures("prefect_server"),
    pytest.mark.timeout(240),
]


@pytest.fixture
def api() -> Iterator[PrefectApi]:
    with connected() as found:
        yield found


def automations() -> list[Automation]:
    with get_client(sync_client=True) as client:
        return client.read_automations_by_name(AUTOMATION)


def test_a_second_time_makes_nothing_twice(api: PrefectApi) -> None:
    list(install_all(api))
    with get_client(sync_client=True) as client:
        first = client.read_deployment_by_name("housekeeping/default")
    said = list(install_all(api))

    assert f"automation {AUTOMATION}: is there" in said
    (automation,) = automations()
    (action,) = automation.actions
    with get_client(sync_client=True) as client:
        scheduled = client.read_deployment_by_name("housekeeping/default")
        named = client.read_deployment_by_name("housekeeping/ended")
    assert isinstance(action, RunDeployment)
    assert action.deployment_id == named.id
    assert scheduled.id == first.id
    (schedule,) = scheduled.schedules
    assert isinstance(schedule.schedule, IntervalSchedule)
    assert (schedule.active, schedule.schedule.interval) == (True, timedelta(minutes=5))
    assert scheduled.concurrency_options is not None
    assert scheduled.concurrency_options.collision_strategy.value == "CANCEL_NEW"
    assert named.schedules == []


def test_the_automation_is_updated_in_place_and_stays_off_where_somebody_switched_it_off(
    api: PrefectApi,
) -> None:
    api.ensure_automation(when_a_run_ended(uuid4()))
    (before,) = automations()
    with get_client(sync_client=True) as client:
        client.pause_automation(before.id)
        client.create_automation(when_a_run_ended(uuid4()))
    wanted = when_a_run_ended(uuid4())

    assert not api.ensure_automation(wanted)

    (after,) = automations()
    assert not after.enabled
    assert after.trigger == wanted.trigger
    assert after.actions == wanted.actions
    assert isinstance(after.trigger, EventTrigger)
    with get_client(sync_client=True) as client:
        client.delete_automation(after.id)


def test_without_the_deployment_there_is_a_remedy(api: PrefectApi) -> None:
    with pytest.raises(NeedsHuman, match="has no deployment housekeeping/nobody"):
        api.deployment_id("housekeeping/nobody")
