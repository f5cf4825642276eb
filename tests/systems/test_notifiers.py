"""Prefect's own notification blocks, a real Prefect and real HTTP: what arrives, and what is said when it does not."""

import logging
from collections.abc import Iterator

import pytest
from hook_place import SECRET, Hook, hook
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate

from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.systems.notifiers import known_types, send

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def place() -> Iterator[Hook]:
    with hook() as listening:
        yield listening


def test_the_blocks_that_prefect_brings() -> None:
    assert sorted(known_types()) == [
        "custom-webhook",
        "discord-webhook",
        "mattermost-webhook",
        "ms-teams-webhook",
        "opsgenie-webhook",
        "pager-duty-webhook",
        "sendgrid-email",
        "slack-webhook",
        "twilio-sms",
    ]


def test_a_message_arrives(place: Hook) -> None:
    send(place.slack("releases"), title="1.4.0 waits", body="Asked for by: rita")
    send(place.custom("ours"), title="1.4.0 waits", body="Asked for by: rita")

    (path, slack), (_, custom) = place.got
    assert path == f"/{SECRET}"
    assert '"title": "1.4.0 waits"' in slack
    assert '"message": "Asked for by: rita"' in slack
    assert custom == '{"text":"1.4.0 waits\\nAsked for by: rita"}'


@pytest.mark.parametrize("kind", ["slack", "custom"])
@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (404, NeedsHuman, "answered 404"),
        (500, TryAgain, "answered 500"),
        (0, TryAgain, "was not reached"),
    ],
)
def test_what_is_not_taken_is_told_without_the_address(
    place: Hook,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    status: int,
    error: type[ReleaseError],
    says: str,
) -> None:
    block = getattr(place, kind)("releases")
    place.answers = [status]

    with caplog.at_level(logging.DEBUG), pytest.raises(error, match=says) as stop:
        send(block, title="1.4.0 waits", body="text")

    assert block in stop.value.problem
    assert SECRET not in f"{stop.value!r} {stop.value.__cause__!r} {caplog.text}"
    assert stop.value.__suppress_context__
    assert stop.value.__cause__ is None


def test_a_block_that_was_filled_in_wrongly_is_mended_where_it_was_made(place: Hook) -> None:
    block = place.custom("releases")
    slug, _, name = block.partition("/")
    with get_client(sync_client=True) as client:
        found = client.read_block_document_by_name(name, slug)
        wrong = BlockDocumentUpdate(data={"name": "ours", "url": [SECRET]}, merge_existing_data=False)
        client.update_block_document(found.id, wrong)

    with pytest.raises(NeedsHuman, match=f"{block} does not fit: url") as stop:
        send(block, title="1.4.0 waits", body="text")

    assert "on the page Blocks of Prefect" in stop.value.remedy
    assert SECRET not in str(stop.value)


def test_nothing_listens_there(place: Hook) -> None:
    block = place.custom("away", url=f"http://127.0.0.1:1/{SECRET}")

    with pytest.raises(TryAgain, match="was not reached") as stop:
        send(block, title="1.4.0 waits", body="text")

    assert SECRET not in str(stop.value)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ("slack-webhook/nobody-made-it", "the Prefect server has no block slack-webhook/nobody-made-it"),
        ("secret/token", "secret is no notification block of Prefect"),
    ],
)
def test_a_block_that_is_missing(place: Hook, block: str, says: str) -> None:
    place.slack("another")

    with pytest.raises(NeedsHuman, match=says):
        send(block, title="1.4.0 waits", body="text")


def test_a_block_that_cannot_be_used(place: Hook) -> None:
    """An address that no service of Apprise understands; and the log of that has it."""
    from prefect.blocks.notifications import SlackWebhook

    block = place.slack("broken")
    SlackWebhook(url=f"nonsense://{SECRET}").save("broken", overwrite=True, _sync=True)  # type: ignore[call-arg]

    with pytest.raises(TryAgain, match="no service that its address names") as stop:
        send(block, title="1.4.0 waits", body="text")

    assert SECRET not in str(stop.value)
