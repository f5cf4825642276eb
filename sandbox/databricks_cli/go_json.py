"""JSON as the real command writes it: `<`, `>` and `&` escaped, letters of other alphabets left as they are."""

import json

from sandbox.databricks_cli.values import Json

_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def dumps(value: Json, *, indent: int | None = None, sort: bool = False) -> str:
    """Write `value`; compact without an indent."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, indent=indent, sort_keys=sort, ensure_ascii=False, separators=separators)
    return text.translate(_ESCAPES)
