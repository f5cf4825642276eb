"""Which known word somebody probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like `word`, None if none is like it. Case and `-` or `_` do not matter."""
    by_plain_form = {_plain(candidate): candidate for candidate in known}
    found = get_close_matches(_plain(word), by_plain_form, n=1)
    return by_plain_form[found[0]] if found else None


def _plain(word: str) -> str:
    return word.casefold().replace("-", "_")
