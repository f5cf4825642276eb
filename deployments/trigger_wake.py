"""Wake releases that wait, with Python's own packages: they look at GitHub again, and decide for themselves.

A woken run approves nothing. Waking it for nothing changes nothing, so nothing here looks whether it is needed.

Source: Prefect's REST API, "Read Flow Runs", "Read Flow Run Input", "Resume Flow Run" (3.8). Of a resume only the
field `status` of the answer counts: the code is 200 as well where the run stays as it is; measured with 3.8.8.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployments.trigger_http import AWAY, REFUSED, Refused, Server, Stop, identity
from deployments.trigger_text import one_line

_WAITING_KEY = "dabflow-waiting"  # where a run keeps what it waits for: `tasks.rules.waiting.WAITING_KEY`
_TRY_FOR_SECONDS = 15.0
_TRY_EVERY_SECONDS = 0.5
_NOT_FOUND = 404


@dataclass(frozen=True)
class Meant:
    """Which releases of a repository are to be woken: all, or only that of a pull request or of a branch."""

    repository: str
    pull_request: int | None
    branch: str

    @property
    def words(self) -> str:
        if self.pull_request is not None:
            return f"{self.repository}#{self.pull_request}"
        return f"{self.branch} of {self.repository}" if self.branch else self.repository

    def fits(self, waiting: object) -> bool:
        """Whether a run that waits for `waiting` is one of them; one that does not say is better woken."""
        if not isinstance(waiting, dict):
            return True
        if self.pull_request is not None:
            return self.pull_request in {
                waiting.get("number"),
                *(sync.get("number") for sync in syncs(waiting)),
            }
        return not self.branch or self.branch in {waiting.get("branch"), *map(branch_of, syncs(waiting))}


def syncs(waiting: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a run waits for besides: commits on their way into branches, each with a pull request."""
    found = waiting.get("syncs")
    return [sync for sync in found if isinstance(sync, dict)] if isinstance(found, list) else []


def branch_of(sync: dict[str, Any]) -> str:
    """Return the branch that carries one: `tasks.rules.syncs.Sync.branch`."""
    return f"sync/{sync.get('what')}-into-{str(sync.get('into')).replace('/', '-')}"


def wake_all(server: Server, meant: Meant, *, because: str) -> Iterator[str]:
    """Wake each run that waits and is meant; yields a line for people about each, or the line that there is none.

    Raises:
        Stop: the server is away, refuses us, or does not let a run go on.
    """
    reason = f"woken by GitHub Actions ({because})" if because else "woken by a program"
    woken = 0
    for run in waiting_runs(server, meant.repository):
        if meant.fits(waiting_for(server, run)):
            woken += 1
            yield _woken(server, run, reason)
    if not woken:
        yield f"nothing to wake: no release waits for {meant.words}"


def waiting_runs(server: Server, repository: str) -> list[dict[str, Any]]:
    """Return the runs of the repository's releases that wait for people."""
    wanted = {
        "tags": {"all_": ["dabflow", f"repository:{repository}"]},
        "state": {"type": {"any_": ["PAUSED"]}},
    }
    return server.ask_for_all("/flow_runs/filter", {"flow_runs": wanted})


def waiting_for(server: Server, run: dict[str, Any]) -> object:
    """Return what a run says it waits for, None where it does not say."""
    try:
        return server.ask("GET", f"/flow_runs/{identity(server, run)}/input/{_WAITING_KEY}")
    except Refused as refused:
        if refused.status == _NOT_FOUND:
            return None
        problem = f"Prefect does not tell what {run.get('name')} waits for ({refused})"
        raise Stop(REFUSED, problem, f"see its page: {server.page(identity(server, run))}") from None


def _woken(server: Server, run: dict[str, Any], reason: str) -> str:
    """Wake one run: the same answer is handed in until it is taken, or until the run waits no longer.

    Right after a run was suspended, Prefect may be busy or may not have stored its question yet.
    """
    identifier, name = identity(server, run), one_line(str(run.get("name")))
    deadline = time.monotonic() + _TRY_FOR_SECONDS
    while problem := _refusal(server, identifier, reason):
        now = server.ask("GET", f"/flow_runs/{identifier}")
        if now.get("state_type") != "PAUSED":
            return f"{name} was woken by somebody else a moment ago: {server.page(identifier)}"
        if time.monotonic() > deadline:
            raise Stop(
                AWAY,
                f"Prefect does not let {name} go on: {problem}",
                f"run this job again, or answer in Prefect (Resume, recheck): {server.page(identifier)}",
            )
        time.sleep(_TRY_EVERY_SECONDS)
    return f"woke {name}: {server.page(identifier)}"


def _refusal(server: Server, run: str, reason: str) -> str:
    """Hand in a recheck; "" when Prefect took it, else why it did not."""
    answer = {"run_input": {"decision": "recheck", "reason": reason}}
    try:
        found = server.ask("POST", f"/flow_runs/{run}/resume", answer)
    except Refused as refused:
        return f"{refused.status} {refused}"
    if found.get("status") == "ACCEPT":
        return ""
    details = found.get("details")
    said = details.get("reason") if isinstance(details, dict) else ""
    return one_line(str(said or found.get("status")))
