"""What dabflow must be allowed on GitHub, and what for.

Source: GitHub, "Permissions required for GitHub Apps" (docs.github.com), by the requests that dabflow sends.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True)
class Right:
    """A permission as GitHub names it; without one that is not needed `always` only `what_for` is missing."""

    name: str
    level: str
    what_for: str
    always: bool = True

    def __str__(self) -> str:
        return f"{self.name}: {self.level}"


RIGHTS = (
    Right("metadata", "read", "the repository, its rules, and who may do what in it"),
    Right(
        "contents", "write", "branches, tags, merges, releases and their files, the record of each release"
    ),
    Right("pull_requests", "write", "the release's pull request, its comments, reviews and reviewers"),
    Right("deployments", "write", "what was rehearsed, what was asked, and what each environment runs"),
    Right("checks", "read", "the checks that a branch demands"),
    Right("statuses", "write", "the commit statuses that a branch demands, and the pull-request check's own"),
    Right("workflows", "write", "releases that change a file below .github/workflows", always=False),
    Right("members", "read", "approvals and overrides of a team (`from` in release.yaml)", always=False),
    Right("administration", "read", "`dabflow doctor`: protections and who may go past them", always=False),
    Right("actions", "read", "`dabflow doctor`: environments", always=False),
)


def lacking(permissions: Mapping[str, str]) -> tuple[Right, ...]:
    """The rights that these permissions do not give."""
    return tuple(right for right in RIGHTS if _rank(permissions.get(right.name, "none")) < _rank(right.level))


def _rank(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else 0
