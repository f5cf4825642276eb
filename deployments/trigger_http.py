"""A Prefect server, asked with nothing but Python's own library: what the scripts in GitHub Actions stand on.

Reads from the environment:
    PREFECT_API_URL           the Prefect server, ending in /api
    PREFECT_API_AUTH_STRING   user:password, if the server asks for it; or
    PREFECT_API_KEY           a key, if it asks for that
    PREFECT_UI_URL            where its pages are, if not next to the API
    DABFLOW_WITHIN_SECONDS    how long a server that is away is asked again, default 120

Runs on Python 3.8 and newer, whatever the runner brings.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments.trigger_text import one_line, say

REFUSED, USAGE, AWAY = 1, 2, 75

_PASSING = {408, 425, 429, 500, 502, 503, 504}
_ANSWER_WITHIN_SECONDS = 30
_LONGEST_PAUSE_SECONDS = 10.0
_LONGEST = 1_000  # characters of what a server says: it repeats what it was sent


class Stop(Exception):
    """What was asked for was not done; `code` is the exit code."""

    def __init__(self, code: int, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. What to do: {remedy}")
        self.code = code


class Away(Exception):
    """No proper answer this time; `after` is how many seconds the server wants to be left alone."""

    def __init__(self, text: str, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after


@dataclass(frozen=True)
class Server:
    """A Prefect server: its API, its pages, and the header that lets us in ("" where it needs none)."""

    api: str
    pages: str
    authorization: str
    within_seconds: float

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Server:
        api = needed(env, "PREFECT_API_URL", "set it as a variable of the repository").rstrip("/")
        address = urllib.parse.urlsplit(api)
        if (
            address.scheme not in {"http", "https"}
            or not address.hostname
            or address.username
            or not _plain(api)
        ):
            raise Stop(USAGE, "PREFECT_API_URL is not the address of an API", "give it as https://host/api")
        pages = env.get("PREFECT_UI_URL", "").rstrip("/") or re.sub(r"/api$", "", api)
        if not pages.startswith(("http://", "https://")) or not _plain(pages):
            raise Stop(USAGE, "PREFECT_UI_URL is not an address", "give it as https://host, or leave it out")
        return cls(api, pages, authorization(env), seconds(env))

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the server's answer; ask again while it is away and time is left.

        A POST is repeated, too: whoever calls this gives it an idempotency key, or sees to it that twice is once.
        """
        return self._one(self._asked(method, path, body))

    def ask_for_all(self, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what the server finds for a filter."""
        found = self._asked("POST", path, body)
        if not isinstance(found, list):
            raise not_prefect(self)
        return [self._one(one) for one in found]

    def page(self, run: str) -> str:
        """Return the page of a flow run, for people."""
        return f"{self.pages}/runs/flow-run/{run}"

    def _one(self, found: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the server says
        if not isinstance(found, dict):
            raise not_prefect(self)
        return found

    def _asked(self, method: str, path: str, body: dict[str, Any] | None) -> Any:  # noqa: ANN401 - its JSON
        deadline, pause = time.monotonic() + self.within_seconds, 0.5
        while True:
            try:
                return self._once(method, path, body)
            except Away as away:
                wait = max(pause, away.after)
                if time.monotonic() + wait > deadline:
                    raise Stop(
                        AWAY,
                        f"the Prefect server at {self.api} does not answer ({away})",
                        "see that it runs and that this runner reaches it, then run this job again",
                    ) from away
                say(f"no answer yet ({away}), asking again in {wait:.1f} s")
                time.sleep(wait)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> Any:  # noqa: ANN401 - its JSON
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.api}{path}", data, headers, method=method)
        try:
            with _OPENER.open(request, timeout=_ANSWER_WITHIN_SECONDS) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
                raise self._untrusted(error) from error
            raise Away(str(getattr(error, "reason", error)) or type(error).__name__) from error
        except ValueError as error:
            raise not_prefect(self) from error

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        with error:
            said = reason_in(error.read())
        if error.code in _PASSING:
            return Away(f"{error.code} {said}".strip(), retry_after(error))
        if error.code in {401, 403}:
            return Stop(
                REFUSED,
                f"the Prefect server does not let us in ({error.code} {said})",
                "check the secret PREFECT_API_KEY or PREFECT_API_AUTH_STRING",
            )
        if 300 <= error.code < 400:  # noqa: PLR2004 - a key is never carried on to another address
            to = error.headers.get("Location", "another address")
            return Stop(USAGE, f"{self.api} sends us on to {to}", "set PREFECT_API_URL to where the API is")
        return Refused(error.code, said)

    def _untrusted(self, error: Exception) -> Stop:
        text = f"the certificate of {self.api} is not trusted ({error})"
        return Stop(USAGE, text, "mend the certificate, or the address in PREFECT_API_URL")


class Refused(Exception):
    """The server understood and said no; `status` says how."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as in the standard library
        """Follow nobody: urllib would take the key along."""


_OPENER = urllib.request.build_opener(_Stay)


def _plain(address: str) -> bool:
    """Whether an address can stand in a link and in a line of its own: nothing in it ends either."""
    return address.isascii() and address.isprintable() and not set(' ()<>\\"`') & set(address)


def authorization(env: Mapping[str, str]) -> str:
    auth_string, key = env.get("PREFECT_API_AUTH_STRING", ""), env.get("PREFECT_API_KEY", "")
    if auth_string:
        return "Basic " + base64.b64encode(auth_string.encode()).decode()
    return f"Bearer {key}" if key else ""


def seconds(env: Mapping[str, str]) -> float:
    text = env.get("DABFLOW_WITHIN_SECONDS") or "120"
    try:
        return float(text)
    except ValueError:
        raise Stop(USAGE, "DABFLOW_WITHIN_SECONDS is not a number", "give seconds, such as 120") from None


def needed(env: Mapping[str, str], name: str, remedy: str) -> str:
    if not env.get(name):
        raise Stop(USAGE, f"{name} is not set", remedy)
    return env[name]


def identity(server: Server, found: Mapping[str, Any]) -> str:
    try:
        return str(uuid.UUID(str(found.get("id"))))
    except ValueError:
        raise not_prefect(server) from None


def not_prefect(server: Server) -> Stop:
    text = f"what answers at {server.api} is no Prefect API"
    return Stop(USAGE, text, "set PREFECT_API_URL to the API; it usually ends in /api")


def reason_in(body: bytes) -> str:
    """Return the server's own words, without what it repeats of our request."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    problems = found.get("detail") or found.get("exception_detail") or found.get("exception_message") or ""
    if isinstance(problems, list):
        problems = "; ".join(_problem(one) for one in problems)
    return shortened(one_line(str(problems)))


def _problem(one: Any) -> str:  # noqa: ANN401 - whatever the server says
    if not isinstance(one, dict):
        return str(one)
    return f"{'.'.join(str(part) for part in one.get('loc', []))}: {one.get('msg', '')}"


def shortened(text: str) -> str:
    """Return the text without its middle, if it is long: a server repeats what it was sent, then says why not."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"


def retry_after(error: urllib.error.HTTPError) -> float:
    text = error.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0
