"""Start a run in Prefect, once for each GitHub Actions run, and follow it. Only Python's own packages.

Source: Prefect's REST API, "Read Deployment By Name", "Create Flow Run From Deployment", "Read Flow Run" (3.8).
"""

from __future__ import annotations

import re
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.trigger_http import REFUSED, USAGE, Refused, Server, Stop, identity, needed
from deployments.trigger_orders import Kind, Order
from deployments.trigger_text import command, one_line, say

ENDED_BADLY = {"FAILED", "CRASHED", "CANCELLED", "CANCELLING"}
_ENDED = {"COMPLETED", *ENDED_BADLY} - {"CANCELLING"}
_WAITS = "PAUSED"
_NOT_FOUND = 404
_LOOK_EVERY_SECONDS = 5.0
_FIELD = re.compile(r"field '([^']*)'")


@dataclass(frozen=True)
class FlowRun:
    """A run in Prefect: its name for people, its page, the type of its state, and what the state says."""

    id: str
    name: str
    url: str
    state: str
    said: str = ""

    @classmethod
    def of(cls, server: Server, found: Mapping[str, Any]) -> FlowRun:
        run, state = identity(server, found), found.get("state")
        said = state.get("message") if isinstance(state, dict) else ""
        kind = str(found.get("state_type"))
        return cls(run, one_line(str(found.get("name"))), server.page(run), kind, one_line(str(said or "")))

    @property
    def waits(self) -> bool:
        return self.state == _WAITS

    @property
    def word(self) -> str:
        """The type of its state as an output of the job: waits, completed, failed, ... or started."""
        if self.waits:
            return "waits"
        return self.state.lower() if self.state in _ENDED else "started"


def keys(env: Mapping[str, str]) -> list[str]:
    """Return the idempotency keys of this Actions run's attempts, this one's last."""
    run = needed(env, "GITHUB_RUN_ID", "this runs in a GitHub Actions job, which sets it")
    attempts = env.get("GITHUB_RUN_ATTEMPT", "1")
    amount = int(attempts) if attempts.isascii() and attempts.isdigit() else 1
    return [f"github-actions:{env['GITHUB_REPOSITORY']}:{run}:{n + 1}" for n in range(max(amount, 1))]


def started(server: Server, order: Order, idempotency_keys: Sequence[str]) -> FlowRun:
    """Return the run of this Actions run: one that is there already, else a new one."""
    found = look_up(server, order.kind.deployment)
    run = create(server, found, order, idempotency_keys[0])
    for key in idempotency_keys[1:]:
        if run.state not in ENDED_BADLY:
            break
        say(f"the run of an earlier attempt, {run.name}, is {run.state.lower()}")
        run = create(server, found, order, key)
    return run


def look_up(server: Server, deployment: str) -> str:
    """Return the id of the deployment called flow/name."""
    try:
        found = server.ask("GET", f"/deployments/name/{urllib.parse.quote(deployment)}")
    except Refused as refused:
        problem = f"the Prefect server at {server.api} has no deployment {deployment} ({refused})"
        remedy = "set dabflow up on that server (`dabflow install`), or check PREFECT_API_URL"
        raise Stop(REFUSED, problem, remedy) from None
    if found.get("status") == "NOT_READY":
        command("warning", "no worker serves this deployment now: the run waits until one is started")
    return identity(server, found)


def create(server: Server, deployment: str, order: Order, key: str) -> FlowRun:
    body = {"parameters": dict(order.given), "idempotency_key": key}
    try:
        found = server.ask("POST", f"/deployments/{deployment}/create_flow_run", body)
    except Refused as refused:
        problem = f"Prefect refuses to start the run ({refused.status}): {refused}"
        raise Stop(REFUSED, problem, _remedy(order.kind, str(refused))) from None
    return FlowRun.of(server, found)


def _remedy(kind: Kind, said: str) -> str:
    """Return what to do about a refusal: it names a parameter of the flow, people know the form's field."""
    labels = [kind.label(name) for name in _FIELD.findall(said)]
    named = ", ".join(dict.fromkeys(label for label in labels if label))
    return f"correct {f'the field {named}' if named else 'what it names'}, then start the workflow again"


def followed(server: Server, run: FlowRun, minutes: float) -> FlowRun:
    """Return the run as it is once it waits for somebody or has ended, or when the minutes are over."""
    deadline = time.monotonic() + minutes * 60
    while not run.waits and run.state not in _ENDED:
        left = deadline - time.monotonic()
        if left <= 0:
            return run
        time.sleep(min(_LOOK_EVERY_SECONDS, left))
        try:
            run = FlowRun.of(server, server.ask("GET", f"/flow_runs/{run.id}"))
        except Refused as refused:
            gone = refused.status == _NOT_FOUND
            problem = f"Prefect {'has forgotten' if gone else 'does not show'} the run {run.name} ({refused})"
            raise Stop(REFUSED, problem, f"see its page: {run.url}") from None
    return run


def minutes_of(text: str) -> float:
    """Read how long to wait.

    Raises:
        Stop: it is no number of minutes.
    """
    try:
        minutes = float(text or "0")
    except ValueError:
        minutes = -1.0
    if not 0 <= minutes <= 24 * 60:
        raise Stop(
            USAGE, f"--wait is no number of minutes: {text[:40]}", "give 0 for not at all, or up to 1440"
        )
    return minutes
