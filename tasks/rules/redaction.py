"""Values that people must not read in a plan, told by the name of their key or by their own look.

This is the last net, not the first: a secret belongs into a secret scope, and `{{secrets/scope/key}}` is shown.
"""

import re
from collections.abc import Callable, Collection

REDACTED = "(redacted)"

_NAME = r"token|passw|passphrase|secret|api[_.-]?key|private[_.-]?key|access[_.-]?key|account\.key|credential"
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_HARMLESS_NAME = re.compile(r"(scope|_name|_path|_url|_type)s?['\"\]]*$", re.IGNORECASE)
# [task_key='refresh_token'] says which item is meant, ['fs.azure.account.key'] is itself the name of a key.
_SELECTOR = re.compile(r"\[(?:\w+=[^\]]*|\d+)\]")
_REFERENCE = re.compile(r"\{\{secrets/[^{}]+\}\}|\$\{[^{}]+\}")
_FLAG = re.compile(rf"--?[\w-]*(?:{_NAME})[\w-]*", re.IGNORECASE)
_FLAG_WITH_VALUE = re.compile(rf"({_FLAG.pattern})(=|\s+)(\S+)", re.IGNORECASE)
_LOOKS_SECRET = re.compile(
    r"\b(?:dapi|dose)[0-9a-f]{32}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"
)


Hide = Callable[[str], str]


def _redacted(_: str) -> str:
    return REDACTED


def redacted(path: str, value: object, hide: Hide = _redacted) -> object:
    """Return the value as people may see it; `path` is where it stands, such as `spark_env_vars.DB_PASSWORD`.

    Args:
        path: where the value stands.
        value: anything that JSON knows.
        hide: what is written in the place of a secret.
    """
    return _hidden(value, hide) if _names_a_secret(path) else _looked_through(value, hide)


def without(value: object, secrets: Collection[str], hide: Hide = _redacted) -> object:
    """Return the value with these very secrets hidden, wherever they stand in it."""
    match value:
        case str():
            for secret in secrets:
                value = value.replace(secret, hide(secret))
            return value
        case dict():
            return {key: without(inner, secrets, hide) for key, inner in value.items()}
        case list():
            return [without(inner, secrets, hide) for inner in value]
        case _:
            return value


def _names_a_secret(path: str) -> bool:
    name = _SELECTOR.sub("", path)
    return _SECRET_NAME.search(name) is not None and _HARMLESS_NAME.search(name) is None


def _hidden(value: object, hide: Hide) -> object:
    match value:
        case str():
            return value if _REFERENCE.fullmatch(value) else hide(value)
        case dict():
            return {key: _hidden(inner, hide) for key, inner in value.items()}
        case list():
            return [_hidden(inner, hide) for inner in value]
        case _:
            return value


def _looked_through(value: object, hide: Hide) -> object:
    match value:
        case str():
            flags_hidden = _FLAG_WITH_VALUE.sub(lambda found: f"{found[1]}{found[2]}{hide(found[3])}", value)
            return _LOOKS_SECRET.sub(lambda found: hide(found[0]), flags_hidden)
        case dict():
            return {key: redacted(str(key), inner, hide) for key, inner in value.items()}
        case list():
            return [
                _hidden(item, hide) if _is_flag(before) else _looked_through(item, hide)
                for before, item in _pairs(value)
            ]
        case _:
            return value


def _pairs(items: list[object]) -> list[tuple[object, object]]:
    return list(zip([None, *items], items, strict=False))


def _is_flag(value: object) -> bool:
    return isinstance(value, str) and _FLAG.fullmatch(value) is not None
