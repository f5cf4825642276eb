"""Texts that people read, kept as files whose diff is reviewed like code."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Golden:
    """Compares texts with files; `pytest --update-golden` rewrites the files instead."""

    update: bool

    def check(self, name: str, text: str) -> None:
        """Fail, with the difference, unless `text` is what `tests/golden/<name>` holds."""
        self.check_file(GOLDEN / name, text)

    def check_file(self, path: Path, text: str) -> None:
        """Do the same for a file anywhere in the project."""
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if text == expected:
            return
        diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), path.name, "now", lineterm="")
        pytest.fail("\n".join([*diff, "", "right as it is now? pytest --update-golden"]), pytrace=False)
