"""Values that people must not read in a plan, told by the name of their key or by their own look.

This is the last net, not the first: a secret belongs into a secret scope, and `{{secrets/scope/key}}` is shown.
"""

import re

REDACTED = "(redacted)"

_NAME = r"token|passw|passphrase|secret|api[_.-]?key|private[_.-]?key|access[_.-]?key|account\.key|credential"
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_HARMLESS_NAME = re.compile(r"(scope|_name|_path|_url|_type)s?['\"\]]*$", re.IGNORECASE)
# [task_key='refresh_token'] says which item is meant, ['fs.azure.account.key'] is itself the name of a key.
_SELECTOR = re.compile(r"\[(?:\w+=[^\]]*|\d+)\]")
_REFERENCE = re.compile(r"\{\{secrets/[^{}]+\}\}|\$\{[^{}]+\}")
_FLAG = re.compile(rf"--?[\w-]*(?:{_NAME})[\w-]*", re.IGNORECASE)
_FLAG_WITH_VALUE = re.compile(rf"({_FLAG.pattern})(=|\s+)\S+", re.IGNORECASE)
_LOOKS_SECRET = re.compile(
    r"\b(?:dapi|dose)[0-9a-f]{32}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"
)


def redacted(path: str, value: object) -> object:
    """Return the value as people may see it; `path` is where it stands, such as `spark_env_vars.DB_PASSWORD`."""
    return _hidden(value) if _names_a_secret(path) else _looked_through(value)


def _names_a_secret(path: str) -> bool:
    name = _SELECTOR.sub("", path)
    return _SECRET_NAME.search(name) is not None and _HARMLESS_NAME.search(name) is None


def _hidden(value: object) -> object:
    match value:
        case str():
            return value if _REFERENCE.fullmatch(value) else REDACTED
        case dict():
            return {key: _hidden(inner) for key, inner in value.items()}
        case list():
            return [_hidden(inner) for inner in value]
        case _:
            return value


def _looked_through(value: object) -> object:
    match value:
        case str():
            return _LOOKS_SECRET.sub(REDACTED, _FLAG_WITH_VALUE.sub(rf"\1\2{REDACTED}", value))
        case dict():
            return {key: redacted(str(key), inner) for key, inner in value.items()}
        case list():
            return [
                _hidden(item) if _is_flag(before) else _looked_through(item) for before, item in _pairs(value)
            ]
        case _:
            return value


def _pairs(items: list[object]) -> list[tuple[object, object]]:
    return list(zip([None, *items], items, strict=False))


def _is_flag(value: object) -> bool:
    return isinstance(value, str) and _FLAG.fullmatch(value) is not None
