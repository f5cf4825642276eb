"""A file that two branches changed differently: what each side did to it, and through which pull requests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.rules.settings import SYNC_PREFIX

_PICKED = re.compile(r"^\(cherry picked from commit ([0-9a-f]{40})\)$", re.MULTILINE)
_SQUASHED = re.compile(r"\(#(\d+)\)$")
_MERGED = re.compile(rf"Merge pull request #(\d+) from (?!\S*{re.escape(SYNC_PREFIX)})")


@dataclass(frozen=True)
class Origin:
    """A commit that changed a file, and the pull request it first came by (0: nobody knows one)."""

    commit: str
    subject: str
    number: int = 0


@dataclass(frozen=True)
class Side:
    """What one side did to a file: its newest commits, and how many more there are."""

    origins: tuple[Origin, ...]
    more: int = 0


@dataclass(frozen=True)
class Clash:
    """One file with a conflict: what comes in, and what is there."""

    path: str
    incoming: Side
    there: Side


@dataclass(frozen=True)
class Clashes:
    """The files that conflict, and how many more do."""

    files: tuple[Clash, ...] = ()
    more: int = 0

    @property
    def paths(self) -> Sequence[str]:
        return [clash.path for clash in self.files]


def picked_from(message: str) -> str | None:
    """The commit that another one is a copy of, as `git cherry-pick -x` says it."""
    found = _PICKED.findall(message)
    return found[0] if found else None


def number_in(message: str) -> int:
    """The pull request that GitHub wrote into the first line of a commit, 0 where it did not, or where it is ours."""
    subject = message.split("\n", 1)[0].strip()
    found = _MERGED.match(subject) or _SQUASHED.search(subject)
    return int(found[1]) if found else 0
