"""The refs of a bare repository, read from its files: a `git for-each-ref` each time would take ten times as long.

Source: gitrepository-layout(5), `refs` and `packed-refs`; git-pack-refs(1).
"""

import os
from pathlib import Path

_SHA_DIGITS = 40


def refs_in(repository: Path) -> dict[str, str]:
    """Full ref name -> SHA it holds (of the tag object, for an annotated tag), in order of name."""
    # In this order: what is packed meanwhile is found twice, and not missed.
    loose = _loose(repository)
    return dict(sorted({**_packed(repository), **loose}.items()))


def _loose(repository: Path) -> dict[str, str]:
    found = {}
    for folder, _, names in os.walk(repository / "refs"):
        for name in names:
            try:
                held = Path(folder, name).read_text(encoding="ascii", errors="replace")
            except FileNotFoundError:  # deleted or packed since
                continue
            if not name.endswith(".lock") and len(held) == _SHA_DIGITS + 1:
                ref = os.fsencode(Path(folder, name).relative_to(repository))
                found[ref.decode(errors="replace")] = held[:_SHA_DIGITS]
    return found


def _packed(repository: Path) -> dict[str, str]:
    try:
        text = (repository / "packed-refs").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    # `#` begins a comment, `^` a line with the commit of what a tag before it names.
    rows = (line.partition(" ") for line in text.split("\n") if line[:1] not in {"", "#", "^"})
    return {name: sha for sha, _, name in rows}
