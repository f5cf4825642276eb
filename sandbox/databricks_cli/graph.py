"""Does work on things that depend on each other: each when those before it are done, several at once."""

import threading
from collections import deque
from collections.abc import Callable
from itertools import pairwise

_AT_ONCE = 10

# Gets the key, and the key of a predecessor that failed or None. Returns whether it went well.
Work = Callable[[str, str | None], bool]


# For every key the keys that come after it, each with the reference that says so.
After = dict[str, dict[str, str]]


def cycle(after: After) -> str:
    """Say which things wait for each other in a circle, or nothing. Source: libs/dagrun of the real command."""
    done: set[str] = set()
    for root in after:
        path = [(root, "")]
        while path:
            node = path[-1][0]
            known = {key: index for index, (key, _) in enumerate(path)}
            back = next((key for key in after[node] if key in known), "")
            if back:
                return _told(path[known[back] :], after[node][back])
            onward = next((key for key in after[node] if key not in done), "")
            if onward:
                path.append((onward, after[node][onward]))
            else:
                done.add(node)
                path.pop()
    return ""


def _told(path: list[tuple[str, str]], closing: str) -> str:
    if len(path) == 1:
        return f"cycle detected: {path[0][0]} refers to itself via {closing}"
    steps = [f"{key} refers to {before} via {label}" for (before, _), (key, label) in pairwise(path)]
    return f"cycle detected: {' '.join(steps)} which refers to {path[-1][0]} via {closing}"


def run(before: dict[str, set[str]], work: Work) -> None:
    """Call `work` for every key, after all keys in `before[key]` are done.

    A key whose predecessor failed is still called, with that predecessor's name, so that it can say so.
    There must be no cycle.
    """
    waiting = {key: set(first) for key, first in sorted(before.items())}
    failed: set[str] = set()
    running: dict[str, threading.Thread] = {}
    ended = _Ended()
    try:
        while waiting or running:
            for key in [key for key, first in waiting.items() if not first]:
                del waiting[key]
                culprit = next((f for f in sorted(before[key]) if f in failed), None)
                running[key] = threading.Thread(target=ended.after, args=(work, key, culprit))
                running[key].start()
            key, went_well = ended.next()
            running.pop(key).join()
            if not went_well:
                failed.add(key)
            for first in waiting.values():
                first.discard(key)
    finally:
        for thread in running.values():
            thread.join()


class _Ended:
    """What has ended and how, in the order of ending; the work of a few goes on at a time."""

    def __init__(self) -> None:
        self.places = threading.Semaphore(_AT_ONCE)
        self.news = threading.Semaphore(0)
        self.outcomes: deque[tuple[str, bool | BaseException]] = deque()

    def after(self, work: Work, key: str, culprit: str | None) -> None:
        with self.places:
            try:
                self.outcomes.append((key, work(key, culprit)))
            except BaseException as error:  # noqa: BLE001 - raised by `next`
                self.outcomes.append((key, error))
        self.news.release()

    def next(self) -> tuple[str, bool]:
        self.news.acquire()
        key, outcome = self.outcomes.popleft()
        if isinstance(outcome, BaseException):
            raise outcome
        return key, outcome
