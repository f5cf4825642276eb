"""`dabflow install` against a real Prefect: everything is there, once, however often it is run and whatever is lost."""

import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from bare import make_bare
from front_door import FrontDoor, opened
from golden_files import Golden
from other_prefect import OtherPrefect
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentUpdate,
    GlobalConcurrencyLimitUpdate,
    WorkPoolCreate,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.events import Automation
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_KEY,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_CLOUD_API_URL,
    PREFECT_UI_URL,
    temporary_settings,
)
from prefect.states import Running

from deployments.command import main
from deployments.install import RESULTS, Line, Wish, dry_run, install
from deployments.parts.automation import AUTOMATION, when_a_run_ended
from deployments.parts.pool import POOL
from deployments.prefect_api import connected, page_of
from deployments.server_facts import server_problems
from deployments.uninstall import uninstall
from tasks.lock import lock_name
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.blocks import GitHubConnection, save_block

pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    pytest.mark.timeout(240),
]

ACME = Wish(("acme/lakehouse",))
VERSION = re.compile(r"\d+\.\d+\.\d+\+[0-9a-f]{12}")
RELEASE, HOUSEKEEPING = "standard-release/default", "housekeeping/default"


@pytest.fixture
def client(bare_prefect: SyncPrefectClient) -> SyncPrefectClient:
    """Of a server on which nothing of ours is installed."""
    return bare_prefect


@pytest.fixture
def door(prefect_server: str) -> Iterator[FrontDoor]:
    with opened(FrontDoor(prefect_server)) as found:
        yield found


def text(lines: Iterator[Line]) -> str:
    return "".join(VERSION.sub("VERSION", line.text) + "\n" for line in lines)


def automations(client: SyncPrefectClient) -> list[Automation]:
    return client.read_automations_by_name(AUTOMATION)


def test_it_is_made_once_and_the_second_time_writes_nothing(
    client: SyncPrefectClient, door: FrontDoor, golden: Golden
) -> None:
    with temporary_settings({PREFECT_API_URL: door.url}), get_client(sync_client=True) as through:
        before = text(dry_run(through, ACME))
        assert door.writes == []
        first = text(install(through, ACME))
        made, door.writes = door.writes, []
        second = text(install(through, ACME))
        after = text(dry_run(through))

    assert made
    assert door.writes == []
    golden.check(
        "install/first.txt",
        f"# dry run\n{before}\n# first\n{first}\n# second\n{second}\n# dry run\n{after}",
    )
    scheduled = client.read_deployment_by_name(HOUSEKEEPING)
    (schedule,) = scheduled.schedules
    assert isinstance(schedule.schedule, IntervalSchedule)
    assert (schedule.active, schedule.schedule.interval) == (True, timedelta(minutes=5))
    assert scheduled.concurrency_options is not None
    assert scheduled.concurrency_options.collision_strategy.value == "CANCEL_NEW"
    assert client.read_deployment_by_name("housekeeping/ended").schedules == []


def test_every_answer_may_be_lost_once(client: SyncPrefectClient, door: FrontDoor) -> None:
    """Each time the command ends there; run again, it goes on, until everything is there once."""
    door.loses_each_first_answer = True
    ended = 0
    settings = {PREFECT_API_URL: door.url, PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(settings), get_client(sync_client=True) as through:
        while True:
            try:
                list(install(through, ACME))
            except TryAgain:
                ended += 1
                assert ended < 40
                continue
            break

    assert ended >= 10
    assert len(automations(client)) == 1
    assert not any(line.differs for line in dry_run(client))


def test_what_people_changed_on_purpose_stays_and_the_rest_is_mended(
    client: SyncPrefectClient, golden: Golden
) -> None:
    list(install(client, ACME))
    release, care = (client.read_deployment_by_name(name) for name in (RELEASE, HOUSEKEEPING))
    client.update_deployment(
        release.id,
        DeploymentUpdate(
            description="mine",
            tags=["dabflow", "team-a"],
            concurrency_limit=10,
            concurrency_options=ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
            parameters={"bump": "minor", "repository": "acme/lakehouse"},
            job_variables={"command": "python -m prefect.engine", "env": {"DABFLOW_HOME": "/srv/dabflow"}},
            paused=True,
        ),
    )
    nightly = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 3 * * *"), slug="nightly")
    client.create_deployment_schedules(care.id, [nightly])
    (every,) = care.schedules
    client.update_deployment_schedule(
        care.id, every.id, active=False, schedule=IntervalSchedule(interval=timedelta(hours=1))
    )
    client.update_global_concurrency_limit(
        lock_name("acme/lakehouse", "production"), GlobalConcurrencyLimitUpdate(limit=5, active=False)
    )
    (automation,) = automations(client)
    client.update_automation(automation.id, when_a_run_ended(uuid4()).model_copy(update={"enabled": False}))
    client.create_automation(when_a_run_ended(uuid4()))

    said = f"# dry run\n{text(dry_run(client))}\n# install\n{text(install(client))}"
    golden.check("install/changed.txt", said)

    release, care = (client.read_deployment_by_name(name) for name in (RELEASE, HOUSEKEEPING))
    assert release.tags == ["dabflow", "team-a"]
    assert release.parameters == {"bump": "auto", "repository": "acme/lakehouse"}
    assert release.job_variables["env"]["DABFLOW_HOME"] == "/srv/dabflow"
    assert "PREFECT_LOGGING_EXTRA_LOGGERS" in release.job_variables["env"]
    assert release.paused
    kept = {one.slug: (one.active, one.schedule) for one in care.schedules}
    assert kept["nightly"][0]
    assert not kept["every-five-minutes"][0]
    assert isinstance(kept["every-five-minutes"][1], IntervalSchedule)
    assert kept["every-five-minutes"][1].interval == timedelta(minutes=5)
    (after,) = automations(client)
    assert not after.enabled
    assert not any(line.differs for line in dry_run(client))


def test_results_that_workers_share_are_named_once_and_stay(client: SyncPrefectClient) -> None:
    list(install(client, Wish(results="/mnt/dabflow")))
    assert not any(line.differs for line in dry_run(client))

    found = client.read_deployment_by_name(RELEASE)
    assert found.job_variables["env"][RESULTS] == "/mnt/dabflow"


def test_nothing_is_changed_where_a_name_of_ours_is_somebody_elses(client: SyncPrefectClient) -> None:
    client.create_work_pool(WorkPoolCreate(name=POOL, type="docker"))
    with pytest.raises(NeedsHuman, match="for workers of the type docker, not process"):
        list(install(client))
    client.delete_work_pool(POOL)

    flow = client.create_flow_from_name("hotfix")
    other = client.create_deployment(flow, "default", entrypoint="theirs.py:hotfix")
    with pytest.raises(NeedsHuman, match=r"hotfix/default is not dabflow's: it runs theirs\.py:hotfix"):
        list(install(client))
    client.delete_deployment(other)

    foreign = when_a_run_ended(uuid4()).model_copy(update={"description": "pages somebody"})
    theirs = client.create_automation(foreign)
    with pytest.raises(NeedsHuman, match="is not dabflow's; it says of itself: pages somebody"):
        list(install(client))
    client.delete_automation(theirs)

    assert next(line.text for line in dry_run(client)) == f"work pool {POOL}: is missing"


def test_uninstall_takes_exactly_that(client: SyncPrefectClient, golden: Golden) -> None:
    list(install(client, ACME))
    save_block(GitHubConnection(), "default")
    client.create_work_pool(WorkPoolCreate(name="somebodys", type="process"))
    waiting = client.create_flow_run_from_deployment(
        client.read_deployment_by_name(RELEASE).id, parameters={"repository": "a/b", "requested_by": "rita"}
    )
    client.set_flow_run_state(waiting.id, Running(), force=True)

    with pytest.raises(NeedsHuman, match=r"1 runs wait or go on: .+ \(Running\)"):
        list(uninstall(client, dry=False, although_open=False))
    would = text(uninstall(client, dry=True, although_open=True))
    did = text(uninstall(client, dry=False, although_open=True))
    again = text(uninstall(client, dry=False, although_open=False))

    golden.check("install/uninstall.txt", f"# dry run\n{would}\n# uninstall\n{did}\n# again\n{again}")
    assert client.read_flow_run(waiting.id).parameters["repository"] == "a/b"
    assert client.read_block_document_by_name("default", "github-connection").name == "default"
    assert client.read_work_pool("somebodys").name == "somebodys"
    client.delete_work_pool("somebodys")
    client.delete_flow_run(waiting.id)
    document = client.read_block_document_by_name("default", "github-connection")
    client.delete_block_document(document.id)


def test_a_server_that_would_lose_a_release_is_refused(
    client: SyncPrefectClient, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    """The server of the tests keeps leases in its memory, as Prefect does where nobody says otherwise."""
    assert main(["install"]) == 1

    said = capsys.readouterr()
    golden.check("install/refused.txt", re.sub(r"127\.0\.0\.1:\d+", "SERVER", said.out + said.err))
    assert next(line.text for line in dry_run(client)) == f"work pool {POOL}: is missing"


def test_the_command_says_by_its_exit_code_whether_something_differs(
    other_prefect: OtherPrefect, capsys: pytest.CaptureFixture[str]
) -> None:
    with temporary_settings({PREFECT_API_URL: other_prefect.api}):
        with get_client(sync_client=True) as client:
            make_bare(client)
        codes = [main(words.split()) for words in ("install --dry-run", "install", "install --dry-run")]
        assert main(["uninstall"]) == 0

    assert codes == [3, 0, 0]
    assert "deployment rollback/default: made" in capsys.readouterr().out


def test_prefect_cloud(prefect_server: str, client: SyncPrefectClient) -> None:
    """Its shape: a workspace's address, a key as bearer, no settings to be read, pages beside the API."""
    account, workspace = uuid4(), uuid4()
    door = FrontDoor(
        prefect_server,
        prefix=f"/api/accounts/{account}/workspaces/{workspace}",
        authorization="Bearer pnu_right",
        hidden=("/admin",),
    )
    with opened(door):
        cloud = door.url.partition("/accounts")[0]
        settings = {PREFECT_API_URL: door.url, PREFECT_CLOUD_API_URL: cloud, PREFECT_API_KEY: "pnu_right"}
        with temporary_settings(settings), get_client(sync_client=True) as through:
            list(install(through, ACME))
            assert not any(line.differs for line in dry_run(through))
            (said,) = server_problems(through)
            list(uninstall(through, dry=False, although_open=False))
        with temporary_settings(settings, restore_defaults={PREFECT_UI_URL}):
            link = page_of("some-run")
        wrong = settings | {PREFECT_API_KEY: "pnu_wrong"}
        with (
            temporary_settings(wrong),
            get_client(sync_client=True) as refused,
            pytest.raises(NeedsHuman, match=r"does not accept our key \(401\)\n.+PREFECT_API_KEY"),
        ):
            list(install(refused))

    assert (said.severity, said.name) == ("note", "the server's settings")
    assert (
        link == f"{cloud.removesuffix('/api')}/account/{account}/workspace/{workspace}/runs/flow-run/some-run"
    )


def test_a_server_behind_a_password(prefect_server: str, client: SyncPrefectClient) -> None:
    password = b64encode(b"dabflow:secret").decode()
    with opened(FrontDoor(prefect_server, authorization=f"Basic {password}")) as door:
        settings = {PREFECT_API_URL: door.url, PREFECT_API_AUTH_STRING: "dabflow:secret"}
        with temporary_settings(settings), get_client(sync_client=True) as through:
            assert next(dry_run(through)).text == f"work pool {POOL}: is missing"
        with (
            temporary_settings({PREFECT_API_URL: door.url}),
            get_client(sync_client=True) as refused,
            pytest.raises(NeedsHuman, match=r"does not accept our key \(401\)\n.+PREFECT_API_AUTH_STRING"),
        ):
            list(dry_run(refused))


def test_without_the_deployment_there_is_a_remedy() -> None:
    with connected() as api, pytest.raises(NeedsHuman, match="has no deployment housekeeping/nobody"):
        api.deployment_id("housekeeping/nobody")
