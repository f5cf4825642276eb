"""A commit that must get into a branch by a merge, what stands against it, and what could end the waiting."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from tasks.rules.settings import SYNC_PREFIX, BackMergeMode, ReleaseSettings
from tasks.rules.versions import Version

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=1)  # between two looks at checks that go on


@dataclass(frozen=True)
class Sync:
    """`commit` must get into the branch `into`; people call it `what`. `number` is its pull request, 0 before."""

    what: str
    commit: str
    into: str
    number: int = 0

    @property
    def branch(self) -> str:
        """The branch that carries it: never the one that it comes from, so that a conflict is resolved on it."""
        return f"{SYNC_PREFIX}{self.what}{_ending(self.into)}"


class Obstacle(StrEnum):
    """What stands against a merge."""

    CONFLICT = "conflict"
    NO_MERGE_COMMITS = "no merge commits"
    FAILING = "failing checks"
    PEOPLE = "people merge"
    CHECKS = "checks go on"
    REFUSED = "refused"


@dataclass(frozen=True)
class Synced:
    """Whether the branch contains the commit; else what that waits for, in words.

    `obstacle` is what stands against it. `wake_at` is when time alone may bring it; `seen` is the fingerprint of what
    was looked at.
    """

    sync: Sync
    done: bool = False
    url: str = ""
    missing: str = ""
    wake_at: datetime | None = None
    seen: str = ""
    obstacle: Obstacle | None = None

    @property
    def for_people(self) -> bool:
        """Whether somebody must do something about it."""
        return self.obstacle is not None and self.obstacle is not Obstacle.CHECKS


@dataclass(frozen=True)
class Against:
    """An obstacle; `names` are its files or checks, `said` is what GitHub says about it."""

    obstacle: Obstacle
    names: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Looked:
    """What git and GitHub show about a commit on its way.

    `state` is its pull request's, `head` the commit of the sync branch (None: it is gone); `conflicts` are files, None
    where git cannot say. `checks` says of each check of `head` success, pending or failure, None where our token may
    not see them; `required` are those that the branch demands.
    """

    contained: bool
    state: str = ""
    head: str | None = None
    conflicts: tuple[str, ...] | None = None
    required: tuple[str, ...] = ()
    checks: Mapping[str, str] | None = None
    reviews: Sequence[tuple[int, str]] = ()


def is_into(branch: str, into: str) -> bool:
    """Whether a branch is one of ours that carries something into `into`."""
    return branch.startswith(SYNC_PREFIX) and branch.endswith(_ending(into))


def against(looked: Looked, mode: BackMergeMode, *, merge_commits: bool) -> Against | None:
    """Say what stands against merging it now; None where nothing is known. GitHub has the last word."""
    if looked.conflicts:
        return Against(Obstacle.CONFLICT, looked.conflicts)
    if not merge_commits:
        return Against(Obstacle.NO_MERGE_COMMITS)
    said = looked.checks or {}
    if failing := tuple(name for name in looked.required if said.get(name) == "failure"):
        return Against(Obstacle.FAILING, failing)
    if mode == "pull_request":
        return Against(Obstacle.PEOPLE)
    if looked.checks is None:
        return None
    open_ones = tuple(name for name in looked.required if said.get(name) != "success")
    return Against(Obstacle.CHECKS, open_ones) if open_ones else None


def fingerprint(looked: Looked) -> str:
    """A short text that differs as soon as anything in `looked` does."""
    checks = None if looked.checks is None else sorted((n, looked.checks.get(n)) for n in looked.required)
    parts = [looked.contained, looked.state, looked.head, looked.conflicts, checks, sorted(looked.reviews)]
    return joined(map(repr, parts))


def joined(fingerprints: Iterable[str]) -> str:
    """One fingerprint of several."""
    return sha256("\0".join(fingerprints).encode()).hexdigest()[:32]


def next_look(now: datetime, *, since: datetime) -> datetime:
    """When to look at checks again that go on `since` then: the longer they take, the later."""
    return now + min(max((now - since) / 10, SHORTEST), LONGEST)


def name_of(commit: str, message: str, tagged: Iterable[str], settings: ReleaseSettings) -> str:
    """What people call a commit of production's branch: its version, tagged or about to be, or branch and commit.

    `tagged` are the names of the tags on it, `message` is its own.
    """
    versions = [v for name in tagged if (v := settings.version_of_tag(name)) is not None]
    version = max(versions, default=None) or _merged_version(message, settings)
    return str(version) if version else f"{settings.branches.production}-{commit[:12]}".replace("/", "-")


def _merged_version(message: str, settings: ReleaseSettings) -> Version | None:
    """The version whose branch a merge commit brought in, as its first line says it."""
    subject = message.split("\n", 1)[0]
    if not subject.startswith("Merge pull request #") or " from " not in subject:
        return None
    branch = subject.rpartition(" from ")[2]
    # GitHub's own title has the owner before the branch.
    return settings.version_of_branch(branch) or settings.version_of_branch(branch.partition("/")[2])


def _ending(into: str) -> str:
    return f"-into-{into.replace('/', '-')}"
