"""What commit messages and pull request titles say about a release.

Source: Conventional Commits 1.0.0, https://www.conventionalcommits.org/en/v1.0.0/
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.rules.versions import Bump, Version

_HEADER = re.compile(
    r"(?P<kind>[A-Za-z][\w-]*)(?:\((?P<scope>[^()]+)\))?(?P<breaking>!?): +(?P<subject>\S.*)"
)
_BREAKING_FOOTER = re.compile(r"^BREAKING[ -]CHANGE(?:: | #)\S", re.MULTILINE)
# GitHub's own merge commits carry the title of the pull request as their body.
_MERGE = re.compile(r"Merge pull request #\d+ from \S+\s+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Conventional:
    """`kind(scope)!: subject`, read. The kind is lower case, the scope may be empty."""

    kind: str
    scope: str
    subject: str
    breaking: bool


def conventional(message: str) -> Conventional | None:
    """Read a commit message or a title; None if it doesn't follow the convention."""
    text = _MERGE.sub("", message.strip(), count=1)
    header, _, rest = text.partition("\n")
    found = _HEADER.fullmatch(header.rstrip())
    if found is None:
        return None
    return Conventional(
        kind=found["kind"].lower(),
        scope=(found["scope"] or "").strip(),
        subject=found["subject"],
        breaking=bool(found["breaking"]) or _BREAKING_FOOTER.search(rest) is not None,
    )


def bump_of(messages: Iterable[str], *, released: Version | None) -> Bump:
    """Say which part of the version these changes ask for.

    A breaking change asks for major, but before 1.0.0 for minor: 1.0.0 is a promise that people make, not a
    commit. A feature asks for minor, all else for patch.
    """
    read = [found for found in map(conventional, messages) if found]
    if any(change.breaking for change in read):
        return Bump.MAJOR if released and released.major else Bump.MINOR
    return Bump.MINOR if any(change.kind in {"feat", "feature"} for change in read) else Bump.PATCH
