"""Asks the person at the terminal; where nobody sits there, says which option would have answered."""

import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from tasks.rules.errors import NeedsHuman

STDIN = "-"


def text(question: str, *, option: str) -> str:
    """What the person types, "" where it is only the return key.

    Raises:
        NeedsHuman: nobody sits at a terminal.
    """
    return _asked(question, option, input)


def secret(question: str, *, option: str) -> str:
    """The same without showing it."""
    return _asked(question, option, getpass.getpass)


def agrees(question: str, *, option: str) -> bool:
    """Whether the person says yes; anything else is a no."""
    return _asked(f"{question} [y/N]", option, input).lower() in {"y", "yes"}


def content(file: str) -> str:
    """The text of a file; of the standard input for `-`.

    Raises:
        NeedsHuman: it cannot be read, or holds nothing.
    """
    try:
        found = sys.stdin.read() if file == STDIN else Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NeedsHuman(f"{file} cannot be read: {type(error).__name__}", "name another file") from None
    if not found.strip():
        raise NeedsHuman(f"{file} holds nothing", "name the file that holds the secret")
    return found.strip()


def _asked(question: str, option: str, ask: Callable[[str], str]) -> str:
    if not sys.stdin.isatty():
        raise NeedsHuman(f"nobody is here to say: {question}", f"give it: {option}")
    try:
        return ask(f"{question}: ").strip()
    except EOFError:
        return ""
