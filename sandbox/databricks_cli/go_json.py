"""JSON as the real command writes it: `<`, `>` and `&` escaped, letters of other alphabets left as they are."""

import json

from sandbox.databricks_cli.values import Json

_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)

# From here on Go writes an exponent.
_LONG_FLOAT = 1e21


def dumps(value: Json, *, indent: int | None = None, sort: bool = False) -> str:
    """Write `value`; compact without an indent. Whole floats have no point, as Go writes them."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(_whole(value), indent=indent, sort_keys=sort, ensure_ascii=False, separators=separators)
    return text.translate(_ESCAPES)


def _whole(value: Json) -> Json:
    if isinstance(value, dict):
        return {k: _whole(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(v) for v in value]
    return (
        int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _LONG_FLOAT else value
    )
