"""A page of sections that people read: whole, or as much of it as fits, with what is left out counted and located."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from tasks.rules.markdown import limited

_MOST_LINES = 40  # of one entry, where not everything fits


class Rank(IntEnum):
    """What a section is worth where not all fit: the last one is left out first."""

    HEAD = 0
    DESTRUCTIVE = 1
    DRIFT = 2
    CHANGES = 3
    RIGHTS = 4
    ACTIVE = 5
    ASIDE = 6
    FILES = 7


@dataclass(frozen=True)
class Entry:
    """One item of a list: its line and the lines under it. It is about `count` things of a `kind` (plural)."""

    lines: tuple[str, ...]
    kind: str
    count: int = 1


@dataclass(frozen=True)
class Section:
    """A part of a page, in the order in which it is read; `hidden` are entries that are left out."""

    rank: Rank
    title: str = ""
    intro: str = ""
    entries: tuple[Entry, ...] = ()
    hidden: tuple[Entry, ...] = ()

    def text(self, rest: str = "") -> str:
        listed = [line for entry in self.entries for line in entry.lines]
        if self.hidden:
            listed.append(f"- *{'and ' if listed else ''}{amounts(self.hidden)}{_more(listed)}: {rest}*")
        return "\n\n".join(part for part in (self.title, self.intro, "\n".join(listed)) if part)


def whole(sections: Iterable[Section]) -> str:
    """Return the whole page as Markdown."""
    return _joined([section.text() for section in sections])


def fitting(sections: Sequence[Section], characters: int, *, rest: str) -> str:
    """Return as much of the page as fits, the least important left out first, and say how much that is.

    Args:
        sections: the page.
        characters: how many the answer may have at most.
        rest: where people find what was left out, as in "the whole plan is in the run".
    """
    text = whole(sections)
    if len(text) <= characters:
        return text
    kept = [
        replace(section, entries=tuple(_capped(e, rest) for e in section.entries)) for section in sections
    ]
    sizes = [len(section.text(rest)) + 2 for section in kept]
    for place in sorted(range(len(kept)), key=lambda place: (kept[place].rank, place), reverse=True):
        room = characters - (sum(sizes) - sizes[place])
        kept[place] = _cut(kept[place], room, rest)
        sizes[place] = len(kept[place].text(rest)) + 2
        if sum(sizes) <= characters:
            break
    return limited(_joined([section.text(rest) for section in kept]), characters, rest=rest)


def amounts(entries: Iterable[Entry]) -> str:
    """Return how many things of which kinds the entries are about: `35 jobs, 2 pipelines`."""
    counts: Counter[str] = Counter()
    for entry in entries:
        counts[entry.kind] += entry.count
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(text for text in texts if text) + "\n"


def _more(listed: Sequence[str]) -> str:
    return " more" if listed else ""


def _capped(entry: Entry, rest: str) -> Entry:
    """One entry with hundreds of changed fields must not push all others out."""
    more = len(entry.lines) - _MOST_LINES
    if more <= 0:
        return entry
    return replace(entry, lines=(*entry.lines[:_MOST_LINES], f"  - *and {more:,} more: {rest}*"))


def _cut(section: Section, room: int, rest: str) -> Section:
    """Take entries off the end until the section fits into `room` characters, or none is left."""
    if len(section.text(rest)) + 2 <= room:
        return section
    bare = replace(section, entries=(), hidden=section.entries)
    used = len(bare.text(rest)) + len("and  more") + 4
    kept: list[Entry] = []
    for entry in section.entries:
        used += sum(len(line) + 1 for line in entry.lines)
        if used > room:
            break
        kept.append(entry)
    return replace(section, entries=tuple(kept), hidden=section.entries[len(kept) :])
