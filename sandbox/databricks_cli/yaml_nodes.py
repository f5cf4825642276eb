"""The nodes of a YAML file, with what PyYAML's own composer forgets: anchors, aliases, tags as they were written.

Only the first document counts, as for the real command.
Source: go.yaml.in/yaml/v3 3.0.4 (decode.go, resolve.go), a port of libyaml.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from sandbox.databricks_cli.values import Json

_Parser: Json
try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML was built without it
    from yaml import SafeLoader as _Parser

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "!!null"),
    **dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), "!!bool"),
    **{f"{sign}.{word}": "!!float" for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), "!!float"),
}
_INT = r"[-+]?(0|[1-9][0-9]*|0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+)"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_TIME = (
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"([Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
    r"| [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?)?"
)
_TOO_LONG = 1 << 64
_LONG = "tag:yaml.org,2002:"


class Unreadable(Exception):
    """The file is no YAML; the text is the reader's."""


class Node:
    """One node: `text` of a scalar, `items` of a sequence, keys and values in turn of a mapping."""

    # By hand: there are hundreds in a bundle, and `record` takes ten times as long.
    def __init__(self, kind: str, event: Json, tag: str = "", text: str = "") -> None:
        self.kind = kind
        self.line: int = event.start_mark.line + 1
        self.column: int = event.start_mark.column + 1
        self.tag = tag
        self.text = text
        self.anchor = ""
        self.items: list[Node] = []
        self.target: Node | None = None  # of an alias


def compose(file: Path) -> Node | None:
    """Return the root of the first document, or None for an empty file.

    Raises:
        OSError: the file cannot be read.
        Unreadable: it is not YAML.
    """
    with file.open("rb") as stream:
        try:
            return _Composer(_events(stream)).document()
        except MarkedYAMLError as error:
            raise Unreadable(f"yaml: {_where(error)}{error.problem}") from error
        except YAMLError as error:
            raise Unreadable(str(error)) from error


def _events(stream: BinaryIO) -> Iterator[Json]:
    """What `yaml.parse` yields, which needs all of PyYAML."""
    parser = _Parser(stream)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _where(error: MarkedYAMLError) -> str:
    from yaml.scanner import ScannerError  # noqa: PLC0415 - only here, and slow to load

    mark = error.context_mark if error.context_mark and error.context_mark.line else error.problem_mark
    line = (mark.line if mark else 0) + isinstance(error, ScannerError)
    return f"line {line}: " if line else ""


class _Composer:
    def __init__(self, events: Iterator[Json]) -> None:
        self.events = events
        self.anchors: dict[str, Node] = {}

    def document(self) -> Node | None:
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                root = self.node(next(self.events))
                next(self.events)  # its end: what is broken after the root is broken here
                return root
        return None

    def node(self, event: Json) -> Node:
        if isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                raise Unreadable(f"yaml: unknown anchor '{event.anchor}' referenced")
            node = Node("alias", event, text=event.anchor)
            node.target = self.anchors[event.anchor]
            return node
        if isinstance(event, ScalarEvent):
            node = Node("scalar", event, _tag_of(event), event.value)
        else:
            node = Node("sequence" if isinstance(event, SequenceStartEvent) else "mapping", event)
        if event.anchor:
            node.anchor = event.anchor
            self.anchors[event.anchor] = node
        if node.kind != "scalar":
            for inner in self.events:
                if isinstance(inner, CollectionEndEvent):
                    break
                node.items.append(self.node(inner))
        return node


def _tag_of(event: Json) -> str:
    """The tag that was written, else what the text stands for."""
    if event.tag and event.tag != "!":
        tag = str(event.tag)
        return f"!!{tag.removeprefix(_LONG)}" if tag.startswith(_LONG) else tag
    if event.style:
        return "!!str"
    return "!!merge" if event.value == "<<" else _resolved(str(event.value))


def _resolved(text: str) -> str:
    """What a plain text stands for, by the words of YAML 1.2 and some of 1.1."""
    if text in _WORDS:
        return _WORDS[text]
    if not text[:1].isdigit() and text[:1] not in {"+", "-", "."}:
        return "!!str"
    bare = text.replace("_", "")
    if not bare.lstrip("+-.")[:1].isdigit():  # no number: it is not worth compiling their patterns
        return "!!str"
    if text[4:5] == "-" and re.fullmatch(_TIME, text):
        return "!!timestamp"
    if re.fullmatch(_INT, bare) and not (bare.isdigit() and int(bare) >= _TOO_LONG):
        return "!!int"
    return "!!float" if re.fullmatch(_FLOAT, bare) else "!!str"
