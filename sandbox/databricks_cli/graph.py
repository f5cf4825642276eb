"""Does work on things that depend on each other: each when those before it are done, several at once."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

_AT_ONCE = 10

# Gets the key, and the key of a predecessor that failed or None. Returns whether it went well.
Work = Callable[[str, str | None], bool]


class Cycle(Exception):
    """Things wait for each other in a circle."""


def run(before: dict[str, set[str]], work: Work) -> None:
    """Call `work` for every key, after all keys in `before[key]` are done.

    A key whose predecessor failed is still called, with that predecessor's name, so that it can say so.

    Raises:
        Cycle: some keys wait for each other; the others were done by then.
    """
    waiting = {key: set(first) for key, first in sorted(before.items())}
    failed: set[str] = set()
    running: dict[Future[bool], str] = {}
    with ThreadPoolExecutor(min(_AT_ONCE, max(len(waiting), 1))) as threads:
        while waiting or running:
            ready = [key for key, first in waiting.items() if not first]
            if not ready and not running:
                raise Cycle(f"cycle detected among {', '.join(waiting)}")
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
