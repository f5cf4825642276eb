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


class Map(dict[str, Json]):
    """A mapping; `at` is where it was first written, or None when it was computed.

    `keys_at` has the places of the keys, `anchored` the keys whose values are used elsewhere by an alias.
    """

    at: Location | None = None
    keys_at: Mapping[str, Location] = {}
    anchored: frozenset[str] = frozenset()


class Seq(list[Json]):
    """A sequence; `at` is where it was first written, or None when it was computed."""

    at: Location | None = None


class Text(str):  # noqa: SLOT000 - slots would forbid the attribute
    """A text; `at` is where it was written, or None when it was computed."""

    at: Location | None = None


def located(value: Json, at: Location | None) -> Json:
    """Return `value` with its place attached, where the type can carry one."""
    if isinstance(value, str):
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
        joined = located(dict(old), place(old))
        for key, value in new.items():
            joined[key] = merge(old[key], value) if key in old else value
        return joined
    if isinstance(old, list) and isinstance(new, list):
        return located([*old, *new], place(old))
    if isinstance(old, (dict, list)) or isinstance(new, (dict, list)):
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
    """Return `value` without places and without what is not set (None)."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if v is not None}
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
