"""Reads YAML as the real command does: YAML 1.2 words, and every value knows its place.

Source: go.yaml.in/yaml/v3, a port of libyaml, so that libyaml's own texts are the real command's texts.
"""

import re
from collections import Counter
from pathlib import Path

import yaml

from sandbox.databricks_cli.diagnostics import Failed
from sandbox.databricks_cli.values import Json, Location, Map, located

_Loader: Json = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def load(file: Path) -> Json:
    """Return what `file` says, located; an empty file is None.

    Raises:
        Failed: it cannot be read or is not YAML.
    """
    try:
        with file.open("rb") as stream:
            node = yaml.compose(stream, _Loader)
    except yaml.MarkedYAMLError as error:
        raise Failed(f"failed to load {file}: yaml: {_where(error)}{error.problem}") from error
    except (OSError, yaml.YAMLError) as error:
        raise Failed(f"failed to load {file}: {error}") from error
    if node is None:
        return None
    return _Reader(str(file), _uses(node)).value(node)


def _uses(node: yaml.Node) -> Counter[int]:
    """How often each node hangs in the tree: more than once when it is an anchor with aliases."""
    uses: Counter[int] = Counter()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        uses[id(current)] += 1
        if uses[id(current)] == 1 and not isinstance(current, yaml.ScalarNode):
            mapping = isinstance(current, yaml.MappingNode)
            waiting += [n for pair in current.value for n in pair] if mapping else current.value
    return uses


def _where(error: yaml.MarkedYAMLError) -> str:
    mark = error.context_mark if error.context_mark and error.context_mark.line else error.problem_mark
    line = (mark.line if mark else 0) + isinstance(error, yaml.scanner.ScannerError)
    return f"line {line}: " if line else ""


class _Reader:
    """Turns the nodes of one file into located values."""

    def __init__(self, file: str, aliases: Counter[int]) -> None:
        self.file = file
        self.aliases = aliases
        self.open: set[int] = set()

    def value(self, node: yaml.Node) -> Json:
        if isinstance(node, yaml.ScalarNode):
            return located(_scalar(node), self.at(node))
        if id(node) in self.open:
            raise Failed(f"failed to load {self.file}: yaml: anchor contains itself")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return located([self.value(n) for n in node.value], self.at(node))
            return self.mapping(node)
        finally:
            self.open.discard(id(node))

    def mapping(self, node: yaml.Node) -> Map:
        merged: dict[str, Json] = {}
        own: dict[str, Json] = {}
        keys_at: dict[str, Location] = {}
        nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Failed(f"failed to load {self.file}: yaml ({self.named(node)}): key is not a scalar")
            if key.value == "<<" and key.style is None:
                for other in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    merged.update(self.value(other))
                continue
            name = str(key.value)
            own[name], keys_at[name], nodes[name] = self.value(value), self.at(key), value
        result: Map = located({**merged, **own}, self.at(node))
        result.keys_at = keys_at
        result.anchored = frozenset(k for k, n in nodes.items() if self.aliases[id(n)] > 1)
        return result

    def at(self, node: yaml.Node) -> Location:
        return Location(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def named(self, node: yaml.Node) -> str:
        return "{}:{}:{}".format(*self.at(node))


def _scalar(node: yaml.ScalarNode) -> Json:
    text = str(node.value)
    if node.style is not None or node.tag == "tag:yaml.org,2002:str":
        return text
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
