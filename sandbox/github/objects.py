"""What git keeps, as plain values: commits, tags, changes of files."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_PERSON = re.compile(r"(?P<name>.*) <(?P<email>.*)> (?P<seconds>\d+) (?P<sign>[+-])(?P<h>\d\d)(?P<m>\d\d)")


class GitFailed(Exception):
    """A git command ended with an exit code that was not expected."""


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    date: datetime

    @classmethod
    def parse(cls, line: str) -> "Person":
        found = _PERSON.fullmatch(line)
        if found is None:
            raise GitFailed(f"not a person: {line!r}")
        offset = timedelta(hours=int(found["h"]), minutes=int(found["m"])) * (
            -1 if found["sign"] == "-" else 1
        )
        return cls(
            found["name"], found["email"], datetime.fromtimestamp(int(found["seconds"]), timezone(offset))
        )

    def variables(self, role: str) -> dict[str, str]:
        """The environment that makes git use this person; `role` is AUTHOR or COMMITTER."""
        return {
            f"GIT_{role}_NAME": self.name,
            f"GIT_{role}_EMAIL": self.email,
            f"GIT_{role}_DATE": f"{int(self.date.timestamp())} {self.date:%z}",
        }


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str

    @property
    def title(self) -> str:
        return self.message.partition("\n")[0]


@dataclass(frozen=True)
class Tag:
    sha: str
    name: str
    object: str
    type: str
    tagger: Person
    message: str


@dataclass(frozen=True)
class FileChange:
    filename: str
    previous: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str


@dataclass(frozen=True)
class MergeTree:
    """What a merge would give: a tree, or the files that conflict."""

    tree: str
    conflicts: tuple[str, ...]


def _headers_and_message(text: str) -> tuple[list[tuple[str, str]], str]:
    head, _, message = text.partition("\n\n")
    lines = [line.partition(" ") for line in head.split("\n") if not line.startswith(" ")]
    return [(key, value) for key, _, value in lines], message


def parse_commit(sha: str, data: bytes) -> Commit:
    headers, message = _headers_and_message(data.decode(errors="replace"))
    first = dict(reversed(headers))
    return Commit(
        sha=sha,
        tree=first["tree"],
        parents=tuple(value for key, value in headers if key == "parent"),
        author=Person.parse(first["author"]),
        committer=Person.parse(first["committer"]),
        message=message.rstrip("\n"),
    )


def parse_tag(sha: str, data: bytes) -> Tag:
    headers, message = _headers_and_message(data.decode(errors="replace"))
    first = dict(headers)
    nobody = Person("", "", datetime.fromtimestamp(0, UTC))
    return Tag(
        sha=sha,
        name=first["tag"],
        object=first["object"],
        type=first["type"],
        tagger=Person.parse(first["tagger"]) if "tagger" in first else nobody,
        message=message,
    )
