"""Small answers kept in files under HOME, as the real command keeps them.

DATABRICKS_CACHE_ENABLED=false switches it off, DATABRICKS_CACHE_DIR moves it; without a HOME there is none.
"""

import json
import os
import time
from pathlib import Path

from sandbox.databricks_cli import VERSION
from sandbox.databricks_cli.digests import sha256_of
from sandbox.databricks_cli.values import Json


class Cache:
    """Answers of one kind, each good for some seconds."""

    def __init__(self, component: str, seconds: float) -> None:
        self.seconds = seconds
        self.folder = self._folder(component)

    @staticmethod
    def _folder(component: str) -> Path | None:
        if os.environ.get("DATABRICKS_CACHE_ENABLED", "").lower() in {"false", "0", "no", "off"}:
            return None
        moved, home = os.environ.get("DATABRICKS_CACHE_DIR"), os.environ.get("HOME")
        base = os.environ.get("XDG_CACHE_HOME") or (str(Path(home, ".cache")) if home else "")
        if not (moved or base):
            return None
        return Path(moved or Path(base, "databricks"), VERSION, component)

    def file(self, key: str) -> Path | None:
        """The file for `key`; its name tells nothing, because keys contain tokens."""
        return self.folder / f"{sha256_of(key)}.json" if self.folder else None

    def get(self, key: str) -> Json:
        """The answer kept for `key`, or None."""
        file = self.file(key)
        try:
            if file is None or time.time() - file.stat().st_mtime > self.seconds:
                return None
            return json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def put(self, key: str, value: Json) -> None:
        """Keep an answer; a folder that cannot be written keeps nothing."""
        file = self.file(key)
        if file is None:
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.write_text(json.dumps(value), encoding="utf-8")
        except OSError:
            return
