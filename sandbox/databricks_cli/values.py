"""Values of a configuration that know where they were written.

Plain dictionaries, lists and texts with one attribute more, so that everything else treats them as plain values.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

# Anything that YAML or JSON can say.
Json = Any


class Location(NamedTuple):
    """A place in a file. `file` is absolute, `line` and `column` count from 1."""

    file: str
    line: int
    column: int


# The place of what was computed, where messages name one all the same.
NOWHERE = Location("", 0, 0)


class Map(dict[str, Json]):
    """A mapping; `at` is where it was first written, or None when it was computed.

    `keys_at` and `values_at` have the places of keys and values; in `anchored` are the keys whose values have an
    anchor, or are what an alias means.
    """

    at: Location | None = None
    keys_at: Mapping[str, Location] = {}
    values_at: Mapping[str, Location] = {}
    anchored: frozenset[str] = frozenset()

    def put(self, key: str, value: Json, key_at: Location, value_at: Location) -> None:
        """Set a value. A key that was there keeps its place; that of the value is the new one."""
        self.keys_at = {key: key_at, **self.keys_at}
        self.values_at = {**self.values_at, key: value_at}
        self.anchored -= {key}
        self[key] = value

    def take(self, other: "Map") -> None:
        """Put in everything of another mapping, its values before those that were here."""
        for key, value in other.items():
            self.put(key, value, other.keys_at[key], other.values_at[key])
        self.anchored |= other.anchored


class Seq(list[Json]):
    """A sequence; `at` is where it was first written, or None when it was computed."""

    at: Location | None = None
    values_at: Mapping[int, Location] = {}
    anchored: frozenset[int] = frozenset()


class Text(str):  # noqa: SLOT000 - slots would forbid the attribute
    """A text; `at` is where it was written, or None when it was computed."""

    at: Location | None = None


class Moment(Text):
    """A text that YAML takes for a time."""


def located(value: Json, at: Location | None) -> Json:
    """Return `value` with its place attached, where the type can carry one."""
    if isinstance(value, str) and not isinstance(value, Moment):
        value = Text(value)
    elif isinstance(value, dict) and not isinstance(value, Map):
        value = Map(value)
    elif isinstance(value, list) and not isinstance(value, Seq):
        value = Seq(value)
    if isinstance(value, (Map, Seq, Text)):
        value.at = at
    return value


def place(value: Json) -> Location | None:
    """Where `value` was written, if it knows."""
    at = getattr(value, "at", None)
    return at if isinstance(at, Location) else None


def merge(old: Json, new: Json) -> Json:
    """Join two values: maps entry by entry, lists one after the other, anything else the new one."""
    if old is None or new is None:
        return new if old is None else old
    if isinstance(old, dict) and isinstance(new, dict):
        joined: Map = located(dict(old), place(old))
        joined.values_at = {**getattr(new, "values_at", {}), **getattr(old, "values_at", {})}
        for key, value in new.items():
            joined[key] = merge(old[key], value) if key in old else value
        return joined
    if isinstance(old, list) and isinstance(new, list):
        return located([*old, *new], place(old))
    if kind(old) != kind(new):
        raise TypeError(f"cannot merge {kind(old)} with {kind(new)}")
    return new


def kind(value: Json) -> str:
    """The word that messages use for the type of `value`."""
    if value is None:
        return "nil"
    for types, word in (
        (bool, "bool"),
        (dict, "map"),
        (list, "sequence"),
        (Moment, "time"),
        (str, "string"),
        (int, "int"),
        (float, "float"),
    ):
        if isinstance(value, types):
            return word
    return type(value).__name__


Path = tuple[str | int, ...]


def path_text(path: Path) -> str:
    """Write a path the way messages do: `resources.jobs.x.tasks[0].task_key`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def get(value: Json, *path: str | int) -> Json:
    """The value at `path`, or None where the path ends early."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def replace_texts(value: Json, change: Callable[[str, Path], Json], path: Path = ()) -> Json:
    """Return a copy of `value` with `change` applied to every text in it; places stay."""
    if isinstance(value, str):
        return change(value, path)
    if isinstance(value, dict):
        return located({k: replace_texts(v, change, (*path, k)) for k, v in value.items()}, place(value))
    if isinstance(value, list):
        return located([replace_texts(v, change, (*path, i)) for i, v in enumerate(value)], place(value))
    return value


def plain(value: Json) -> Json:
    """Return `value` without places."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, str) else value


Holder = tuple[Json, str | int, Path]


def find(value: Json, pattern: tuple[str, ...], path: Path = ()) -> Iterator[Holder]:
    """Yield (container, key, path) of everything that matches; `*` stands for any key or index."""
    head, *rest = pattern
    keys: list[str | int] = []
    if isinstance(value, dict):
        keys = list(value) if head == "*" else [head] if head in value else []
    elif isinstance(value, list) and head == "*":
        keys = list(range(len(value)))
    for key in keys:
        if not rest:
            yield value, key, (*path, key)
        else:
            yield from find(value[key], tuple(rest), (*path, key))
