"""Every way a release can stop.

ReleaseError       the run stopped; the text says what to do next
|-- TryAgain       may pass by itself (time-out, 502): the step is run again
`-- NeedsHuman     will fail the same way again until someone changes something
"""


class ReleaseError(Exception):
    """A run cannot go on. `problem` says what is so, `remedy` says what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        # Both go to Exception.args, so the error survives pickling between processes.
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n  what to do: {self.remedy}"


class TryAgain(ReleaseError):
    """It may pass by itself: the step is run again, no sooner than `after_seconds` from now."""

    def __init__(self, problem: str, remedy: str, after_seconds: float = 0) -> None:
        super().__init__(problem, remedy)
        self.args = (problem, remedy, after_seconds)
        self.after_seconds = after_seconds


class NeedsHuman(ReleaseError):
    """It fails the same way again until someone changes something."""
