"""A door to a server that lets everything through, but for one answer: there it hangs up without a word."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind = ""
    waiting: list[str]

    def pass_on(self) -> None:
        """Hand the request over; the first one to the path that waits gets no answer."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        server = http.client.HTTPConnection(self.behind, timeout=30)
        server.request(self.command, self.path, body, dict(self.headers))
        answer = server.getresponse()
        content = answer.read()
        server.close()
        if self.waiting and self.path == self.waiting[0]:
            self.waiting.pop()
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = pass_on  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Nothing: the server behind keeps the record."""


@contextmanager
def dropping_proxy(url: str, path: str) -> Iterator[str]:
    """Yield an address that leads to `url`; the first answer to `path` never comes back."""
    door = type("Door", (_Door,), {"behind": urlsplit(url).netloc, "waiting": [path]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
