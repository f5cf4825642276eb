"""Connections as Prefect's blocks, on a real server."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from sandbox.serving import listening_socket
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.blocks import (
    BLOCKS,
    DatabricksTarget,
    GitHubConnection,
    first_block,
    read_block,
    save_block,
    target_block_name,
)

pytestmark = pytest.mark.usefixtures("prefect_server")

SECRET = "marked-secret-91f0c2"


@pytest.fixture
def staging() -> Iterator[DatabricksTarget]:
    block = DatabricksTarget(host="https://s.example", client_id="app", client_secret=SECRET)
    save_block(block, "staging")
    yield block
    with get_client(sync_client=True) as client:
        for kind in BLOCKS:
            kind.register_type_and_schema(_sync=True)  # type: ignore[call-arg]
            for document in client.read_block_documents_by_type(kind.get_block_type_slug()):
                client.delete_block_document(document.id)


def test_what_was_stored_is_read(staging: DatabricksTarget) -> None:
    found = read_block(DatabricksTarget, "staging")

    assert found is not None
    assert (found.host, found.client_id) == (staging.host, staging.client_id)
    assert found.client_secret is not None
    assert found.client_secret.get_secret_value() == SECRET
    assert SECRET not in repr(found)


def test_the_first_name_that_there_is(staging: DatabricksTarget) -> None:
    save_block(GitHubConnection(token="for all"), "default")
    save_block(GitHubConnection(token="for acme"), "acme")

    for names, expected in [(("acme", "default"), "for acme"), (("other", "default"), "for all")]:
        found = first_block(GitHubConnection, *names)
        assert found is not None
        assert found[0] == expected.removeprefix("for ").replace("all", "default")
        assert found[1].token is not None
        assert found[1].token.get_secret_value() == expected
    assert read_block(GitHubConnection, "other") is None


def test_stored_again_it_is_replaced(staging: DatabricksTarget) -> None:
    save_block(DatabricksTarget(host="https://t.example", client_id="b"), "staging")

    found = read_block(DatabricksTarget, "staging")

    assert found is not None
    assert (found.host, found.client_id, found.client_secret) == ("https://t.example", "b", None)


def test_the_server_keeps_it_encrypted(staging: DatabricksTarget) -> None:
    found = get_current_settings().server.database.connection_url
    assert found is not None
    file = found.get_secret_value().partition("///")[2]

    with closing(sqlite3.connect(f"file:{Path(file)}?mode=ro", uri=True)) as database:
        stored = str(database.execute("select name, data from block_document").fetchall())

    assert "staging" in stored
    assert SECRET not in stored
    assert "s.example" not in stored


def test_without_a_server_there_is_none() -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert read_block(DatabricksTarget, "staging") is None


def test_a_server_that_does_not_answer_is_no_answer() -> None:
    sock = listening_socket()
    address = f"http://name:password@127.0.0.1:{sock.getsockname()[1]}/api"
    sock.close()

    with (
        temporary_settings({PREFECT_API_URL: address}),
        pytest.raises(TryAgain, match="does not answer") as stop,
    ):
        read_block(DatabricksTarget, "staging")

    assert "password" not in str(stop.value)


def test_a_block_that_does_not_fit_names_its_fields_only(staging: DatabricksTarget) -> None:
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name("staging", "databricks-target")
        schema = client.read_block_schema_by_checksum(DatabricksTarget._calculate_schema_checksum())
        client.delete_block_document(document.id)
        from prefect.client.schemas.actions import BlockDocumentCreate

        client.create_block_document(
            BlockDocumentCreate(
                name="staging",
                data={"client_id": [SECRET]},
                block_schema_id=schema.id,
                block_type_id=document.block_type_id,
            )
        )

    with pytest.raises(NeedsHuman, match="databricks-target/staging does not fit: client_id, host") as stop:
        read_block(DatabricksTarget, "staging")

    assert SECRET not in str(stop.value)


@pytest.mark.parametrize(
    ("target", "name"), [("prod", "prod"), ("EU_prod", "eu-prod"), ("eu-prod", "eu-prod")]
)
def test_the_name_of_a_targets_block(target: str, name: str) -> None:
    assert target_block_name(target) == name
