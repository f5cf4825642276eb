"""Everything a workspace remembers, and where it lies on disk."""

import hashlib
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sandbox.workspace.shelf import Shelf, write_whole


def now_ms() -> int:
    """The time as the workspace writes it: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass
class Ids:
    """Numbers for jobs, runs and files: 16 digits, growing, never given twice in one workspace.

    They come from the clock (microseconds), so that nothing has to be remembered over a stop.
    """

    last: int = 0

    def next(self) -> int:
        self.last = max(self.last + 1, time.time_ns() // 1_000)
        return self.last


class Contents:
    """File contents by their digest; what was once stored never changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self.folder / digest
        if not path.exists():
            write_whole(path, content)
        return digest

    def get(self, digest: str) -> bytes:
        return (self.folder / digest).read_bytes()

    def keep_only(self, digests: set[str]) -> None:
        """Forget the contents that no file has any more."""
        for path in self.folder.iterdir():
            if path.name not in digests:
                path.unlink()


@dataclass
class State:
    """The records of one workspace. Shelves hold what the API answers, as plain JSON.

    objects      files, notebooks and folders by object id
    jobs, runs   by id; a run holds its tasks
    outputs      what a task run left behind, by its run id (the log itself is in `logs/`)
    pipelines, updates, acls, tokens, people
    """

    home: Path
    contents: Contents
    ids: Ids
    facts: Shelf
    objects: Shelf
    jobs: Shelf
    runs: Shelf
    outputs: Shelf
    pipelines: Shelf
    updates: Shelf
    acls: Shelf
    people: Shelf
    tokens: Shelf
    paths: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, home: Path) -> "State":
        """Load what was written below `home`, or begin with nothing."""
        (home / "logs").mkdir(parents=True, exist_ok=True)
        shelves: dict[str, Any] = {name: Shelf(home / name) for name in _shelves()}
        state = cls(home=home, contents=Contents(home / "contents"), ids=Ids(), **shelves)
        state.paths = {record["path"]: key for key, record in state.objects.items()}
        state.contents.keep_only({r["digest"] for r in state.objects.values() if "digest" in r})
        return state

    def frozen(self) -> "State":
        """The state as it is now: later changes do not show in it, and it writes nothing."""
        shelves: dict[str, Any] = {name: getattr(self, name).frozen() for name in _shelves()}
        return State(self.home, self.contents, Ids(), **shelves, paths=dict(self.paths))

    def log(self, run_id: int | str) -> Path:
        """The file that holds what a task run printed."""
        return self.home / "logs" / f"{run_id}.txt"


def _shelves() -> list[str]:
    return [f.name for f in fields(State) if f.type is Shelf or f.type == "Shelf"]
