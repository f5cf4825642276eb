"""The journal of the last deploy of one bundle to one target on this worker, and what it proves.

`databricks bundle deploy` writes down each thing it has made before it goes on. A deploy that is ended in the middle
leaves that here; the next one with the same folder takes it over instead of making things a second time.

Source: `bundle/direct/dstate` of the Databricks CLI 1.14 (resources.json, resources.json.wal).
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.rules.errors import TryAgain

_STARTED = "started"
_IN_USE = "in-use"


@dataclass(frozen=True)
class Unfinished:
    """What a deploy had done that the workspace's state may not know: the state as it would be next.

    Its lock was taken between `since` and `until`: after it was started, before it wrote its last line.
    """

    lineage: str
    serial: int
    ids: frozenset[str]
    since: datetime
    until: datetime

    def follows(self, state: tuple[str, int] | None) -> bool:
        """Whether nobody has written a state since: `state` is the workspace's lineage and serial, if it has one."""
        return self.serial == 1 if state is None else (self.lineage, self.serial) == (state[0], state[1] + 1)

    def took(self, lock_since: str) -> bool:
        """Whether a lock, taken at that time as the command writes it, is the one that this deploy took."""
        try:
            taken = datetime.fromisoformat(lock_since)
        except ValueError:
            return False
        return taken.tzinfo is not None and self.since <= taken <= self.until


class DeployJournal:
    """The durable folder of one bundle, target and deployer."""

    def __init__(self, folder: Path, target: str) -> None:
        self.folder = folder
        self._state = folder / target / "resources.json"
        self._wal = folder / target / "resources.json.wal"

    @contextmanager
    def deploying(self) -> Iterator[int]:
        """Inside, a deploy runs that keeps the yielded descriptor open: nobody else uses the folder until it is gone.

        Raises:
            TryAgain: another deploy of this worker still runs, perhaps one that its worker did not survive.
        """
        with self._alone() as descriptor:
            (self.folder / _STARTED).write_text(datetime.now(UTC).isoformat())
            yield descriptor

    def unfinished(self) -> Unfinished | None:
        """What the last deploy left, if it got as far as changing things.

        Whether the workspace's state knows it already must be asked there: see `Unfinished.follows`.

        Raises:
            TryAgain: that deploy still runs.
        """
        with self._alone():
            return self._read()

    @contextmanager
    def _alone(self) -> Iterator[int]:
        with (self.folder / _IN_USE).open("a") as mine:
            try:
                fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TryAgain(
                    f"a deploy that this worker started still runs in {self.folder.name}",
                    "nothing now: it is looked at again",
                ) from error
            yield mine.fileno()

    def forget(self) -> None:
        """Nothing is kept of a deploy that ended well: the workspace has it all, values of variables included."""
        self._state.unlink(missing_ok=True)
        self._wal.unlink(missing_ok=True)

    def copied_to(self, folder: Path) -> None:
        """`folder` holds the same, for a command that must not take this one over."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)

    def _read(self) -> Unfinished | None:
        try:
            since = datetime.fromisoformat((self.folder / _STARTED).read_text())
            state = json.loads(self._state.read_text()) if self._state.exists() else {}
            lines = self._wal.read_text().splitlines() if self._wal.exists() else []
            until = (self._wal if lines else self._state).stat().st_mtime
            head = json.loads(lines[0]) if lines else state
            return Unfinished(
                str(head["lineage"]),
                int(head["serial"]),
                frozenset(_ids(state, lines[1:])),
                since,
                datetime.fromtimestamp(until, UTC),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None  # nothing that proves anything


def _ids(state: dict[str, Any], lines: list[str]) -> Iterator[str]:
    """The ids of all that was there before, and of what was made since."""
    for entry in (state.get("state") or {}).values():
        yield str(entry["__id__"])
    for line in lines:
        try:
            value = json.loads(line).get("v")
        except ValueError:
            continue  # the line that was being written
        if value:
            yield str(value["__id__"])
