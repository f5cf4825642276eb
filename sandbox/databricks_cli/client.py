"""Talks HTTP to one workspace, with the real command's patience, rate limit and error texts.

Source: databricks-sdk-go 0.175.0 (httpclient, apierr) and what was recorded of the real command.
"""

import json
import os
import re
import select
import sys
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable

from sandbox.databricks_cli import VERSION, http1
from sandbox.databricks_cli.diagnostics import Failed
from sandbox.databricks_cli.http1 import Answer
from sandbox.databricks_cli.ids import new_id
from sandbox.databricks_cli.values import Json

_RETRY_SECONDS = 900.0
_REQUESTS_PER_SECOND = 15
_SILENCE_SECONDS = 90.0
_BAD_REQUEST, _NOT_FOUND = 400, 404
_BROKEN_OFF = "response body: unexpected EOF"
_PYTHON = sys.version.partition(" ")[0]
_SHORT_WAIT = ("connection reset by peer", "TLS handshake timeout", "connection refused", "i/o timeout")
_TRANSIENT_MESSAGES = (
    "UnknownWorkerEnvironmentException",
    "does not have any associated worker environments",
    "There is no worker environment with id",
    "Unknown worker environment",
    "ClusterNotReadyException",
    "Timed out after ",
    "deadline exceeded",
)


class ApiError(Failed):
    """The workspace refused. Prints as the real command prints it."""

    def __init__(self, request: str, status: int, code: str, message: str) -> None:
        extra = f"{status} {code}".strip()
        words = f"{status} {http1.phrase(status)}".strip()
        super().__init__(
            f"{message} ({extra})",
            f"Endpoint: {request}\nHTTP Status: {words}\nAPI error_code: {code}\nAPI message: {message}",
        )
        self.status = status
        self.code = code
        self.message = message
        self.words = words
        method, _, url = request.partition(" ")
        self.endpoint = f"{method} {urllib.parse.urlsplit(url).path}"

    @property
    def missing(self) -> bool:
        return self.status == _NOT_FOUND

    @property
    def will_pass(self) -> bool:
        """Whether the client itself tried again for as long as it may."""
        return (
            self.status in {429, 503}
            or any(words in self.message for words in _TRANSIENT_MESSAGES)
            or ("worker env " in self.message and bool(re.search("worker env .* not found", self.message)))
        )


class NoAnswer(Failed):
    """The connection broke. `will_pass` when the real command would try again."""

    def __init__(self, method: str, url: str, reason: str) -> None:
        prefix = "" if reason == _BROKEN_OFF else f'{method.capitalize()} "{url}": '
        super().__init__(prefix + reason)
        self.will_pass = any(words in reason for words in _SHORT_WAIT)


class Limiter:
    """Lets through a burst of `rate` requests, then `rate` a second."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.lock = threading.Lock()
        self.free_at = time.monotonic() - 1.0

    def wait(self) -> None:
        with self.lock:
            now = time.monotonic()
            self.free_at = max(self.free_at, now - 1.0) + 1.0 / self.rate
            delay = self.free_at - now
        if delay > 0:
            time.sleep(delay)


def retry_seconds() -> float:
    """How long one request is tried again: 15 minutes as the real command, shorter for tests."""
    return float(os.environ.get("DABFLOW_SANDBOX_RETRY_SECONDS", _RETRY_SECONDS))


def backoff_seconds(attempt: int) -> float:
    """The pause before the next try: one second more each time, ten at most, and some jitter."""
    import random  # noqa: PLC0415 - only here, and slow to load

    jitter = random.uniform(0.05, 0.75)  # noqa: S311 - not a secret
    return min(min(attempt, 10) + jitter, max(retry_seconds() / 4, 0.05))


class Client:
    """Requests to one host. Safe to use from several threads; connections are kept and used again."""

    def __init__(self, host: str, command: str) -> None:
        parts = urllib.parse.urlsplit(host)
        self.host = host
        self.https = parts.scheme != "http"
        self.address = parts.hostname or ""
        self.port = parts.port or (443 if self.https else 80)
        self.authorize: Callable[[], str] | None = None
        self.agent_words: list[str] = [f"cmd/{command}", f"cmd-exec-id/{new_id()}", "interactive/none"]
        self.auth_word = ""
        self.org_id = ""
        self.idle: deque[http1.Connection] = deque()
        rate = int(os.environ.get("DATABRICKS_RATE_LIMIT", "") or _REQUESTS_PER_SECOND)
        self.limiter = Limiter(rate)

    @property
    def agent(self) -> str:
        words = [*self.agent_words, *([f"auth/{self.auth_word}"] if self.auth_word else [])]
        return " ".join(
            [f"cli/{VERSION}", f"python-http/{_PYTHON}", f"os/{os.uname().sysname.lower()}", *words]
        )

    def json(self, method: str, path: str, *, query: dict[str, str] | None = None, body: Json = None) -> Json:
        """Send a JSON request and return the parsed answer; an empty answer is an empty object.

        Raises:
            ApiError: the workspace refused, or was not ready for 15 minutes.
            NoAnswer: the connection broke.
        """
        data = None if body is None else json.dumps(body).encode()
        answer = self.send(
            method, path, query=query, body=data, content_type="application/json" if data else ""
        )
        return json.loads(answer.body) if answer.body.strip() else {}

    def send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "",
    ) -> Answer:
        """Send a request and return its answer, trying again where the real command would.

        A 503 after the work was done is tried again too: that is how things are made twice.

        Raises:
            ApiError: the workspace refused, or was not ready for 15 minutes.
            NoAnswer: the connection broke.
        """
        target = path + ("?" + urllib.parse.urlencode(sorted(query.items())) if query else "")
        deadline = time.monotonic() + retry_seconds()
        attempt = 0
        while True:
            attempt += 1
            self.limiter.wait()
            try:
                return self.attempt(method, target, body, content_type)
            except (ApiError, NoAnswer) as error:
                if not error.will_pass:
                    raise
                pause = backoff_seconds(attempt)
                if time.monotonic() + pause > deadline:
                    raise
                time.sleep(pause)

    def attempt(self, method: str, target: str, body: bytes | None, content_type: str) -> Answer:
        """Send one request once. Raises `ApiError` for every status from 400 on, `NoAnswer` for none."""
        headers = {"Accept": "application/json"}
        if content_type:
            headers["Content-Type"] = content_type
        if self.authorize is not None:
            headers["Authorization"] = self.authorize()
        headers["User-Agent"] = self.agent
        answer = self.exchange(method, target, body, headers)
        if answer.status >= _BAD_REQUEST:
            code, message = _error_of(answer)
            raise ApiError(f"{method} {self.host}{_shown(method, target)}", answer.status, code, message)
        return answer

    def exchange(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """Send one request and read its answer, whatever its status. Raises `NoAnswer`."""
        url = f"{self.host}{_shown(method, target)}"
        connection = self.connection()
        try:
            answer = connection.ask(method, target, body, headers)
        except (OSError, http1.NoHttp) as error:
            connection.close()
            raise NoAnswer(method, url, _reason(error, self.address, self.port)) from error
        self.org_id = answer.headers.get("x-databricks-org-id") or self.org_id
        if connection.is_open:
            self.idle.append(connection)
        else:
            connection.close()
        return answer

    def connection(self) -> http1.Connection:
        """An open connection that is still good, or a new one."""
        while True:
            try:
                connection = self.idle.popleft()
            except IndexError:
                return http1.Connection(
                    self.address, self.port, https=self.https, timeout_seconds=_SILENCE_SECONDS
                )
            if connection.sock is not None and not select.select([connection.sock], [], [], 0)[0]:
                return connection
            connection.close()


def _shown(method: str, target: str) -> str:
    """The target as messages show it: the real client writes a question mark after every GET."""
    return target if "?" in target or method != "GET" else f"{target}?"


def _error_of(answer: Answer) -> tuple[str, str]:
    """Code and message of an error answer: JSON, else the text itself."""
    try:
        parsed = json.loads(answer.body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        text = answer.body.decode("utf-8", "replace").strip()
        return "", text or http1.phrase(answer.status)
    code = str(parsed.get("error_code") or parsed.get("scimType") or "")
    message = parsed.get("message") or parsed.get("detail") or parsed.get("error") or ""
    return code, str(message)


def _reason(error: Exception, address: str, port: int) -> str:
    """The words that Go has for a broken connection."""
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {address}:{port}: connect: connection refused"
    if isinstance(error, http1.HungUp):
        return "EOF"
    if isinstance(error, http1.BrokenOff):
        return _BROKEN_OFF
    if isinstance(error, ConnectionResetError):
        return "read: connection reset by peer"
    if isinstance(error, TimeoutError):
        return f"request timed out after {int(_SILENCE_SECONDS)}s of inactivity"
    if type(error).__name__ == "gaierror":
        return f"dial tcp: lookup {address}: no such host"
    return str(error) or type(error).__name__
