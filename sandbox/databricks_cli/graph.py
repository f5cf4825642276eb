"""Does work on things that depend on each other: each when those before it are done, several at once."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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
    running: dict[Future[bool], str] = {}
    with ThreadPoolExecutor(min(_AT_ONCE, max(len(waiting), 1))) as threads:
        while waiting or running:
            ready = [key for key, first in waiting.items() if not first]
            for key in ready:
                del waiting[key]
                culprit = next((f for f in sorted(before[key]) if f in failed), None)
                running[threads.submit(work, key, culprit)] = key
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                key = running.pop(future)
                if not future.result():
                    failed.add(key)
                for first in waiting.values():
                    first.discard(key)
