"""Follow a run: look at Prefect again and again, and tell what is new."""

import time
from collections.abc import Callable

from deployments.following import Follower
from deployments.prefect_api import PrefectApi
from deployments.runs import Question, Run, Step
from deployments.screen import Screen

EVERY_SECONDS = 0.4
_STORED_WITHIN_SECONDS = 10.0  # Prefect suspends first and stores the question after that
_SETTLED_WITHIN_SECONDS = 3.0  # the states of steps arrive over another way than the run's

Enough = Callable[[Run, list[Step], Question | None], bool]


def until_it_stops(run: Run, _: list[Step], __: Question | None) -> bool:
    """Enough is seen when the run has ended or waits for people."""
    return run.ended or run.waits


def until_it_ends(run: Run, _: list[Step], __: Question | None) -> bool:
    return run.ended


class Watch:
    """One person's view of one run; it can be looked at in several sittings."""

    def __init__(self, api: PrefectApi, run_id: str, screen: Screen) -> None:
        self._api = api
        self._run_id = run_id
        self._screen = screen
        self._follower = Follower()

    def skip(self) -> None:
        """What happened so far is not told."""
        self._follower.know(self._api.steps(self._run_id))

    def until(self, enough: Enough, *, within_seconds: float | None = None) -> Run:
        """Tell what happens until enough is seen; the run as it was at the last look.

        Raises:
            TryAgain: the Prefect server does not answer any more.
        """
        deadline = None if within_seconds is None else time.monotonic() + within_seconds
        while True:
            run, steps, question = self._look()
            if enough(run, steps, question) or (deadline is not None and time.monotonic() > deadline):
                return run
            time.sleep(EVERY_SECONDS)

    def _look(self) -> tuple[Run, list[Step], Question | None]:
        run = self._api.run(self._run_id)
        question = self._question() if run.waits else None
        steps = self._settled() if run.waits or run.ended else self._api.steps(self._run_id)
        for news in self._follower.news(run, steps, question):
            self._screen.tell(news)
        return run, steps, question

    def _question(self) -> Question | None:
        deadline = time.monotonic() + _STORED_WITHIN_SECONDS
        while (found := self._api.question(self._run_id)) is None and time.monotonic() < deadline:
            if not self._api.run(self._run_id).waits:
                return None
            time.sleep(EVERY_SECONDS)
        return found

    def _settled(self) -> list[Step]:
        """The steps, once none seems to be at work; a killed one seems so for ever."""
        deadline = time.monotonic() + _SETTLED_WITHIN_SECONDS
        while True:
            steps = self._api.steps(self._run_id)
            if all(step.over for step in steps) or time.monotonic() > deadline:
                return steps
            time.sleep(EVERY_SECONDS)
