"""What GitHub Actions jobs ask of Prefect: start a release, or wake one that waits. Only Python's own packages.

    trigger.py                                                       start a release
    trigger.py wake --repository OWNER/NAME                          wake every release of it that waits; or only
                    [--pull-request NUMBER | --branch NAME]          the one that this is about

Reads from the environment what `trigger_http.py` reads, and to start a release:
    BUMP, VERSION, REASON     what the person chose in the form; may be empty
    GITHUB_REPOSITORY, GITHUB_ACTOR, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT    set by GitHub Actions
    GITHUB_OUTPUT, GITHUB_STEP_SUMMARY    files of GitHub Actions; get flow_run_id and url, and a line to read
    DABFLOW_DEPLOYMENT        default standard-release/default

Exit codes: 0 it is done, 1 the server refuses it, 2 a variable is missing or wrong, 75 the server is away.

The same job never starts two runs: each attempt of an Actions run has an idempotency key, and an attempt after
the first one starts a new run only where those of the attempts before it have failed or were cancelled. Waking
only makes a run look again: twice, or for nothing, changes nothing.

Runs on Python 3.8 and newer, whatever the runner brings.
Source: Prefect's REST API, "Read Deployment By Name", "Create Flow Run From Deployment" (3.8).
"""

from __future__ import annotations

import argparse
import os
import sys
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The script's folder is not on the path of an isolated Python; at its end, nothing there hides anything.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120

from deployments.trigger_http import (
    REFUSED,
    Refused,
    Server,
    Stop,
    command,
    identity,
    needed,
    one_line,
    say,
)
from deployments.trigger_wake import Meant, wake_all

_ENDED_BADLY = {"FAILED", "CRASHED", "CANCELLED", "CANCELLING"}


@dataclass(frozen=True)
class FlowRun:
    """A run in Prefect: its name for people, its page, and the type of its state."""

    id: str
    name: str
    url: str
    state: str


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
        remedy = "install dabflow on that server (`dabflow install`), or check PREFECT_API_URL"
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
        server.page(run),
        str(found.get("state_type")),
    )


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


def start(env: Mapping[str, str]) -> None:
    """Start a release, and tell the job which run it is."""
    given = parameters(env)
    deployment = env.get("DABFLOW_DEPLOYMENT") or "standard-release/default"
    report(env, started(Server.of(env), deployment, given, keys(env)), given)


def wake(env: Mapping[str, str], arguments: Sequence[str]) -> None:
    """Wake the releases that wait, as far as they are meant."""
    parser = argparse.ArgumentParser("trigger.py wake", description="Wake releases that wait for approval.")
    parser.add_argument("--repository", required=True, metavar="OWNER/NAME")
    parser.add_argument("--pull-request", type=_number, metavar="NUMBER", help="only the release of this one")
    parser.add_argument("--branch", default="", metavar="NAME", help="only the release of this branch")
    given = parser.parse_args(arguments)
    meant = Meant(given.repository, given.pull_request, given.branch)
    for line in wake_all(Server.of(env), meant, because=env.get("GITHUB_EVENT_NAME", "")):
        say(line)


def _number(text: str) -> int | None:
    """Read a number; a workflow that has none for this event hands over an empty text."""
    return int(text) if text else None


def main() -> int:
    try:
        if sys.argv[1:2] == ["wake"]:
            wake(os.environ, sys.argv[2:])
        else:
            start(os.environ)
    except Stop as stop:
        command("error", str(stop))
        return stop.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
