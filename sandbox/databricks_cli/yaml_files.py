"""Reads YAML as the real command does, and every value knows its place.

A merge key (`<<`) takes an alias or a list of maps; of several maps the later one counts, keys beside it always do.
Source: libs/dyn/yamlloader of the real command.
"""

import math
from pathlib import Path

from sandbox.databricks_cli.diagnostics import Failed
from sandbox.databricks_cli.values import Json, Location, Map, Moment, Seq, located
from sandbox.databricks_cli.yaml_nodes import Node, Unreadable, compose

_DIGITS = "0123456789"


def load(file: Path) -> Json:
    """Return what `file` says, located; an empty file is None.

    Raises:
        Failed: it cannot be read or is not YAML.
    """
    try:
        node = compose(file)
    except (OSError, Unreadable) as error:
        raise Failed(f"failed to load {file}: {error}") from error
    return None if node is None else _Reader(str(file)).value(node)


class _Reader:
    """Turns the nodes of one file into located values."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.open: set[int] = set()

    def at(self, node: Node) -> Location:
        return Location(self.file, node.line, node.column)

    def wrong(self, node: Node, what: str) -> Failed:
        return Failed(f"failed to load {self.file}: yaml ({self.file}:{node.line}:{node.column}): {what}")

    def value(self, node: Node) -> Json:
        match node.kind:
            case "alias":
                return self.alias(node)
            case "sequence":
                values = [self.value(item) for item in node.items]
                found: Seq = located(values, self.at(node))
                found.values_at = dict(enumerate(self.at(_behind(item)) for item in node.items))
                found.anchored = frozenset(i for i, item in enumerate(node.items) if _behind(item).anchor)
                return found
            case "mapping":
                return self.mapping(node)
            case _:
                return located(self.scalar(node), self.at(node))

    def alias(self, node: Node) -> Json:
        if id(node) in self.open:
            raise self.wrong(node, f'cyclic reference to anchor "{node.text}"')
        self.open.add(id(node))
        try:
            return self.value(_behind(node))
        finally:
            self.open.discard(id(node))

    def mapping(self, node: Node) -> Map:
        own: Map = located({}, self.at(node))
        merged: Node | None = None
        for key, item in zip(node.items[::2], node.items[1::2], strict=True):
            if key.kind != "scalar":
                raise self.wrong(node, "key is not a scalar")
            if key.tag == "!!merge":
                if merged is not None:
                    raise Failed(
                        "duplicate YAML merge key ('<<') is not allowed; to merge multiple maps, use a sequence:"
                        " '<<: [*anchor1, *anchor2]'",
                        at=self.at(key),
                    )
                merged = item
                continue
            if key.tag not in {"!!str", "!!null"}:
                raise self.wrong(node, f"invalid key tag: {key.tag}")
            own.put(key.text, self.value(item), self.at(key), self.at(_behind(item)))
            if _behind(item).anchor:
                own.anchored |= {key.text}
        return own if merged is None else self.merge(merged, own)

    def merge(self, merged: Node, own: Map) -> Map:
        """What the merge key brings, and over it what stands beside it."""
        complaint = self.wrong(merged, "map merge requires map or sequence of maps as the value")
        if merged.kind not in {"sequence", "alias"}:
            raise complaint
        result: Map = located({}, own.at)
        for node in merged.items if merged.kind == "sequence" else [merged]:
            other = self.value(node)
            if not isinstance(other, Map):
                raise complaint
            result.take(other)
        result.take(own)
        return result

    def scalar(self, node: Node) -> Json:
        text = node.text
        match node.tag:
            case "!!str":
                return text
            case "!!null":
                return None
            case "!!timestamp":
                return Moment(text)
            case "!!bool" if text.lower() in {"true", "false"}:
                return text.lower() == "true"
            case "!!int" | "!!float":
                number = _integer(text) if node.tag == "!!int" else _float(text)
                if number is not None:
                    return number
            case _:
                pass
        if node.tag in {"!!bool", "!!int", "!!float"}:
            raise self.wrong(node, f"invalid {node.tag[2:]} value: {text}")
        raise self.wrong(node, f"unknown tag: {node.tag}")


def _behind(node: Node) -> Node:
    """The node itself, or the one that an alias means."""
    return node.target if node.target is not None else node


def _integer(text: str) -> int | None:
    """The number: decimal with zeros in front first, then by its prefix."""
    trimmed = text.lstrip("0")
    if trimmed.lstrip("+-")[:1] in _DIGITS and trimmed.lstrip("+-").isdigit():
        return int(trimmed)
    try:
        return int(text, 0)
    except ValueError:
        return None


def _float(text: str) -> float | None:
    sign = -1.0 if text.startswith("-") else 1.0
    match text.lower().lstrip("+-"):
        case ".inf":
            return sign * math.inf
        case ".nan":
            return math.nan
        case _:
            pass
    try:
        return float(text)
    except ValueError:
        return None
