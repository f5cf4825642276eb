"""Wheels and jars that jobs name: which are local files, and where they will be in the workspace."""

import re

_PACKAGE = (
    r"[a-zA-Z0-9\-_]+\s?(\[.*\])?\s?"
    r"((==|!=|<=|>=|~=|>|<)\s?(\d+!)?\d+(\.\d+)*([-_.]?(a|b|rc)\d+)?([-_.]?post\d+)?([-_.]?dev\d+)?"
    r"(\+[a-zA-Z0-9]+([-_.][a-zA-Z0-9]+)*)?,?)*"
)
_PIP_FLAG = r"(^|\s+)--?[a-zA-Z0-9-]+(([\s|=]+)|$)"
_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*):/"


def is_local_library(text: str) -> bool:
    """Whether a dependency names a local file; else it is a package, an address or a path in the workspace."""
    if not text or text.startswith("/"):
        return False
    if text.startswith("."):
        return True
    if re.search(_PIP_FLAG, text) or re.fullmatch(_PACKAGE, text):
        return False
    name, at, address = text.partition(" @ ")
    if at and re.fullmatch(_PACKAGE, name) and re.match(_SCHEME, address):
        return False
    bare = text.strip("\"'")
    return not (bare.startswith("/") or re.match(_SCHEME, bare))


def without_extras(text: str) -> tuple[str, str]:
    """Split `dist/x.whl[extra]` into the file and its extras."""
    match = re.fullmatch(r"(.*\.whl)(\[[^\]]*\])", text) if text.endswith("]") else None
    return (match[1], match[2]) if match else (text, "")
