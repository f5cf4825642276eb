"""Serve one application on a port of this machine, in a thread of this process."""

import asyncio
import contextlib
import socket
import threading
import time
from email.utils import formatdate

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send


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


class _Server(uvicorn.Server):
    """Ends as soon as it is told to: uvicorn itself looks ten times a second, and pauses as long for connections.

    Source: uvicorn 0.53, `Server.main_loop` and `Server.shutdown`, without signals and lifespan.
    """

    _LOOKS_A_SECOND = 10

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def tell(self) -> None:
        """May be called from any thread, also when it has ended."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended
                self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        look = 0
        while not await self.on_tick(look):
            look += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1 / self._LOOKS_A_SECOND)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            await asyncio.wait_for(self._all_is_answered(), self.config.timeout_graceful_shutdown)
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()

    async def _all_is_answered(self) -> None:
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.002)
        for server in self.servers:
            await server.wait_closed()


class _Dated:
    """Each answer says when it was given, as those of any server; an application may have a clock of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                if not any(name.lower() == b"date" for name, _ in headers):
                    headers.append((b"date", formatdate(usegmt=True).encode()))
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, dated)


class Served:
    """An application that answers at `url` until `stop` is called."""

    def __init__(self, app: ASGIApp, sock: socket.socket) -> None:
        self.socket = sock
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        config = uvicorn.Config(
            _Dated(app), log_level="critical", lifespan="off", timeout_graceful_shutdown=1, date_header=False
        )
        self.server = _Server(config)
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
        self.server.tell()
        self.thread.join(timeout=5)
