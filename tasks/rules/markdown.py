"""Text of others inside our Markdown: shown as it is, never obeyed, never cut in the middle of something.

Source: CommonMark 0.31, "Backslash escapes" and "Code spans"; GitHub Flavored Markdown adds ~, |, $ and @, and
docs.github.com, "Autolinked references and URLs".
"""

import re
from urllib.parse import quote

GITHUB_LIMIT = 65_536  # characters; GitHub answers 422 to a longer comment or pull request body

_INLINE = re.compile(r"[\\`*_\[\]<>&|~$]")
_NOTHING = "<!-- -->"
# What GitHub makes a link of by itself: addresses, and issues, which it may close when a text that names them is merged.
_ADDRESS = re.compile(r"(?i)(?<![a-z])(?:https?|ftp|mailto|xmpp|www)(?=[:.])")
_ISSUE = re.compile(r"(?i)(?<![a-z])GH(?=-\d)|#(?=\d)")
_CLOSED = re.compile(r"(?i)(?:clos|fix|resolv)[a-z]*:?\s+#(?=\d)")
_ELSEWHERE = re.compile(r"(?i)(?<![a-z])GH(?=-\d)|(?<=[^\s(])#(?=\d)")
_BLOCK = re.compile(r"^(?=[#+=-])|^(\d+)(?=[.)])")
_FENCE = re.compile(r"^(`{3,}|~{3,})", re.MULTILINE)
_ROOM_FOR_THE_NOTE = 200


def escaped(text: str) -> str:
    """Return the text for the inside of a line: Markdown shows it as it is; nobody is called, nothing is linked."""
    return _ISSUE.sub(rf"\g<0>{_NOTHING}", _inside(" ".join(text.split())))


def escaped_line(text: str) -> str:
    """Return the same for the start of a line, where `#`, `-` or `1.` would begin something."""
    return _BLOCK.sub(r"\1\\", escaped(text))


def code(text: str) -> str:
    """Return the text as a code span. What cannot be seen (line ends, text direction) is written out."""
    shown = _visible(text) or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    space = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{space}{shown}{space}{fence}"


def fenced(text: str) -> str:
    """Return the text as a code block that nothing in it ends; what cannot be seen is written out."""
    lines = [_visible(line) for line in text.splitlines()] or [""]
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *lines, fence])


def prose(text: str) -> str:
    """Return a sentence of ours with what others wrote in it: code spans stay, all else is shown as it is.

    A number of ours, such as #7, is still linked; it closes nothing, and is in this repository.
    """
    parts = text.strip().split("`")
    if len(parts) % 2 == 0 or not all(map(str.strip, parts[1::2])):
        return escaped_line(text)
    spans = (
        code(" ".join(part.split())) if place % 2 else _sentence(part) for place, part in enumerate(parts)
    )
    return _BLOCK.sub(r"\1\\", "".join(spans))


def link(text: str, url: str | None) -> str:
    """Return a link, or the plain text if there is no web address."""
    if not url or not url.startswith(("https://", "http://")):
        return _sentence(text).strip()
    safe = re.sub(r"[^!-~]|[()<>\\]", lambda found: quote(found[0], safe="", errors="replace"), url)
    return f"[{_shown(text).strip()}]({safe})"


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


def _sentence(text: str) -> str:
    inside = _CLOSED.sub(rf"\g<0>{_NOTHING}", _inside(text))
    return _ELSEWHERE.sub(rf"\g<0>{_NOTHING}", inside)


def _inside(text: str) -> str:
    """Escape what stands inside of a line, the spaces at its ends kept."""
    return _ADDRESS.sub(rf"\g<0>{_NOTHING}", _shown(text)).replace("@", f"@{_NOTHING}")


def _shown(text: str) -> str:
    return _INLINE.sub(r"\\\g<0>", _visible(re.sub(r"\s+", " ", text)))


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
