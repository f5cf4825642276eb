"""The shape of a bundle: which fields there are, and what type each has.

`normalize` is what the real command does right after reading a file and again after variables were filled in:
values get their types, unknown fields and wrong types are warned about and left out.
"""

import json
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path as LocalPath
from typing import NamedTuple

from sandbox.databricks_cli.diagnostics import Log
from sandbox.databricks_cli.values import Json, Location, Map, Moment, Path, Seq, find, kind, located, place

_PURE_REFERENCE = r"\$\{[^\W\d_][\w-]*(\.[^\W\d_][\w-]*(\[[0-9]+\])*)*(\[[0-9]+\])*\}"

_TRUE = {"true", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
_FALSE = {"false", "n", "N", "no", "No", "NO", "off", "Off", "OFF"}
_INT64 = 1 << 63
_NUMBERS = {"i": "an integer", "f": "a floating point number"}
_WORDS = {"s": "string", "b": "bool", "i": "int", "f": "float"}

_NOTHING = object()


@cache
def _tables() -> dict[str, Json]:
    text = LocalPath(__file__).with_name("fields.json").read_text("utf-8")
    tables: dict[str, Json] = json.loads(text)
    return tables


def fields(type_name: str) -> dict[str, str]:
    """The fields of a type, each with the type of its value (the notation is in fields.json)."""
    named: dict[str, str] = _tables()["types"].get(type_name, {})
    return named


def normalize(value: Json, shape: str, log: Log | None, path: Path = ()) -> Json:
    """Return `value` in the given shape; what does not fit is warned about and left out (None)."""
    result = _Normalizer(log).fit(value, shape, path, place(value))
    return None if result is _NOTHING else result


class _Normalizer:
    def __init__(self, log: Log | None) -> None:
        self.log = log

    def fit(self, value: Json, shape: str, path: Path, at: Location | None) -> Json:
        base = shape.partition(":")[0]
        if base == "*":
            return located(str(value), at) if isinstance(value, Moment) else value
        if base in _WORDS:
            return self.scalar(value, base, path, at)
        if value is None or (isinstance(value, str) and _is_reference(value)):
            return value
        if base.startswith("["):
            return self.sequence(value, base[1:], path, at)
        if not isinstance(value, dict):
            return self.mismatch("map", value, path, at)
        is_map = base.startswith("{")
        known = dict.fromkeys(value, base[1:]) if is_map else {**fields(base), **_INTERNAL.get(base, {})}
        return self.mapping(value, known, path)

    def mapping(self, value: dict[str, Json], known: dict[str, str], path: Path) -> Json:
        keys_at = value.keys_at if isinstance(value, Map) else {}
        values_at = value.values_at if isinstance(value, Map) else {}
        anchored = value.anchored if isinstance(value, Map) else frozenset[str]()
        result: Map = located({}, place(value))
        result.keys_at, result.values_at, result.anchored = keys_at, values_at, anchored
        for key, item in value.items():
            at = place(item) or values_at.get(key) or keys_at.get(key)
            if key not in known:
                if key not in anchored and not _all_anchored(item):
                    self.warn(f"unknown field: {key}", path, keys_at.get(key) or place(value))
                continue
            fitted = self.fit(item, known[key], (*path, key), at)
            if fitted is not _NOTHING:
                result[key] = fitted
        return result

    def sequence(self, value: Json, shape: str, path: Path, at: Location | None) -> Json:
        if not isinstance(value, list):
            return self.mismatch("sequence", value, path, at)
        items: list[Json] = []
        values_at = value.values_at if isinstance(value, Seq) else {}
        for index, item in enumerate(value):
            fitted = self.fit(item, shape, (*path, len(items)), place(item) or values_at.get(index) or at)
            if fitted is not _NOTHING:
                items.append(fitted)
        return located(items, place(value))

    def scalar(self, value: Json, base: str, path: Path, at: Location | None) -> Json:
        word = _WORDS[base]
        if value is None:
            self.warn(f"expected a {word} value, found null", path, at)
            return _NOTHING
        if isinstance(value, Moment):
            parsed = located(str(value), at) if base == "s" else None
        elif isinstance(value, str):
            if base == "s" or _is_reference(value):
                return value
            parsed = _parsed(value, base)
            if parsed is None and base in _NUMBERS:
                self.warn(f'cannot parse "{value}" as {_NUMBERS[base]}', path, at)
                return _NOTHING
        elif isinstance(value, (dict, list)) or (base != "s" and isinstance(value, bool) != (base == "b")):
            parsed = None
        elif base == "i" and not (abs(value) < _INT64 and value == int(value)):
            self.warn(f'cannot accurately represent "{value:g}" as integer due to precision loss', path, at)
            return _NOTHING
        else:
            parsed = _converted(value, base, at)
        return self.mismatch(word, value, path, at) if parsed is None else parsed

    def mismatch(self, expected: str, value: Json, path: Path, at: Location | None) -> object:
        self.warn(f"expected {expected}, found {kind(value)}", path, at)
        return _NOTHING

    def warn(self, summary: str, path: Path, at: Location | None) -> None:
        if self.log is not None:
            self.log.caution(summary, path=path, at=at)


def _is_reference(text: str) -> bool:
    return text.startswith("${") and bool(re.fullmatch(_PURE_REFERENCE, text))


def _converted(value: Json, base: str, at: Location | None) -> Json:
    """A number or truth value in the wanted type."""
    match base:
        case "s":
            return located(_text(value), at)
        case "b":
            return value
        case "i":
            return int(value)
        case _:
            return float(value)


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isfinite(value):
            from decimal import Decimal  # noqa: PLC0415 - only here, and slow to load

            return f"{Decimal(repr(value)):f}".removesuffix(".0")
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else '+'}Inf"
    return str(value)


def _all_anchored(value: Json) -> bool:
    """Whether this is a container of nothing but reusable blocks: then nobody minds its unknown name."""
    if isinstance(value, Map):
        return bool(value) and all(
            key in value.anchored or _all_anchored(item) for key, item in value.items()
        )
    if isinstance(value, Seq):
        return bool(value) and all(i in value.anchored or _all_anchored(item) for i, item in enumerate(value))
    return False


def _parsed(text: str, base: str) -> Json:
    """The value that a text stands for, or None where it stands for none."""
    if base == "b":
        return True if text in _TRUE else False if text in _FALSE else None
    try:
        return int(text) if base == "i" else float(text)
    except ValueError:
        return None


# Set by the command itself, so that they may come back in a value that was read before.
_INTERNAL = {
    "Root": {},
    "Bundle": {"target": "s", "environment": "s", "mode": "s"},
    "Git": {"actual_branch": "s", "bundle_root_path": "s", "commit": "s"},
    "Variable": {"value": "*"},
    "Workspace": {"current_user": "*"},
    "Artifact": {"files": "*"},
    "Job": {"deployment": "*", "edit_mode": "s", "format": "s"},
    "Pipeline": {"deployment": "*"},
}


class _Finding(NamedTuple):
    kind: str
    summary: str
    path: Path
    at: Location | None


def check_values(config: dict[str, Json], log: Log) -> None:
    """Warn about required fields that are missing and words that are not among the allowed ones."""
    found = sorted(_findings(config, "Root", ()), key=lambda f: (f.summary, str(f.at), str(f.path)))
    for wanted in ("required", "enum"):
        for finding in found:
            if finding.kind == wanted:
                log.caution(finding.summary, path=finding.path, at=finding.at)


def _findings(value: Json, shape: str, path: Path) -> Iterator[_Finding]:  # noqa: C901 - one walk, four shapes
    base, _, enum = shape.partition(":")
    if isinstance(value, dict):
        is_map = base.startswith("{")
        for name in [] if is_map else _tables()["required"].get(base, []):
            if value.get(name) is None:
                yield _Finding("required", f'required field "{name}" is not set', path, place(value))
        for key, item in value.items():
            yield from _findings(item, base[1:] if is_map else fields(base).get(key, "*"), (*path, key))
    elif isinstance(value, list) and base.startswith("["):
        for index, item in enumerate(value):
            yield from _findings(item, base[1:], (*path, index))
    elif enum and isinstance(value, str) and "${" not in value:
        allowed = sorted(_tables()["enums"][enum])
        if value not in allowed:
            text = f'invalid value "{value}" for enum field. Valid values are [{" ".join(allowed)}]'
            yield _Finding("enum", text, path, place(value))


def without_empty_texts(config: dict[str, Json]) -> None:
    """Drop empty texts from resources: the API takes them for values, the writer meant "not set"."""
    for group in ("jobs", "pipelines"):
        for container, key, _ in list(find(config, ("resources", group, "*"))):
            container[key] = _full(container[key], group[:-1].capitalize())


def _full(value: Json, shape: str) -> Json:
    base = shape.partition(":")[0]
    if isinstance(value, dict) and not base.startswith("{"):
        kept = {}
        for key, item in value.items():
            required = key in _tables()["required"].get(base, [])
            if item != "" or required:
                kept[key] = _full(item, fields(base).get(key, "*"))
        return located(kept, place(value))
    if isinstance(value, list) and base.startswith("["):
        return located([_full(item, base[1:]) for item in value], place(value))
    return value
