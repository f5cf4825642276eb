"""Does the same work on several things, a few at a time: concurrent.futures takes long to load."""

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def each(work: Callable[[A], B], given: Iterable[A], *, at_once: int) -> list[B]:
    """What `work` returns for each, in the order given; after a failure nothing new is begun.

    Raises whatever the work on the first of those that failed raised.
    """
    left = list(enumerate(given))[::-1]
    done: dict[int, B] = {}
    failed: dict[int, BaseException] = {}

    def go_on() -> None:
        while left and not failed:
            try:
                number, one = left.pop()
            except IndexError:  # another thread took the last one
                return
            try:
                done[number] = work(one)
            except BaseException as error:  # noqa: BLE001 - raised by whoever waits
                failed[number] = error

    threads = [threading.Thread(target=go_on) for _ in range(min(at_once, len(left)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[min(failed)]
    return [done[number] for number in sorted(done)]
