"""Starts a release in Prefect from a GitHub Actions job: one look-up, one POST, no package but Python's own.

Reads from the environment:
    PREFECT_API_URL           the Prefect server, ending in /api
    PREFECT_API_AUTH_STRING   user:password, if the server asks for it; or
    PREFECT_API_KEY           a key, if it asks for that
    PREFECT_UI_URL            where its pages are, if not next to the API
    BUMP, VERSION, REASON     what the person chose in the form; may be empty
    GITHUB_REPOSITORY, GITHUB_ACTOR, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT    set by GitHub Actions
    GITHUB_OUTPUT, GITHUB_STEP_SUMMARY    files of GitHub Actions; get flow_run_id and url, and a line to read
    DABFLOW_DEPLOYMENT        default standard-release/default
    DABFLOW_WITHIN_SECONDS    how long a server that is away is asked again, default 120

Exit codes: 0 the run is there, 1 the server refuses it, 2 a variable is missing or wrong, 75 the server is away.

The same job never starts two runs: each attempt of an Actions run has an idempotency key, and an attempt after
the first one starts a new run only where those of the attempts before it have failed or were cancelled.

Runs on Python 3.8 and newer, whatever the runner brings.
Source: Prefect's REST API, "Read Deployment By Name", "Create Flow Run From Deployment" (3.8).
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REFUSED, USAGE, AWAY = 1, 2, 75

_PASSING = {408, 425, 429, 500, 502, 503, 504}
_ANSWER_WITHIN_SECONDS = 30
_LONGEST_PAUSE_SECONDS = 10.0
_ENDED_BADLY = {"FAILED", "CRASHED", "CANCELLED", "CANCELLING"}


class Stop(Exception):
    """The release was not started; `code` is the exit code."""

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
        if address.scheme not in {"http", "https"} or not address.hostname or address.username:
            raise Stop(USAGE, "PREFECT_API_URL is not the address of an API", "give it as https://host/api")
        pages = env.get("PREFECT_UI_URL", "").rstrip("/") or re.sub(r"/api$", "", api)
        return cls(api, pages, authorization(env), seconds(env))

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the server's answer; ask again while it is away and time is left.

        A POST is repeated, too: whoever calls this gives it an idempotency key.
        """
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

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.api}{path}", data, headers, method=method)
        try:
            with _OPENER.open(request, timeout=_ANSWER_WITHIN_SECONDS) as answer:
                found = json.loads(answer.read())
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
        if not isinstance(found, dict):
            raise not_prefect(self)
        return found

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


@dataclass(frozen=True)
class FlowRun:
    """A run in Prefect: its name for people, its page, and the type of its state."""

    id: str
    name: str
    url: str
    state: str


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


def parameters(env: Mapping[str, str]) -> dict[str, str]:
    """Return what the flow is started with; the server checks it against the flow's own schema."""
    where = "this runs in a GitHub Actions job, which sets it"
    chosen = {
        "repository": needed(env, "GITHUB_REPOSITORY", where),
        "requested_by": needed(env, "GITHUB_ACTOR", where),
        "bump": env.get("BUMP", "").strip() or "auto",
        "version": env.get("VERSION", "").strip(),
        "reason": env.get("REASON", "").strip(),
    }
    return {name: value for name, value in chosen.items() if value}


def keys(env: Mapping[str, str]) -> list[str]:
    """Return the idempotency keys of this Actions run's attempts, this one's last."""
    run = needed(env, "GITHUB_RUN_ID", "this runs in a GitHub Actions job, which sets it")
    attempts = env.get("GITHUB_RUN_ATTEMPT", "1")
    amount = int(attempts) if attempts.isdigit() else 1
    return [f"github-actions:{env['GITHUB_REPOSITORY']}:{run}:{n + 1}" for n in range(max(amount, 1))]


def started(server: Server, deployment: str, given: dict[str, str], idempotency_keys: list[str]) -> FlowRun:
    """Return the run of this Actions run: one that is there already, else a new one."""
    found = look_up(server, deployment)
    run = create(server, found, given, idempotency_keys[0])
    for key in idempotency_keys[1:]:
        if run.state not in _ENDED_BADLY:
            break
        say(f"the run of an earlier attempt, {run.name}, is {run.state.lower()}")
        run = create(server, found, given, key)
    return run


def look_up(server: Server, deployment: str) -> str:
    """Return the id of the deployment called flow/name."""
    try:
        found = server.ask("GET", f"/deployments/name/{urllib.parse.quote(deployment)}")
    except Refused as refused:
        remedy = "set dabflow up on that server (`dabflow setup`), or check PREFECT_API_URL"
        problem = f"the Prefect server at {server.api} has no deployment {deployment} ({refused})"
        raise Stop(REFUSED, problem, remedy) from None
    if found.get("status") == "NOT_READY":
        command("warning", "no worker serves this deployment now: the run waits until one is started")
    return identity(server, found)


def create(server: Server, deployment: str, given: dict[str, str], key: str) -> FlowRun:
    try:
        found = server.ask(
            "POST",
            f"/deployments/{deployment}/create_flow_run",
            {"parameters": given, "idempotency_key": key},
        )
    except Refused as refused:
        problem = f"Prefect refuses to start the run ({refused.status}): {refused}"
        raise Stop(REFUSED, problem, "correct what it names, then start the workflow again") from None
    run = identity(server, found)
    return FlowRun(
        run,
        one_line(str(found.get("name"))),
        f"{server.pages}/runs/flow-run/{run}",
        str(found.get("state_type")),
    )


def identity(server: Server, found: dict[str, Any]) -> str:
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
    return one_line(str(problems))


def _problem(one: Any) -> str:  # noqa: ANN401 - whatever the server says
    if not isinstance(one, dict):
        return str(one)
    return f"{'.'.join(str(part) for part in one.get('loc', []))}: {one.get('msg', '')}"


def retry_after(error: urllib.error.HTTPError) -> float:
    text = error.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0


def one_line(text: str) -> str:
    """Return the text on one line, so that nothing in it is read as a workflow command."""
    return " ".join(text.split())


def say(text: str) -> None:
    sys.stdout.write(f"{one_line(text)}\n")
    sys.stdout.flush()


def command(kind: str, text: str) -> None:
    """Show an error or a warning where GitHub shows them. Source: docs.github.com, "Workflow commands"."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        say(f"::{kind}::{text.replace('%', '%25')}")
    else:
        say(f"{kind}: {text}")


def report(env: Mapping[str, str], run: FlowRun, given: dict[str, str]) -> None:
    """Tell the job's log, its outputs and its summary which run it is."""
    say(f"the run {run.name} releases {given['repository']}: {run.url}")
    _append(env.get("GITHUB_OUTPUT"), f"flow_run_id={run.id}\nurl={run.url}\n")
    what = given.get("version") or f"the next version ({given['bump']})"
    _append(
        env.get("GITHUB_STEP_SUMMARY"),
        f"### {given['repository']}: {one_line(what)}\n\n"
        f"Asked for by @{given['requested_by']}. Watch it in Prefect: [{run.name}]({run.url})\n",
    )


def _append(path: str | None, text: str) -> None:
    if path:
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 - one line does it
            file.write(text)


def main() -> int:
    env = os.environ
    try:
        given = parameters(env)
        deployment = env.get("DABFLOW_DEPLOYMENT") or "standard-release/default"
        run = started(Server.of(env), deployment, given, keys(env))
    except Stop as stop:
        command("error", str(stop))
        return stop.code
    report(env, run, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
