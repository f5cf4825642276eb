"""As much of HTTP/1.1 as talks to a workspace: `http.client` takes long to load, `socket` with its enumerations 5 ms.

Source: RFC 9112, sections 4 to 7 and 9.
"""

import _socket
from io import BufferedReader, BytesIO, RawIOBase
from typing import BinaryIO, NamedTuple

from sandbox.databricks_cli.values import Json

_LINE_BYTES = 65_536
_WITHOUT_BODY = {204, 304}


class NoHttp(Exception):
    """What came is no answer."""


class HungUp(NoHttp):
    """The connection was closed before the first byte of an answer."""


class BrokenOff(NoHttp):
    """The connection was closed in the middle of an answer."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def phrase(status: int) -> str:
    """The words that belong to a status; nothing for one that has none."""
    if status == 404:  # noqa: PLR2004 - almost every command meets one
        return "Not Found"
    from http import HTTPStatus  # noqa: PLC0415 - only here, and slow to load

    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


class _Incoming(RawIOBase):
    """What a socket receives."""

    def __init__(self, sock: _socket.socket) -> None:
        self.sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Json) -> int:  # what the base class takes has a name in type stubs only
        return self.sock.recv_into(buffer)


def _connected(address: str, port: int, timeout_seconds: float) -> _socket.socket:
    """Connect to the first of the host's addresses that takes it, as `socket.create_connection` does."""
    # As bytes: a text would load the encoding of international names, 3 ms.
    host = address.encode() if address.isascii() else address
    failure = OSError(f"{address} has no address")
    for family, kind, protocol, _, where in _socket.getaddrinfo(host, port, 0, _socket.SOCK_STREAM):
        sock = _socket.socket(family, kind, protocol)
        sock.settimeout(timeout_seconds)
        try:
            sock.connect(where)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class Connection:
    """One connection to a host, opened with the first request; not for two threads at once."""

    def __init__(self, address: str, port: int, *, https: bool, timeout_seconds: float) -> None:
        self.address = address
        self.port = port
        self.https = https
        self.timeout_seconds = timeout_seconds
        self.sock: _socket.socket | None = None
        self.reading: BinaryIO = BytesIO()
        self.is_open = False

    def ask(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """Send a request and return its answer; `is_open` says whether another one may follow.

        Raises:
            OSError: the connection failed.
            NoHttp: what came is no whole answer.
        """
        self._opened().sendall(self._head(method, target, body, headers) + (body or b""))
        status, version, given = self._status_and_headers()
        while status // 100 == 1:
            status, version, given = self._status_and_headers()
        lasts = version == "HTTP/1.1" and given.get("connection", "").lower() != "close"
        content, ended = self._body(method, status, given)
        self.is_open = lasts and ended
        return Answer(status, given, content)

    def close(self) -> None:
        self.is_open = False
        if self.sock is not None:
            self.reading.close()
            self.sock.close()
            self.sock = None

    def _opened(self) -> _socket.socket:
        if self.sock is not None:
            return self.sock
        sock = _connected(self.address, self.port, self.timeout_seconds)
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if self.https:
            import socket  # noqa: PLC0415 - slow to load, and a sandbox's workspace has no TLS
            import ssl  # noqa: PLC0415

            plain = socket.socket(fileno=sock.detach())
            plain.settimeout(self.timeout_seconds)
            sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.address)
        self.sock, self.reading = sock, BufferedReader(_Incoming(sock))
        return sock

    def _head(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        host = f"[{self.address}]" if ":" in self.address else self.address
        usual = self.port == (443 if self.https else 80)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}" if usual else f"Host: {host}:{self.port}"]
        lines.append("Accept-Encoding: identity")
        if body is not None or method in {"POST", "PUT", "PATCH"}:
            lines.append(f"Content-Length: {len(body or b'')}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _line(self) -> str:
        line = self.reading.readline(_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise BrokenOff
        return line.rstrip(b"\r\n").decode("latin-1")

    def _status_and_headers(self) -> tuple[int, str, dict[str, str]]:
        first = self.reading.readline(_LINE_BYTES)
        if not first:
            raise HungUp
        version, _, rest = first.decode("latin-1").rstrip("\r\n").partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise NoHttp(f"malformed HTTP response {first[:40]!r}")
        headers: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(rest[:3]), version, headers

    def _body(self, method: str, status: int, headers: dict[str, str]) -> tuple[bytes, bool]:
        """The content, and whether its end was seen without the connection ending."""
        if method == "HEAD" or status in _WITHOUT_BODY:
            return b"", True
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks(), True
        if "content-length" not in headers:
            return self.reading.read(), False
        return self._exactly(_number(headers["content-length"], 10)), True

    def _exactly(self, size: int) -> bytes:
        content = self.reading.read(size)
        if len(content) < size:
            raise BrokenOff
        return content

    def _chunks(self) -> bytes:
        content = []
        while size := _number(self._line().partition(";")[0], 16):
            content.append(self._exactly(size))
            self._line()
        while self._line():
            pass
        return b"".join(content)


def _number(text: str, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise NoHttp(f"malformed length {text[:40]!r}") from None
