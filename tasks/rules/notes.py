"""Release notes: what changed since the last release, grouped by what it means to the reader."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.rules.commits import Conventional, conventional
from tasks.rules.markdown import code, escaped, escaped_line, link
from tasks.rules.versions import Version

_BREAKING = "Breaking changes"
_OTHER = "Other changes"
_MAINTENANCE = "Maintenance"
_GROUP_OF_KIND = {
    "feat": "Features",
    "feature": "Features",
    "fix": "Fixes",
    "perf": "Performance",
    "revert": "Reverted",
    "docs": "Documentation",
    **dict.fromkeys(["build", "chore", "ci", "deps", "refactor", "style", "test", "tests"], _MAINTENANCE),
}
_GROUPS = (_BREAKING, *dict.fromkeys(_GROUP_OF_KIND.values()), _OTHER)
_NUMBER_AT_THE_END = re.compile(r"\s*\(#(\d+)\)$", re.ASCII)
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\[bot\])?")


@dataclass(frozen=True, slots=True)
class Change:
    """One merged pull request, or a commit that has none. `body` may hold a BREAKING CHANGE footer."""

    title: str
    number: int | None = None
    author: str | None = None
    url: str | None = None
    body: str = ""

    @property
    def message(self) -> str:
        """The change as one commit message; `bump_of` reads these."""
        return f"{self.title}\n\n{self.body}"


def release_notes(
    version: Version, changes: Sequence[Change], *, previous: Version | None, compare_url: str | None
) -> str:
    """Return the notes in Markdown. Titles that follow no convention are under "Other changes"."""
    groups: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        found = conventional(change.message)
        groups[_group(found)].append(_entry(change, found))
    sections = [f"## {name}\n\n" + "\n".join(groups[name]) for name in _GROUPS if name in groups]
    return (
        "\n\n".join(
            [_intro(version, len(changes), previous), *sections, *_compare(version, previous, compare_url)]
        )
        + "\n"
    )


def with_unchanged(notes: str, versions: Mapping[str, str]) -> str:
    """Return the notes with the bundles that were not deployed; `versions` are what they are as of, by folder."""
    if not versions:
        return notes
    listed = ", ".join(f"{code(folder)} (as of {escaped(version)})" for folder, version in versions.items())
    return f"{notes}\n**Not deployed, because nothing of it changed**: {listed}\n"


def _intro(version: Version, amount: int, previous: Version | None) -> str:
    since = f"since {previous}" if previous else "in the first release"
    what = {0: "no merged change", 1: "one change"}.get(amount, f"{amount} changes")
    return f"{version}: {what} {since}."


def _compare(version: Version, previous: Version | None, compare_url: str | None) -> list[str]:
    return (
        [f"**All of it**: {link(f'{previous}...{version}', compare_url)}"] if previous and compare_url else []
    )


def _group(found: Conventional | None) -> str:
    if found is None:
        return _OTHER
    return _BREAKING if found.breaking else _GROUP_OF_KIND.get(found.kind, _OTHER)


def _entry(change: Change, found: Conventional | None) -> str:
    known = found is not None and found.kind in _GROUP_OF_KIND
    subject = found.subject if found and known else change.title
    text = _without_number(subject, change.number)
    if found and known and found.scope:
        return f"- **{escaped(found.scope)}**: {escaped(text)}{_credits(change)}"
    return f"- {escaped_line(text)}{_credits(change)}"


def _without_number(subject: str, number: int | None) -> str:
    """Take ` (#12)` off a squashed title; the link says it already."""
    at_the_end = _NUMBER_AT_THE_END.search(subject)
    if at_the_end and number is not None and int(at_the_end[1]) == number:
        return subject[: at_the_end.start()]
    return subject


def _credits(change: Change) -> str:
    by = [f"@{change.author}"] if change.author and _LOGIN.fullmatch(change.author) else []
    pull_request = [link(f"#{change.number}", change.url)] if change.number is not None else []
    known = ", ".join([*pull_request, *by])
    return f" ({known})" if known else ""
