"""Look after releases whose run does nothing now: it waits for people, or it ended without a word.

    for each run that waits     wake it     when its time has come, or GitHub shows something new
                                remind      people, once, before its deadline
    for each run that ended     tell        GitHub how, and what somebody does next, if the run could not
    for each repository         refresh     the page that says what runs where, by a run of its own (deployments/overview.py)

It runs every few minutes, and for one run at once when Prefect sees that it ended (`dabflow install` arranges both).
Whatever it finds done, it leaves alone: a second look writes nothing.
"""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, Failed

from flows import known_runs
from flows.refreshing import refresh
from tasks.ask import waiting_of
from tasks.housekeeping import ensure_reminded, ensure_told, now, seen_now
from tasks.rules.errors import ReleaseError
from tasks.rules.waiting import must_remind, wakes


@flow(name="housekeeping")
def housekeeping(flow_run_id: UUID | None = None) -> State[Any]:
    """See to it that waiting releases go on in time, and that GitHub knows of those that ended.

    Args:
        flow_run_id: Only this run of a release, instead of all.
    """
    problems = [
        *_each(known_runs.waiting(flow_run_id), look_after),
        *_each(known_runs.ended_untold(flow_run_id), tell_how_it_ended),
    ]
    if flow_run_id is None:
        refresh()
    if problems:
        return Failed(message="\n".join(problems))
    return Completed(message="everything is looked after")


def look_after(run: FlowRun) -> None:
    """A run that waits is woken if it must look again; else people are reminded of it when that is due."""
    waiting, moment = waiting_of(run.id), now()
    if waiting is None:
        return
    why = wakes(waiting, seen=seen_now(waiting), now=moment)
    if why:
        known_runs.wake(run, why)
    elif must_remind(waiting, moment):
        ensure_reminded(waiting, known_runs.page(run))


def tell_how_it_ended(run: FlowRun) -> None:
    """GitHub knows how a run ended, unless another run of the same release has taken over."""
    ended = known_runs.how(run)
    if ended is not None:
        overtaken = known_runs.overtaken(run)
        if overtaken is None:
            return
        if not overtaken:
            ensure_told(ended)
    known_runs.remember_told(run)


def _each(runs: Iterable[FlowRun], look: Callable[[FlowRun], None]) -> Iterable[str]:
    """Look at every run, whatever goes wrong with one; yields what went wrong."""
    for run in runs:
        try:
            look(run)
        except ReleaseError as error:
            yield f"{run.name}: {error}"
