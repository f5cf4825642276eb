"""What git has said of a mirror, remembered for as long as it holds."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")

_SHA = re.compile(r"[0-9a-f]{40}")
_MOST = 1_000
_UNKNOWN = object()

_for_good: dict[tuple[Path, tuple[str, ...]], object] = {}


def is_sha(text: str) -> bool:
    return _SHA.fullmatch(text) is not None


class Answers:
    """The answers to questions about the mirror in a folder; `moved` is the file that is touched when its refs move."""

    def __init__(self, mirror: Path, moved: Path) -> None:
        self._mirror = mirror
        self._moved = moved
        self._known: dict[tuple[str, ...], object] = {}
        self._since = 0

    def until_moved(self, question: tuple[str, ...], ask: Callable[[], T]) -> T:
        """The answer to a question about refs: asked anew when they have moved since."""
        since = self._moved.stat().st_mtime_ns
        if since != self._since:
            self._known, self._since = {}, since
        if question not in self._known:
            self._known[question] = ask()
        return cast("T", self._known[question])

    def of_commits(self, question: tuple[str, ...], ask: Callable[[], T], *commits: str) -> T:
        """The answer to a question about these commits: it never changes, so all steps of this process share it.

        Where one of them is named otherwise than by its hash, it is asked anew when refs have moved.
        """
        if not all(map(is_sha, commits)):
            return self.until_moved(question, ask)
        whole = (self._mirror, question)
        # Looked up once: a step beside this one may forget everything at any moment.
        known = _for_good.get(whole, _UNKNOWN)
        if known is not _UNKNOWN:
            return cast("T", known)
        answer = ask()
        if len(_for_good) >= _MOST:
            _for_good.clear()
        _for_good[whole] = answer
        return answer
