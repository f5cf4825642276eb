"""What this target has deployed: ids and settings of every resource, in resources.json, with a journal beside it.

    resources.json      state_version, cli_version, lineage, serial, state {key: {__id__, state, depends_on}}
    resources.json.wal  while a deploy runs: a header, then one line for each thing done

Until the end of a deploy new ids are in the journal only. A killed deploy leaves it there, and the next command
in the same folder takes it over; a fresh checkout knows nothing of it and makes everything a second time.
"""

import contextlib
import json
import threading
from pathlib import Path
from typing import TextIO

from sandbox.databricks_cli import VERSION
from sandbox.databricks_cli.diagnostics import Failed
from sandbox.databricks_cli.go_json import dumps
from sandbox.databricks_cli.ids import new_id
from sandbox.databricks_cli.record import field, record
from sandbox.databricks_cli.values import Json

STATE_VERSION = 2
_NEWEST_READABLE = 3


@record
class State:
    """The state of one target. `entries` is as it was before the journal was opened; `ids` is up to date."""

    file: Path
    lineage: str = ""
    serial: int = 0
    cli_version: str = VERSION
    state_version: int = STATE_VERSION
    entries: dict[str, dict[str, Json]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    journal: TextIO | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def journal_file(self) -> Path:
        return self.file.with_name(f"{self.file.name}.wal")

    @classmethod
    def open(cls, file: Path) -> "State":
        """Read the state; a journal that a broken deploy left is taken over.

        Raises:
            Failed: the file or the journal makes no sense.
        """
        state = cls(file)
        if file.exists():
            state._read(json.loads(file.read_text("utf-8")))
        if state.journal_file.exists():
            try:
                state._replay()
            except Failed as error:
                raise Failed(f"reading state from {file}: WAL recovery failed: {error.summary}") from error
        return state

    def _read(self, content: dict[str, Json]) -> None:
        self.lineage = str(content.get("lineage") or "")
        self.serial = int(content.get("serial") or 0)
        self.cli_version = str(content.get("cli_version") or "")
        self.state_version = int(content.get("state_version") or 0)
        if self.state_version > _NEWEST_READABLE or content.get("features"):
            raise Failed(
                f"migrating state {self.file}: state version {self.state_version} is newer than supported version"
                f" {_NEWEST_READABLE}; upgrade the CLI"
            )
        if self.state_version < STATE_VERSION:
            raise Failed(f"migrating state {self.file}: the sandbox's databricks does not migrate old states")
        self.entries = dict(content.get("state") or {})
        self.ids = {key: str(entry.get("__id__") or "") for key, entry in self.entries.items()}

    def _replay(self) -> None:
        """Take the journal's lines over and delete it; a journal older than the state is just deleted."""
        lines = self.journal_file.read_text("utf-8").splitlines()
        header = json.loads(lines[0]) if lines else {}
        lineage, serial = str(header.get("lineage") or ""), int(header.get("serial") or 0)
        if self.lineage and lineage != self.lineage:
            raise Failed(f'WAL lineage ("{lineage}") does not match state lineage ("{self.lineage}")')
        if serial > self.serial + 1:
            raise Failed(
                f"WAL serial ({serial}) is ahead of expected ({self.serial + 1}), state may be corrupted"
            )
        if serial == self.serial + 1:
            self.lineage = self.lineage or lineage
            self._take_over(lines[1:])
            if len(lines) > 1:
                self.serial, self.cli_version = serial, str(header.get("cli_version") or "")
                self._save()
        self.journal_file.unlink()

    def _take_over(self, lines: list[str]) -> None:
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # the line that was being written when the command was killed
            if entry.get("v") is None:
                self.entries.pop(entry["k"], None)
                self.ids.pop(entry["k"], None)
            else:
                self.entries[entry["k"]] = entry["v"]
                self.ids[entry["k"]] = str(entry["v"]["__id__"])

    def _save(self) -> None:
        content = {
            "state_version": self.state_version,
            "cli_version": self.cli_version,
            "lineage": self.lineage,
            "serial": self.serial,
            "state": dict(sorted(self.entries.items())),
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_name(f".{self.file.name}.tmp-{new_id()}")
        new.touch(mode=0o600, exist_ok=False)
        new.write_text(dumps(content, indent=1), encoding="utf-8")
        new.replace(self.file)

    def begin(self) -> None:
        """Open the journal: from here on every change is written down before it counts.

        Raises:
            Failed: there is a journal already.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.lineage = self.lineage or new_id()
        header = {
            "state_version": STATE_VERSION,
            "cli_version": VERSION,
            "lineage": self.lineage,
            "serial": self.serial + 1,
        }
        try:
            self.journal = self.journal_file.open("x", encoding="utf-8")
        except FileExistsError as error:
            raise Failed(f"failed to open WAL file {self.journal_file}: file exists") from error
        self._append(header)

    def _append(self, line: dict[str, Json]) -> None:
        assert self.journal is not None, "begin() comes first"
        self.journal.write(dumps(line) + "\n")
        self.journal.flush()

    def put(self, key: str, id_: str, settings: Json, depends_on: list[dict[str, str]]) -> None:
        """Note that the resource `key` now exists under `id_` with these settings."""
        entry: dict[str, Json] = {"__id__": id_, "state": settings}
        if depends_on:
            entry["depends_on"] = depends_on
        with self.lock:
            self._append({"k": key, "v": entry})
            self.ids[key] = id_

    def drop(self, key: str) -> None:
        """Note that the resource `key` is gone."""
        with self.lock:
            self._append({"k": key})
            self.ids.pop(key, None)

    def finish(self) -> None:
        """Close the journal and write it into resources.json."""
        if self.journal is not None:
            self.journal.close()
            self.journal = None
            self._replay()

    def abandon(self) -> None:
        """Close the journal and forget it."""
        if self.journal is not None:
            self.journal.close()
            self.journal = None
            with contextlib.suppress(FileNotFoundError):
                self.journal_file.unlink()
