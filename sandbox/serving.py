"""Serve one application on a port of this machine, in a thread of this process."""

import contextlib
import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp


def listening_socket(port: int = 0) -> socket.socket:
    """Bind a loopback port; 0 lets the system choose a free one.

    Raises:
        OSError: somebody else listens there.
    """
    # Without the explicit protocol asyncio sets no TCP_NODELAY: 42 ms a request instead of 1.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    return sock


class Served:
    """An application that answers at `url` until `stop` is called."""

    def __init__(self, app: ASGIApp, sock: socket.socket) -> None:
        self.socket = sock
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        # Closed by uvicorn's shutdown; a second close is harmless.
        with contextlib.closing(self.socket):
            self.server.run([self.socket])

    def start(self, *, within_seconds: float = 10) -> "Served":
        self.thread.start()
        deadline = time.monotonic() + within_seconds
        while not self.server.started:
            if time.monotonic() > deadline or not self.thread.is_alive():
                raise TimeoutError(f"nothing answers at {self.url} after {within_seconds} s")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=5)
