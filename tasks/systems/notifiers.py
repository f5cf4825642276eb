"""Prefect's home for notifications: one message, given to one of the server's notification blocks.

Slack, Microsoft Teams, Mattermost, Discord, PagerDuty, Opsgenie, Twilio, SendGrid and a webhook of one's own: whatever
`prefect.blocks.notifications` holds, by the block's type and name (`slack-webhook/releases`). A block's address is a
secret: whoever knows it can write there. So nothing that a block, or the library under it, says leaves this module.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.blocks import notifications
from prefect.blocks.abstract import NotificationBlock, NotificationError

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.blocks import read_block

# They write addresses into their logs, at one level or another.
_TALKERS = ("apprise", "httpx", "httpcore", "urllib3", "requests")
_STATUS = re.compile(r"error=(\d{3})\b")  # as apprise says it
_PASSING = {408, 425, 429, 500, 502, 503, 504}


def send(block: str, *, title: str, body: str) -> None:
    """The message was taken by whatever is behind the block (type/name).

    Raises:
        NeedsHuman: there is no such block, what it holds does not fit, or what is behind it refuses.
        TryAgain: what is behind it, or the Prefect server, did not answer.

    Source: Prefect 3.8, `prefect.blocks.notifications`: without `raise_on_failure` apprise fails without a word.
    """
    with _quiet(), _explained(block):
        notifier = _loaded(block)
        with notifier.raise_on_failure():
            # Prefect's decorator adds the argument: here nobody waits for a coroutine.
            notifier.notify(body, subject=title, _sync=True)  # type: ignore[call-arg,unused-coroutine]


def known_types() -> dict[str, type[NotificationBlock]]:
    """The notification blocks that Prefect brings, by their type's name."""
    found = (value for value in vars(notifications).values() if isinstance(value, type))
    ours = (kind for kind in found if issubclass(kind, NotificationBlock) and not _abstract(kind))
    return {kind.get_block_type_slug(): kind for kind in ours}


def _abstract(kind: type[NotificationBlock]) -> bool:
    return kind.__dict__.get("_block_type_name") is None


def _loaded(block: str) -> NotificationBlock:
    slug, _, name = block.partition("/")
    kind = known_types().get(slug)
    if kind is None:
        raise NeedsHuman(
            f"{slug} is no notification block of Prefect",
            f"name a block of one of these types in release.yaml: {', '.join(sorted(known_types()))}",
        )
    found = read_block(kind, name)
    if found is None:
        raise NeedsHuman(
            f"the Prefect server has no block {block}",
            "make it on the page Blocks of Prefect, or name another one under `notifications` in release.yaml",
        )
    return found


@contextmanager
def _explained(block: str) -> Iterator[None]:
    """Whatever a block raises, said without the address that it may carry."""
    try:
        yield
    except (NeedsHuman, TryAgain):
        raise
    except httpx.HTTPStatusError as error:
        raise _refused(block, error.response.status_code) from None
    except NotificationError as error:
        status = _STATUS.search(error.log)
        raise _refused(block, int(status[1]) if status else 0) from None
    except httpx.TransportError as error:
        raise _silent(block, type(error).__name__) from None
    except Exception as error:  # noqa: BLE001 - a block may raise anything, and its text may hold an address
        raise NeedsHuman(
            f"the block {block} cannot be used ({type(error).__name__})",
            "correct what it holds on the page Blocks of Prefect",
        ) from None


def _refused(block: str, status: int) -> NeedsHuman | TryAgain:
    if not status:
        return _silent(block, "no answer, or no service that its address names")
    problem = f"what is behind the block {block} answered {status}"
    if status in _PASSING:
        return TryAgain(problem, "nothing now: it is tried once more")
    return NeedsHuman(problem, "correct the address in the block, on the page Blocks of Prefect")


def _silent(block: str, why: str) -> TryAgain:
    return TryAgain(
        f"what is behind the block {block} was not reached ({why})",
        "check the address in the block, and that workers reach it",
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """The libraries under the blocks log warnings at most, and apprise nothing that anybody reads."""
    loggers = [logging.getLogger(name) for name in _TALKERS]
    before = [(one.level, one.propagate) for one in loggers]
    for one in loggers:
        one.setLevel(logging.WARNING)
    logging.getLogger("apprise").propagate = False
    try:
        yield
    finally:
        for one, (level, propagate) in zip(loggers, before, strict=True):
            one.setLevel(level)
            one.propagate = propagate
