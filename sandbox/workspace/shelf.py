"""Dictionaries that survive a stop: one JSON file per entry, written whole or not at all."""

import copy
import json
import secrets
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

Json = dict[str, Any]


def write_whole(path: Path, content: bytes) -> None:
    """Make `path` hold exactly `content`; a reader, or a crash, sees the old content or the new one."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    beside.write_bytes(content)
    beside.replace(path)


class Shelf(MutableMapping[str, Json]):
    """Records by key, each in `folder/<key>.json`. A changed record is kept by putting it back.

    Without a folder the shelf lives in memory only.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.records: dict[str, Json] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for broken_off in folder.glob(".*"):
                broken_off.unlink()
            for path in sorted(folder.glob("[!.]*.json")):
                self.records[unquote(path.stem)] = json.loads(path.read_bytes())

    def __getitem__(self, key: str) -> Json:
        return self.records[key]

    def __setitem__(self, key: str, record: Json) -> None:
        self.records[key] = record
        if self.folder is not None:
            write_whole(self._path(self.folder, key), json.dumps(record).encode())

    def __delitem__(self, key: str) -> None:
        del self.records[key]
        if self.folder is not None:
            self._path(self.folder, key).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def frozen(self) -> "Shelf":
        """A copy of the records as they are now, kept in memory."""
        past = Shelf(None)
        past.records = copy.deepcopy(self.records)
        return past

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / f"{quote(key, safe='@')}.json"
