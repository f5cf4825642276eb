"""`dabflow doctor`: what it says of a real Prefect server, and what the command prints and exits with."""

import json
from uuid import UUID

import pytest
from playing import SLUG
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from deployments.command import main
from deployments.doctor import prefect_findings
from deployments.install import install
from deployments.parts.pool import POOL
from sandbox.world import World
from tasks.rules.findings import Finding

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def client(bare_prefect: SyncPrefectClient) -> SyncPrefectClient:
    """Of a server on which nothing of ours is installed."""
    return bare_prefect


def errors() -> dict[str, str]:
    """Of the server itself the tests' own keeps its leases in memory: that is told, and is not what these are about."""
    found = [f for f in prefect_findings() if f.severity == "error" and f.name != "prefect-loses"]
    return {finding.name: finding.what for finding in found}


def named(name: str) -> list[Finding]:
    return [finding for finding in prefect_findings() if finding.name == name]


def test_prefect_before_and_after_it_is_installed(client: SyncPrefectClient) -> None:
    assert set(errors()) == {"prefect-not-installed", "prefect-no-worker"}
    assert "standard-release/default" in errors()["prefect-not-installed"]

    list(install(client))
    assert set(errors()) == {"prefect-no-worker"}
    assert named("prefect-differs") == []

    client.send_worker_heartbeat(POOL, "one", 30)
    assert errors() == {}

    found = client.read_deployment_by_name("rollback/default")
    client.update_deployment(UUID(str(found.id)), DeploymentUpdate(description="of somebody else"))
    assert "rollback/default" in named("prefect-differs")[0].what


def test_what_else_is_looked_at_when_prefect_is_away(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.folder)
    nobody = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(nobody):
        assert main(["doctor", "--repository", SLUG, "--json"]) == 2

    said = json.loads(capsys.readouterr().out)
    by_name = {finding["name"]: finding for finding in said["findings"]}
    assert said["exit_code"] == 2
    assert "127.0.0.1:9" in by_name["prefect-unreachable"]["what"]
    assert {finding["area"] for finding in said["findings"]} == {
        *("prefect", "git", "databricks", "github", "target staging", "target prod", "release.yaml")
    }


def test_people_read_what_matters_and_what_to_do(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.folder)

    assert main(["doctor", "--repository", SLUG]) == 2

    told = capsys.readouterr().out
    assert (
        "  ✗ PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE: the server keeps the leases of locks in its memory"
        in told
    )
    assert "      what to do: set PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=" in told
    assert "  ✓ main and develop take merge commits" in told
