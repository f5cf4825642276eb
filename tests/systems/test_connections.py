"""A connection comes whole from one place: the environment where it is whole there, else a block."""

import os
from collections.abc import Iterator

import pytest
from prefect.client.orchestration import get_client

from tasks.rules.errors import NeedsHuman
from tasks.systems import connections
from tasks.systems.blocks import BLOCKS, DatabricksTarget, GitHubConnection, save_block
from tasks.systems.one_step import one_step
from tasks.systems.target_tokens import credentials_of
from tasks.systems.targets import Target, place_of, target_access, target_of

pytestmark = pytest.mark.usefixtures("prefect_server")

SLUG = "Acme/lakehouse"
HOST = "https://prod.example"


@pytest.fixture(autouse=True)
def blocks(monkeypatch: pytest.MonkeyPatch, prefect_server: str) -> Iterator[None]:
    """GitHub's token and prod's secret in blocks, nothing in the environment."""
    for name in os.environ:
        if name.startswith(("DABFLOW_GITHUB_", "DABFLOW_TARGET_")):
            monkeypatch.delenv(name)
    save_block(GitHubConnection(api_url="https://api.hub.example/", token="of the block"), "default")
    save_block(DatabricksTarget(host=HOST, client_id="deployer", client_secret="of the block"), "prod")
    yield
    with get_client(sync_client=True) as client:
        for kind in BLOCKS:
            for document in client.read_block_documents_by_type(kind.get_block_type_slug()):
                client.delete_block_document(document.id)


def test_what_the_environment_does_not_have_is_in_the_block() -> None:
    access = connections.github(SLUG)

    assert (access.api_url, access.token) == ("https://api.hub.example", "of the block")
    assert access.source == "the block github-connection/default"
    assert connections.acting_as() == "what the block github-connection holds"
    assert target_of("prod") == Target("prod", HOST, "deployer")
    assert place_of("prod", "CLIENT_SECRET") == "client_secret in the block databricks-target/prod"
    with credentials_of(target_of("prod")) as credentials:
        assert credentials["DATABRICKS_CLIENT_SECRET"] == "of the block"


def test_a_whole_connection_in_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", "of the environment")
    for what, value in {
        "HOST": "https://e.example",
        "CLIENT_ID": "e",
        "CLIENT_SECRET": "of the environment",
    }.items():
        monkeypatch.setenv(f"DABFLOW_TARGET_PROD_{what}", value)

    access = connections.github(SLUG)

    assert (access.api_url, access.token) == (connections.GITHUB_API_URL, "of the environment"), (
        "nothing of the block"
    )
    assert target_access("prod").client_secret == "of the environment"
    assert place_of("prod", "CLIENT_SECRET") == "DABFLOW_TARGET_PROD_CLIENT_SECRET"


def test_a_part_in_the_environment_changes_nothing_of_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above all not the address that a secret is sent to."""
    monkeypatch.setenv("DABFLOW_GITHUB_API_URL", "https://elsewhere.example")
    monkeypatch.setenv("DABFLOW_GITHUB_APP_ID", "4711")
    monkeypatch.setenv("DABFLOW_TARGET_PROD_HOST", "https://elsewhere.example")
    monkeypatch.setenv("DABFLOW_TARGET_PROD_CLIENT_SECRET", "of the environment")

    access = connections.github(SLUG)

    assert (access.api_url, access.app_id, access.token) == ("https://api.hub.example", "", "of the block")
    assert target_of("prod").host == HOST
    assert target_access("prod").client_secret == "of the block"


def test_the_owners_own_block_goes_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    save_block(GitHubConnection(token="of acme"), "acme")

    assert connections.github(SLUG).token == "of acme"
    assert connections.github("other/x").token == "of the block"


def test_a_step_reads_a_block_once_and_forgets_it() -> None:
    with one_step():
        assert connections.github(SLUG).token == "of the block"
        save_block(GitHubConnection(token="rotated"), "default")
        assert connections.github(SLUG).token == "of the block"
        assert "of the block" in connections.known_secrets()
        assert target_access("prod").client_secret in connections.known_secrets()

    assert "of the block" not in connections.known_secrets()
    assert connections.github(SLUG).token == "rotated"


@pytest.mark.parametrize(
    "block",
    [
        GitHubConnection(),
        GitHubConnection(app_id="1"),
        GitHubConnection(app_id="1", token="t"),
        GitHubConnection(private_key="k"),
    ],
    ids=["nothing", "no key", "an App without its key, beside a token", "no App"],
)
def test_a_block_that_is_not_whole(block: GitHubConnection) -> None:
    save_block(block, "default")

    with pytest.raises(NeedsHuman, match="github-connection/default holds neither an App") as stop:
        connections.github(SLUG)

    assert stop.value.remedy == "fill it in: dabflow connect github"


def test_a_target_without_a_way_to_sign_in() -> None:
    save_block(DatabricksTarget(host=HOST, client_id="deployer"), "prod")

    with pytest.raises(NeedsHuman, match="the block databricks-target/prod lacks") as stop:
        target_of("prod")

    assert stop.value.remedy == "fill it in: dabflow connect target prod"


def test_a_host_of_a_block_that_is_not_encrypted() -> None:
    save_block(DatabricksTarget(host="http://prod.example", client_id="d", client_secret="s"), "prod")

    with pytest.raises(NeedsHuman, match="unencrypted") as stop:
        target_of("prod")

    assert "host in the block databricks-target/prod" in stop.value.remedy
