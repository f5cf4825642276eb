"""Text of others inside our Markdown: shown as it is, never obeyed, never cut in the middle of something.

Source: CommonMark 0.31, "Backslash escapes" and "Code spans"; GitHub Flavored Markdown adds ~, |, $ and @.
"""

import re

GITHUB_LIMIT = 65_536  # characters; GitHub answers 422 to a longer comment or pull request body

_INLINE = re.compile(r"[\\`*_\[\]<>&|~$]")
_BLOCK = re.compile(r"^(?=[#+=-])|^(\d+)(?=[.)])")
_FENCE = re.compile(r"^(`{3,}|~{3,})", re.MULTILINE)
_ROOM_FOR_THE_NOTE = 200


def escaped(text: str) -> str:
    """Return the text for the inside of a line: Markdown shows it as it is, `@name` in it calls nobody."""
    one_line = _visible(" ".join(text.split()))
    return _INLINE.sub(r"\\\g<0>", one_line).replace("@", "@<!-- -->")


def escaped_line(text: str) -> str:
    """Return the same for the start of a line, where `#`, `-` or `1.` would begin something."""
    return _BLOCK.sub(r"\1\\", escaped(text))


def code(text: str) -> str:
    """Return the text as a code span. What cannot be seen (line ends, text direction) is written out."""
    shown = _visible(text) or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    space = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{space}{shown}{space}{fence}"


def link(text: str, url: str | None) -> str:
    """Return a link, or the plain text if there is no web address."""
    if not url or not url.startswith(("https://", "http://")):
        return escaped(text)
    safe = re.sub(r"[\s()<>\\]", lambda found: f"%{ord(found[0]):02X}", url)
    return f"[{escaped(text)}]({safe})"


def limited(text: str, characters: int = GITHUB_LIMIT, *, rest: str = "the whole text is in the run") -> str:
    """Cut a text at the end of a line so that it fits, and name what was left out.

    Args:
        text: Markdown.
        characters: how many the answer may have at most.
        rest: where people find what was left out.
    """
    if len(text) <= characters:
        return text
    kept = text[: max(characters - _ROOM_FOR_THE_NOTE - len(rest), 0)].rpartition("\n")[0]
    left_out = text[len(kept) :].strip("\n")
    note = f"*{left_out.count(chr(10)) + 1} more lines ({len(left_out):,} characters) are left out: {rest}.*"
    return f"{kept}{_closing(kept)}\n\n{note}\n"[:characters]


def _closing(kept: str) -> str:
    """Return what ends a code block that is open at the end of the text."""
    opened = ""
    for fence in _FENCE.findall(kept):
        if not opened:
            opened = fence
        elif fence.startswith(opened):
            opened = ""
    return f"\n{opened}" if opened else ""


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
