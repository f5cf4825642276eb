"""What is new about a run since the last look: a pure comparison, so that every watcher tells the same story."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from deployments.runs import Question, Run, Step


@dataclass(frozen=True)
class Began:
    """A step is at work."""

    step: Step
    again: bool


@dataclass(frozen=True)
class Repeats:
    """A step failed in a way that may pass, and is tried again by itself."""

    step: Step


@dataclass(frozen=True)
class Ended:
    """A step is over, well or not. `again`: the run did it before, and only looked this time."""

    step: Step
    again: bool


@dataclass(frozen=True)
class Asked:
    """The run waits for people; its process is gone."""

    run: Run
    question: Question | None


@dataclass(frozen=True)
class Changed:
    """The run is in another state."""

    run: Run


News = Began | Repeats | Ended | Asked | Changed


class Follower:
    """Compares each look at a run with the one before."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()
        self._done: set[str] = set()
        self._state: tuple[str, str] = ("", "")

    def know(self, steps: Sequence[Step]) -> None:
        """Take these for told: somebody who joins later hears only what comes then."""
        for step in steps:
            list(self._about(step))

    def news(self, run: Run, steps: Sequence[Step], question: Question | None = None) -> list[News]:
        """What to tell now; a run that waits is told last, its steps first."""
        found: list[News] = [told for step in steps for told in self._about(step)]
        state = (run.kind, question.key if question else run.state)
        if state != self._state:
            self._state = state
            found.append(Asked(run, question) if run.waits else Changed(run))
        return found

    def _about(self, step: Step) -> Iterator[News]:
        again = step.name in self._done
        if step.repeats:
            yield from self._once((step.id, f"repeats {step.attempt}"), lambda: Repeats(step))
        elif step.over:
            told = list(self._once((step.id, "ended"), lambda: Ended(step, again)))
            self._done |= {step.name} if told and step.kind == "COMPLETED" else set()
            yield from told
        elif step.kind == "RUNNING":
            yield from self._once((step.id, f"began {step.attempt}"), lambda: Began(step, again))

    def _once(self, mark: tuple[str, str], make: Callable[[], News]) -> Iterator[News]:
        if mark not in self._told:
            self._told.add(mark)
            yield make()
