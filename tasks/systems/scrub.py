"""Take secrets out of text before it leaves a system module: logs, errors, results.

Two nets: the values we were given, in every form they travel in, and the shapes of well-known tokens, for the
secrets that nobody told us about.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import TypeVar
from urllib.parse import quote, quote_plus

E = TypeVar("E", bound=BaseException)

MASK = "***"
_SHORTEST = 4  # characters; anything shorter would shred ordinary text and protects nothing

# What stays readable is in the groups; the rest becomes the mask. Sources: GitHub, "About authentication:
# token formats"; Databricks, "Personal access tokens" (dapi) and "OAuth secrets" (dose); RFC 7519 (eyJ...).
_SHAPES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in [
        (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", MASK),
        (r"\b(?:gh[opsur]_|github_pat_)\w{6,}", MASK),
        (r"\b(?:dapi|dose|dkea)[0-9a-f]{16,}(?:-\d+)?\b", MASK),
        (r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*", MASK),
        (r"(?i)(\bauthorization[\"']?\s*[:=]\s*[\"']?(?:\w+\s+)?)[^\s\"',]+", rf"\1{MASK}"),
        (r"(?i)(\bbearer\s+)[\w.~+/=-]{6,}", rf"\1{MASK}"),
        (r"(?i)(\bbasic\s+)(?:[\w+/-]{16,}={0,2}|[\w+/-]{6,}={1,2})(?![\w-])", rf"\1{MASK}"),
        (r"(?i)(\b\w+://)[^\s/@:\"']*:[^\s/@\"']+@", rf"\1{MASK}@"),
        (
            r"(?i)(\b(?:client_secret|(?:access|id|refresh)_token|password)\s*=\s*[\"']?)[^\s\"'&,*]+",
            rf"\1{MASK}",
        ),
    ]
]


class Scrubber:
    """Replaces the given secrets, and whatever looks like one, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """The same text with every secret masked; quotes and braces of JSON stay as they were."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text

    def scrubbed(self, error: E) -> E:
        """The same error, with its texts, its notes and those of every error it came from masked."""
        for one in _chain(error):
            one.args = tuple(self.value(value) for value in one.args)
            for name, value in list(vars(one).items()):
                if isinstance(value, str | list | tuple | dict):
                    setattr(one, name, self.value(value))
        return error

    def value(self, value: object) -> object:
        """The same texts, lists and dictionaries, with every secret in them masked."""
        match value:
            case str():
                return self.text(value)
            case bytes():
                return self.text(value.decode("utf-8", "replace")).encode()
            case list():
                return [self.value(item) for item in value]
            case tuple():
                return tuple(self.value(item) for item in value)
            case dict():
                return {key: self.value(item) for key, item in value.items()}
            case _:
                return value


def _forms(secret: str) -> Iterator[str]:
    """Every way in which this secret may be written: as it is, quoted, in JSON, in base64, line by line."""
    if len(secret.strip()) < _SHORTEST:
        return
    yield from (secret, secret.strip(), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
    yield from _base64_forms(secret.encode())
    lines = secret.split()
    if len(lines) > 1:  # a key of many lines reaches a log one line at a time
        yield from (line for line in lines if len(line) >= 4 * _SHORTEST)


def _base64_forms(secret: bytes) -> Iterator[str]:
    """What base64 makes of the secret wherever it stands in a longer text, `user:secret` for example.

    Three alignments; the characters at both ends that also depend on the neighbours are left out.
    """
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret)
        first, end = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        form = encoded[first:end].decode()
        if len(form) >= 2 * _SHORTEST:
            yield form
            yield form.translate(str.maketrans("+/", "-_"))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
