"""Looking for secrets: in every form that they travel in, everywhere that somebody could read them.

A mark is a secret with a random core of hexadecimal digits: neither JSON nor an address writes those differently,
so the core, its halves and its base64 are looked for.
"""

import base64
import binascii
import os
import re
import secrets
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_EVERY_SECONDS = 0.02
_SETTLED = 10
Text = tuple[str, bytes]


@dataclass(frozen=True)
class Mark:
    """A secret's name, and what of it is looked for."""

    name: str
    cores: tuple[str, ...]


def made(name: str) -> tuple[Mark, str]:
    """A mark, and a secret with it: with what JSON, addresses and shells write differently around the core."""
    core = secrets.token_hex(14)
    return Mark(name, (core[:14], core[14:])), f'mk"{core}\\+/=&x'


def of_key(name: str, pem: str) -> Mark:
    """The mark of a key of many lines: a part of every fifth."""
    lines = [line for line in pem.splitlines() if not line.startswith("-") and len(line) >= 40]
    return Mark(name, tuple(line[8:36] for line in lines[2::5]))


def found(texts: Iterable[Text], marks: Iterable[Mark]) -> list[str]:
    """Where a mark is, as `name: place`; each once."""
    forms = {mark.name: _forms(mark) for mark in marks}
    places: dict[str, list[bytes]] = {}
    for place, text in texts:
        places.setdefault(place, []).append(text)
    return [
        f"{name}: {place}"
        for place, parts in places.items()
        for layers in [list(_layers(b"\n\n\0\n\n".join(parts)))]
        for name, own in forms.items()
        if any(form in layer for layer in layers for form in own)
    ]


def _forms(mark: Mark) -> list[bytes]:
    return [form for core in mark.cores for form in (core.encode(), *_in_base64(core.encode()))]


def _in_base64(core: bytes) -> Iterator[bytes]:
    """What is sure to stand there whatever stands around: three alignments, without the mixed ends."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + core)
        first, end = -(-before * 8 // 6), (before + len(core)) * 8 // 6
        yield encoded[first:end]
        yield encoded[first:end].translate(bytes.maketrans(b"+/", b"-_"))


def _layers(text: bytes) -> Iterator[bytes]:
    """The text, the text without what JSON splits it with, and what was packed into it as base64."""
    yield text
    joined = re.sub(rb"(?:\\+[nrt]|\\+u00(?:0a|0d|20)|\s|\\+)", b"", text)
    yield joined
    yield b"\n".join(_unpacked({*_BASE64.findall(text), *_BASE64.findall(joined)}))


def _unpacked(words: set[bytes]) -> Iterator[bytes]:
    for packed in words:
        with suppress(binascii.Error, ValueError):
            yield base64.b64decode(
                packed + b"=" * (-len(packed) % 4), altchars=b"-_" if b"_" in packed else None
            )


def in_database(file: Path) -> Iterator[Text]:
    """Every value of every table."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        database.text_factory = bytes
        tables = [
            name.decode() for (name,) in database.execute("select name from sqlite_master where type='table'")
        ]
        for table in tables:
            for row in database.execute(f'select * from "{table}"'):
                for value in row:
                    if isinstance(value, bytes):
                        yield f"table {table}", value


def in_files(folder: Path, *, left_out: Callable[[Path], bool] = lambda _: False) -> Iterator[Text]:
    """Every file's content and name; git's own objects are read by `in_git`."""
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and "objects" not in path.parts and not left_out(path):
                yield f"file {path.relative_to(folder)}", path.name.encode() + b"\n" + path.read_bytes()
        except FileNotFoundError:
            continue


def in_git(folder: Path) -> Iterator[Text]:
    """Everything in the bare repositories below a folder, unpacked."""
    for head in sorted(folder.rglob("HEAD")):
        if (head.parent / "objects").is_dir():
            command = [
                "git",
                f"--git-dir={head.parent}",
                "cat-file",
                "--batch-all-objects",
                "--batch",
                "--unordered",
            ]
            done = subprocess.run(command, capture_output=True, check=False)
            yield f"git {head.parent.name}", done.stdout


@dataclass
class Processes:
    """Samples, as long as it is entered, what every process of this machine is called and is told."""

    lines: set[str] = field(default_factory=set)
    environments: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def texts(self) -> Iterator[Text]:
        """The command lines."""
        for line in self.lines:
            yield f"process {line.split(' ')[0]}", line.encode()

    def told(self, mark: Mark) -> list[bytes]:
        """The environments that hold a mark."""
        forms = _forms(mark)
        return [text for text in self.environments.values() if any(form in text for form in forms)]

    def _sample(self) -> None:
        settled: dict[str, int] = {}
        while not self._over.wait(_EVERY_SECONDS):
            there = {name for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208 - a tenth of the time
            settled = {name: times for name, times in settled.items() if name in there}
            for name in there:
                # One that was seen that often has become what it is: a new one is a copy of its parent at first.
                if settled.get(name, 0) < _SETTLED:
                    settled[name] = settled.get(name, 0) + 1
                    self._look_at(Path("/proc", name))

    def _look_at(self, folder: Path) -> None:
        with suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            self.lines.add(line)
            if (folder.name, line) not in self.environments:
                self.environments[folder.name, line] = (folder / "environ").read_bytes()
