"""What a bundle is made of: its folder, and what its files name outside of it.

A bundle may send files of other folders (`sync.paths`, a wheel built in `../lib`, a link), and no plan shows that they
changed. So everything is taken that could be such a path: too much only means that a bundle is deployed once more.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tasks.systems.bundle_files import document_paths

_UPWARDS = re.compile(r"(?<![\w.])(?:[\w.-]+/)*\.\.(?:/[\w.@+-]*)*(?![\w.])")
_BUILD_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements*.txt", "Makefile")
EVERYTHING = "."


def sources_of(root: Path, repository: Path) -> tuple[str, ...]:
    """Return the folders and files that the bundle in `root` is made of, as paths in the repository, sorted.

    Raises:
        NeedsHuman: a file of the bundle cannot be read.
    """
    top, own = repository.resolve(), root.resolve()
    found = {own, *_named(own, [*document_paths(own), *_build_files(own)]), *_links(own)}
    outside = {path for path in found if path == own or not path.is_relative_to(own)}
    return tuple(sorted({_in_repository(path, top) for path in outside}))


def _in_repository(path: Path, top: Path) -> str:
    """What leaves the repository has no versions: then every change counts."""
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else EVERYTHING


def _build_files(root: Path) -> Iterator[Path]:
    for pattern in _BUILD_FILES:
        yield from (path for path in root.rglob(pattern) if path.is_file())


def _named(root: Path, files: list[Path]) -> Iterator[Path]:
    """Whatever leads upwards in the files: from the file that says so, and from the bundle, where commands run."""
    for file in files:
        for name in _UPWARDS.findall(file.read_text(encoding="utf-8", errors="replace")):
            for folder in (file.parent, root):
                yield Path(os.path.normpath(folder / name))


def _links(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        yield from (path.resolve() for name in (*folders, *files) if (path := here / name).is_symlink())
