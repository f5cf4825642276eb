"""A door in front of a Prefect server: it may stand at another address, demand a key, hide routes, lose answers.

With `prefix` and `authorization` it is shaped as Prefect Cloud: https://host/api/accounts/A/workspaces/W, a key as
Bearer, and no /admin. Source: Prefect 3.8, `PREFECT_API_URL` and `PREFECT_API_KEY` of a Cloud workspace.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

_READS = ("/filter", "/paginate", "/count")
_HOP = {"transfer-encoding", "connection", "content-length", "content-encoding", "host", "accept-encoding"}


@dataclass
class FrontDoor:
    """`api` is the server's own address; `writes` are the requests that change something, as "POST /path"."""

    api: str
    prefix: str = "/api"
    authorization: str = ""
    hidden: tuple[str, ...] = ()
    loses_each_first_answer: bool = False
    writes: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    url: str = ""

    def loses(self, what: str) -> bool:
        """Whether the answer to this write is lost, after the server did it."""
        if not self.loses_each_first_answer or what in self.lost:
            return False
        self.lost.add(what)
        return True


def is_write(method: str, path: str) -> bool:
    return method != "GET" and not path.endswith(_READS)


class Handler(BaseHTTPRequestHandler):
    """What one door answers; `opened` says which."""

    door: FrontDoor
    client: httpx.Client

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        inside = self.path.startswith(self.door.prefix)
        path = self.path.removeprefix(self.door.prefix)
        if self.door.authorization and self.headers.get("authorization") != self.door.authorization:
            self._say(401, b'{"detail": "Invalid authentication credentials"}')
        elif not inside or any(path.startswith(hidden) for hidden in self.door.hidden):
            self._say(404, b'{"detail": "Not Found"}')
        else:
            self._forward(path, body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 - as the base class calls them

    def _forward(self, path: str, body: bytes) -> None:
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        answer = self.client.request(self.command, self.door.api + path, content=body, headers=kept)
        if is_write(self.command, path):
            what = f"{self.command} {path} {body[:80].decode()}"  # deployments differ in what is sent only
            self.door.writes.append(what)
            if self.door.loses(what):
                self.close_connection = True
                return
        self._say(answer.status_code, answer.content)

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
        """Say nothing."""


@contextmanager
def opened(door: FrontDoor) -> Iterator[FrontDoor]:
    """The door answers at `door.url`."""
    with httpx.Client(timeout=30) as client:
        handler = type("OfThisDoor", (Handler,), {"door": door, "client": client})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
            door.url = f"http://127.0.0.1:{listening.server_port}{door.prefix}"
            thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield door
            finally:
                listening.shutdown()
                thread.join()
