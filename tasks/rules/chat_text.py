"""Text of others in a message to a chat, an e-mail or a webhook: shown as it is, obeyed nowhere.

Each of these systems has a markup of its own (`<!channel>`, `@everyone`, `<at>`, `[text](address)`, HTML), and which
one reads a message is not known here. So the signs that mean something somewhere are written as others that look alike.
"""
# ruff: noqa: RUF001 - signs that look alike, on purpose

import re

_ALIKE = str.maketrans(
    {
        "<": "‹",
        ">": "›",
        "@": "＠",
        "&": "＆",
        "*": "∗",
        "~": "∼",
        "|": "¦",
        "`": "'",
        "\\": "/",
        "[": "(",
        "]": ")",
    }
)
# Prefect fills `{{ name }}` of its webhook block with secrets; Jinja and others read such signs, too.
_BRACES = re.compile(r"(?<=[{}])(?=[{}%#])|(?<=[%#])(?=\})")
# A name such as smoke_test stays as it is; only a line that begins or ends a word is a sign.
_LINE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_NOT_IN_AN_ADDRESS = re.compile(r"[\s<>()\[\]|\\`\"'{}*~@]")


def plain(text: str, most: int = 300) -> str:
    """Return the text on one line, at most so many characters long, in which no chat or mail program sees markup."""
    visible = "".join(char if char.isprintable() else " " for char in text)
    one_line = " ".join(visible.split()).translate(_ALIKE)
    harmless = _LINE.sub("ˍ", _BRACES.sub(" ", one_line))
    return harmless if len(harmless) <= most else harmless[: most - 2].rstrip() + " …"


def address(url: str) -> str:
    """Return a web address that stands by itself, "" where it is none."""
    if not url.startswith(("https://", "http://")):
        return ""
    return _NOT_IN_AN_ADDRESS.sub(lambda found: f"%{ord(found[0]):02X}", url)
