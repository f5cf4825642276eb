"""What makes a file a notebook, and the Python in it."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath

HEADER = "# Databricks notebook source"
SEPARATOR = "# COMMAND ----------"
MAGIC = "# MAGIC"


@dataclass(frozen=True)
class Cell:
    """One cell: `magic` is the word after the percent sign, if any; `line` is where it starts (from 1)."""

    source: str
    magic: str
    line: int


def is_notebook(name: str, content: bytes) -> bool:
    """Say whether a file of this name and content becomes a notebook when it is imported."""
    suffix = PurePosixPath(name).suffix
    if suffix == ".ipynb":
        return True
    return suffix == ".py" and content.startswith(HEADER.encode())


def source_of(content: bytes) -> str:
    """The notebook as Python source, whichever of the two formats it was stored in."""
    text = content.decode("utf-8")
    if not text.lstrip().startswith("{"):
        return text
    cells = [_source_cell(cell) for cell in json.loads(text)["cells"]]
    return f"{HEADER}\n" + f"\n\n{SEPARATOR}\n\n".join(cells) + "\n"


def _source_cell(cell: dict[str, object]) -> str:
    source = cell.get("source", "")
    text = "".join(source) if isinstance(source, list) else str(source)
    if cell.get("cell_type") == "markdown":
        text = f"%md\n{text}"
    if not text.lstrip().startswith("%"):
        return text
    return "\n".join(f"{MAGIC} {line}" for line in text.splitlines())


def cells_of(source: str) -> list[Cell]:
    """The cells of a notebook in source form."""
    cells: list[Cell] = []
    lines: list[str] = []
    start = 1
    for number, line in enumerate([*source.splitlines(), SEPARATOR], start=1):
        if line.strip() != SEPARATOR:
            lines.append(line)
            continue
        cells.append(_cell(lines, start))
        lines, start = [], number + 1
    return cells


def _cell(lines: list[str], start: int) -> Cell:
    marked = [line for line in lines if line.startswith(MAGIC)]
    magic = marked[0].removeprefix(MAGIC).strip() if marked else ""
    if not magic.startswith("%"):
        return Cell("\n".join(lines), "", start)
    word, *_ = magic.removeprefix("%").split() or [""]
    if word != "python":
        return Cell("\n".join(lines), word, start)
    python = [line.removeprefix(MAGIC).removeprefix(" ") for line in lines]
    return Cell("\n".join("" if line.startswith("%python") else line for line in python), "", start)
