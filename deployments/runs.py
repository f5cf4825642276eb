"""What Prefect tells about one run of a release, as plain values: the run, its steps, its question."""

from dataclasses import dataclass
from datetime import datetime

_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}


@dataclass(frozen=True)
class Run:
    """A flow run. `kind` is Prefect's type of its state (RUNNING, PAUSED, ...), `state` the name of it."""

    id: str
    name: str
    kind: str
    state: str
    message: str
    url: str
    repository: str = ""
    version: str = ""

    @property
    def waits(self) -> bool:
        """Whether it waits for the answer of people; it holds no process while it does."""
        return self.kind == "PAUSED"

    @property
    def ended(self) -> bool:
        return self.kind in _ENDED

    @property
    def went_wrong(self) -> bool:
        return self.kind in {"FAILED", "CRASHED"}


@dataclass(frozen=True)
class Step:
    """A task run. `attempt` counts from 1; times are in UTC."""

    id: str
    name: str
    kind: str
    state: str
    message: str
    attempt: int = 1
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def over(self) -> bool:
        return self.kind in _ENDED

    @property
    def repeats(self) -> bool:
        """Whether it failed in a way that may pass, and is tried again by itself."""
        return self.state == "AwaitingRetry"

    @property
    def seconds(self) -> float:
        if self.started is None or self.ended is None:
            return 0.0
        return max(0.0, (self.ended - self.started).total_seconds())


@dataclass(frozen=True)
class Question:
    """What a waiting run asks people: `text` is Markdown."""

    key: str
    text: str
