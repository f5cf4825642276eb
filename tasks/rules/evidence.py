"""What happened to a release, as a chain of entries: each one holds the hash of the one before.

One file per release, canonical JSON: {form, repository, version, entries: [{kind, at, facts, previous, hash}]}.
`hash` is the SHA-256 of the entry's canonical bytes without it; `previous` is the hash of the entry before, and
for the first one that of the head (form, repository, version). So whoever changes, takes out or moves an entry
must write every later one anew, and the chain is no longer the beginning of what others keep.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from tasks.rules.errors import NeedsHuman

FORM = 1
BLOCKED, UNBLOCKED = "blocked", "unblocked"
WITHDRAWN, LIFTED = "withdrawn", "hold lifted"
STOPPED, RETRIED = "stopped in production", "retried"
REJECTED, ROLLED_BACK = "rejected", "rolled back"
_ENDS = frozenset({REJECTED, ROLLED_BACK})  # how a rollback ends; another one of its name begins anew
_PAIRS = ({BLOCKED, UNBLOCKED}, {WITHDRAWN, LIFTED}, {STOPPED, RETRIED})  # each of two takes back the other
_ALWAYS = frozenset({BLOCKED, UNBLOCKED, WITHDRAWN, LIFTED})  # what no ending ends
FILES = "files"  # the fact that holds the SHA-256 of each file that was kept with an entry

_HEAD = {"form", "repository", "version"}
_ENTRY = {"kind", "at", "facts", "previous", "hash"}
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_REMEDY = (
    "somebody changed it: find out who, and compare it with the older commits of its ref and with the release"
)


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `at` is UTC, in whole seconds; `facts` are what JSON can say."""

    kind: str
    at: datetime
    facts: Mapping[str, Any]
    previous: str
    hash: str

    @property
    def as_json(self) -> dict[str, Any]:
        return {**_sealed(self.kind, _written(self.at), self.facts, self.previous), "hash": self.hash}


@dataclass(frozen=True)
class Block:
    """Why nothing of a release may be approved: who said so, and when (UTC)."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Chain:
    """Everything noted about one release, oldest first."""

    repository: str
    version: str
    entries: tuple[Entry, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.repository} {self.version}"

    @property
    def newest_hash(self) -> str:
        """What the next entry calls its `previous`."""
        return self.entries[-1].hash if self.entries else _hash(self._head)

    @property
    def now(self) -> "Chain":
        """What was noted since a rollback of this name ended last, or since a version was withdrawn."""
        ends = _ENDS if self.version.startswith("rollback-") else {WITHDRAWN}
        ended = [number for number, entry in enumerate(self.entries, 1) if entry.kind in ends]
        return Chain(self.repository, self.version, self.entries[max(ended, default=0) :])

    @property
    def _head(self) -> dict[str, Any]:
        return {"form": FORM, "repository": self.repository, "version": self.version}

    def with_entry(self, kind: str, facts: Mapping[str, Any], at: datetime) -> "Chain":
        """The chain with one entry more; tuples become lists, as JSON has them.

        Raises:
            ValueError: a fact is not JSON (NaN, an object), or `at` has no time zone.
        """
        if at.tzinfo is None:
            raise ValueError("the time of an entry needs its time zone")
        moment = at.astimezone(UTC).replace(microsecond=0)
        plain = json.loads(canonical(facts))
        sealed = _sealed(kind, _written(moment), plain, self.newest_hash)
        entry = Entry(kind, moment, plain, self.newest_hash, _hash(sealed))
        return Chain(self.repository, self.version, (*self.entries, entry))

    def last(self, kind: str, **equal: object) -> Entry | None:
        """The newest entry of a kind whose facts say what is given, None where there is none."""
        for entry in reversed(self.entries):
            if entry.kind == kind and all(entry.facts.get(name) == value for name, value in equal.items()):
                return entry
        return None

    def says(self, kind: str, facts: Mapping[str, Any]) -> bool:
        """Whether the newest entry of that kind says the same; an unblocking takes back a block, and so on.

        What an ended rollback of this name said, or a version before it was withdrawn, is said of that time only.
        """
        kinds = next((pair for pair in _PAIRS if kind in pair), {kind})
        newest = next((e for e in reversed(self._said(kind)) if e.kind in kinds), None)
        return newest is not None and newest.kind == kind and _same(newest.facts, facts)

    def _said(self, kind: str) -> tuple[Entry, ...]:
        """The entries that may say already what would be noted."""
        if kind in _ALWAYS:
            return self.entries
        return self.now.entries or (self.entries[-1:] if kind in _ENDS else ())

    def continues(self, earlier: "Chain") -> bool:
        """Whether `earlier` is how this chain began; a chain continues itself."""
        mine = (self.repository, self.version, self.entries[: len(earlier.entries)])
        return mine == (earlier.repository, earlier.version, earlier.entries)

    def to_bytes(self) -> bytes:
        """The one way to write this chain down."""
        return canonical({**self._head, "entries": [entry.as_json for entry in self.entries]})

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        """Read a chain.

        Raises:
            NeedsHuman: it is broken; the text names the first entry that does not fit.
        """
        head, found = _parsed(data)
        chain, previous = cls(head["repository"], head["version"]), _hash(head)
        entries = []
        for number, entry in enumerate(found, 1):
            if problem := _misfit(entry, previous):
                raise _broken(f"entry {number} of the evidence of {chain.title} does not fit: {problem}")
            entries.append(Entry(entry["kind"], _read(entry["at"]), entry["facts"], previous, entry["hash"]))
            previous = entry["hash"]
        chain = cls(chain.repository, chain.version, tuple(entries))
        if chain.to_bytes() != data:
            raise _broken(f"the evidence of {chain.title} is not written as dabflow writes it")
        return chain


def blocked(chain: Chain) -> Block | None:
    """The block that holds now: whichever of blocked and unblocked was said last decides."""
    for entry in reversed(chain.entries):
        if entry.kind == UNBLOCKED:
            return None
        if entry.kind == BLOCKED:
            return Block(str(entry.facts.get("by", "")), str(entry.facts.get("reason", "")), entry.at)
    return None


def canonical(value: object) -> bytes:
    """The bytes that are equal exactly if two JSON values are.

    Raises:
        ValueError: JSON cannot say it.
    """
    try:
        text = json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
        )
    except TypeError as error:
        raise ValueError(f"JSON cannot say it: {error}") from error
    return text.encode("utf-8", "surrogatepass")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__}")


def _hash(value: object) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def _sealed(kind: str, at: str, facts: Mapping[str, Any], previous: str) -> dict[str, Any]:
    """What the hash of an entry covers."""
    return {"kind": kind, "at": at, "facts": facts, "previous": previous}


def _same(noted: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether two entries say the same; the files beside them may show the moment and do not count."""
    return canonical({k: v for k, v in noted.items() if k != FILES}) == canonical(facts)


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(at: str) -> datetime:
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _parsed(data: bytes) -> tuple[dict[str, Any], list[Any]]:
    """The head and the entries of a file that at least has the outline of a chain."""
    try:
        whole = json.loads(data)
        canonical(whole)
    except (ValueError, RecursionError) as error:
        raise _broken("the evidence is not JSON") from error
    if not isinstance(whole, dict) or set(whole) != {*_HEAD, "entries"}:
        raise _broken("the evidence is not a chain: it has other keys")
    entries = whole.pop("entries")
    if whole["form"] != FORM or isinstance(whole["form"], bool | float):
        raise NeedsHuman(
            f"the evidence has form {whole['form']}, this dabflow reads {FORM}", "use a newer dabflow"
        )
    texts = isinstance(whole["repository"], str) and isinstance(whole["version"], str)
    if not texts or not isinstance(entries, list):
        raise _broken("the evidence is not a chain: repository and version are texts, entries a list")
    return whole, entries


def _misfit(entry: object, previous: str) -> str:
    """Why an entry cannot stand after the one whose hash is `previous`; "" when it can."""
    if not isinstance(entry, dict) or set(entry) != _ENTRY:
        return "it has other keys than an entry"
    if (
        not _is_time(entry["at"])
        or not isinstance(entry["kind"], str)
        or not isinstance(entry["facts"], dict)
    ):
        return "its kind, time or facts are not what an entry has"
    without_hash = {name: value for name, value in entry.items() if name != "hash"}
    if entry["hash"] != _hash(without_hash):
        return f"it ({entry['kind']}) was changed after it was written, its hash is another one"
    if entry["previous"] != previous:
        return f"it ({entry['kind']}) was written after another entry than the one before it"
    return ""


def _is_time(value: object) -> bool:
    if not isinstance(value, str) or not _AT.fullmatch(value):
        return False
    try:
        _read(value)
    except ValueError:
        return False
    return True


def _broken(problem: str) -> NeedsHuman:
    return NeedsHuman(problem, _REMEDY)
