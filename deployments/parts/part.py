"""What all parts have in common: a thing on the Prefect server that should be as dabflow describes it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

MISSING = "is missing"


@dataclass(frozen=True)
class Difference:
    """`what` is so about a thing, or the name of a field that is `old` and should be `new`."""

    what: str
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.old or 'nothing'} -> {self.new}" if self.new else self.what


@dataclass(frozen=True)
class Seen:
    """How a thing differs from what is described, and what people changed in it that stays."""

    differences: tuple[Difference, ...] = ()
    stays: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        return any(one.what == MISSING for one in self.differences)


class Part(Protocol):
    """One thing on the server."""

    @property
    def title(self) -> str: ...

    def look(self) -> Seen:
        """Compare; nothing is changed.

        Raises:
            NeedsHuman: there is something of that name which is not dabflow's.
        """

    def make(self, seen: Seen) -> None:
        """What was seen to differ is as described. What people added stays."""

    def removable(self) -> bool:
        """Whether it is there, is dabflow's, and nothing of people's would go with it."""

    def remove(self) -> None:
        """What is removable is gone."""


@dataclass
class Comparison:
    """Collects the fields that differ."""

    found: list[Difference] = field(default_factory=list)

    def of(self, name: str, old: object, new: object) -> None:
        if old != new:
            self.found.append(Difference(name, _short(old), _short(new) or "nothing"))

    @property
    def names(self) -> set[str]:
        return {one.what for one in self.found}


def merged(old: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """`ours` over `old`, level by level: what somebody added stays."""
    both = dict(old)
    for key, value in ours.items():
        before = both.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            both[key] = merged(before, value)
        else:
            both[key] = value
    return both


def changes(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield each key, as a.b.c, whose value differs, with both values."""
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from changes(before, after, f"{prefix}{key}.")
        elif before != after:
            yield f"{prefix}{key}", before, after


def _short(value: object, longest: int = 100) -> str:
    if value is None or value == "":
        return ""
    text = " ".join(str(value).split())
    return text if len(text) <= longest else f"{text[:longest]}..."
