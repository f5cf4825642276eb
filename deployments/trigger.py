"""What GitHub Actions jobs ask of Prefect: start a run, or wake releases that wait. Only Python's own packages.

    trigger.py release|hotfix|rollback|check [--wait MINUTES]    start a run; the form's fields are variables
                                                                 (`trigger_orders.py`)
    trigger.py wake                                              wake the releases of GITHUB_REPOSITORY that wait:
                                                                 that of PULL_REQUEST, else of BRANCH, else all

Reads from the environment what `trigger_http.py` reads, and
    GITHUB_REPOSITORY, GITHUB_ACTOR, GITHUB_TRIGGERING_ACTOR, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_EVENT_NAME
                              set by GitHub Actions
    GITHUB_OUTPUT, GITHUB_STEP_SUMMARY    files of GitHub Actions; get flow_run_id, url and state, and lines to read

With `--wait` it follows the run until that waits for somebody, has ended, or the minutes are over; without it ends
within seconds.

Exit codes: 0 it is done (the run was started; with `--wait` it has ended well), 1 the server refuses it, 2 a field
or a variable is missing or wrong, 75 the server is away. With `--wait` also: 10 the run waits for somebody, 11 it
ended badly, 12 it is still under way.

The same job never starts two runs: each attempt of an Actions run has an idempotency key, and an attempt after
the first one starts a new run only where those of the attempts before it have failed or were cancelled. Waking
only makes a run look again: twice, or for nothing, changes nothing.

Runs on Python 3.8 and newer, whatever the runner brings.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

# The script's folder is not on the path of an isolated Python; at its end, nothing there hides anything.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120

from deployments.trigger_http import Server, Stop, needed
from deployments.trigger_orders import KINDS, Order, number_in, order_of
from deployments.trigger_start import ENDED_BADLY, FlowRun, followed, keys, minutes_of, started
from deployments.trigger_text import command, escaped, hand_on, say, summarize
from deployments.trigger_wake import Meant, wake_all

WAITS, ENDED_BADLY_CODE, UNDER_WAY = 10, 11, 12


def start(name: str, env: Mapping[str, str], wait: float = 0) -> int:
    """Start a run, tell the job which one it is, and follow it for `wait` minutes; return the exit code."""
    order, server = order_of(name, env), Server.of(env)
    run = started(server, order, keys(env))
    report(env, run, order)
    if not wait:
        hand_on(env, state=run.word)
        return 0
    run = followed(server, run, wait)
    hand_on(env, state=run.word)
    return tell(env, run)


def report(env: Mapping[str, str], run: FlowRun, order: Order) -> None:
    """Tell the job's log, its outputs and its summary which run it is."""
    repository = str(order.given["repository"])
    say(f"{repository}, {order.words}: the run is {run.name}, {run.url}")
    hand_on(env, flow_run_id=run.id, url=run.url)
    by = f"Asked for by {_person(str(order.given['requested_by']))}. " if order.kind.by_somebody else ""
    first = env.get("GITHUB_ACTOR", "")
    if by and first and first != order.given["requested_by"]:
        by += f"(The first attempt was of {_person(first)}.) "
    summarize(
        env,
        f"### {escaped(repository)}: {escaped(order.words)}\n\n"
        f"{by}Watch it in Prefect: [{escaped(run.name)}]({run.url})\n",
    )


def _person(login: str) -> str:
    return f"`{login}`" if login.replace("-", "").replace("_", "").isalnum() else escaped(login)


def tell(env: Mapping[str, str], run: FlowRun) -> int:
    """Say how far the run is; return the exit code that says so, too."""
    if run.waits:
        code, text = WAITS, f"{run.name} waits for somebody: {run.url}"
    elif run.state in ENDED_BADLY:
        code, text = (
            ENDED_BADLY_CODE,
            f"{run.name} is {run.state.lower()}: {run.said or 'see its page'} {run.url}",
        )
    elif run.state == "COMPLETED":
        code, text = 0, f"{run.name} has ended: {run.said or 'well'}"
    else:
        code, text = UNDER_WAY, f"{run.name} is still under way: {run.url}"
    if code == ENDED_BADLY_CODE:
        command("error", text)
    else:
        say(text)
    summarize(env, f"{escaped(text)}\n")
    return code


def wake(env: Mapping[str, str]) -> int:
    """Wake the releases that wait, as far as they are meant."""
    repository = needed(env, "GITHUB_REPOSITORY", "this runs in a GitHub Actions job, which sets it")
    meant = Meant(repository, number_in(env, "PULL_REQUEST"), env.get("BRANCH", ""))
    for line in wake_all(Server.of(env), meant, because=env.get("GITHUB_EVENT_NAME", "")):
        say(line)
        summarize(env, f"- {escaped(line)}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("trigger.py", description="Start a run in Prefect, or wake what waits.")
    parser.add_argument("what", choices=[*KINDS, "wake"])
    parser.add_argument(
        "--wait", default="0", metavar="MINUTES", help="how long to follow the run; 0: not at all"
    )
    given = parser.parse_args(arguments)
    try:
        if given.what == "wake":
            return wake(os.environ)
        return start(given.what, os.environ, minutes_of(given.wait))
    except Stop as stop:
        command("error", str(stop))
        return stop.code


if __name__ == "__main__":
    sys.exit(main())
