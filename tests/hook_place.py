"""A webhook on this machine: what it was sent, and how it answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from prefect.blocks.core import Block
from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook

SECRET = "T0P53CR3T"  # a part of its address, as in that of a chat


@dataclass
class Hook:
    """`got` are path and text of each message; the next answers are `answers`, then 200. 0 is none at all."""

    port: int
    got: list[tuple[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def slack(self, name: str) -> str:
        """A Slack block, which also takes any address of Apprise; it writes JSON here."""
        return _kept(SlackWebhook(url=cast("Any", f"json://127.0.0.1:{self.port}/{SECRET}")), name)

    def custom(self, name: str, **more: Any) -> str:
        """A webhook of one's own."""
        given: dict[str, Any] = {
            "name": "ours",
            "url": f"http://127.0.0.1:{self.port}/{SECRET}",
            "json_data": {"text": "{{subject}}\n{{body}}"},
            **more,
        }
        return _kept(CustomWebhookNotificationBlock(**given), name)


@contextmanager
def hook() -> Iterator[Hook]:
    """One that listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            place.got.append((self.path, text))
            status = place.answers.pop(0) if place.answers else 200
            if status:
                self.send_response(status)
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        place = Hook(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield place
        finally:
            server.shutdown()
            thread.join()


def _kept(block: Block, name: str) -> str:
    block.save(name, overwrite=True, _sync=True)  # type: ignore[call-arg]
    return f"{type(block).get_block_type_slug()}/{name}"
