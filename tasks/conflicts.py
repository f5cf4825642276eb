"""Who changed what in the files of a conflict, for the people who resolve it."""

import logging
from dataclasses import dataclass, field

from tasks.rules.conflicts import Clash, Clashes, Origin, Side, number_in, picked_from
from tasks.rules.errors import NeedsHuman
from tasks.rules.settings import SYNC_PREFIX
from tasks.rules.syncs import Sync
from tasks.systems.git_merges import Merges
from tasks.systems.git_repo import Commit, Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)

MOST_FILES, MOST_COMMITS = 10, 3  # what people read; the rest is counted
_MOST_QUESTIONS = 30  # to GitHub, about the pull requests of commits


def clashes_of(sync: Sync, files: tuple[str, ...], mirror: Mirror, hub: GitHubRepo) -> Clashes:
    """For each file that conflicts the commits of both sides, and the pull requests they first came by."""
    branches, merges = mirror.branches(), Merges(mirror)
    incoming, there = branches[sync.branch], branches[sync.into]
    base = merges.base(incoming, there)
    if base is None:
        return Clashes()
    origins = _Origins(mirror, hub)

    def side(path: str, upto: str) -> Side:
        commits, count = merges.changes_of(path, after=base, upto=upto, most=MOST_COMMITS)
        return Side(tuple(map(origins.of, commits)), count - len(commits))

    listed = tuple(Clash(path, side(path, incoming), side(path, there)) for path in files[:MOST_FILES])
    return Clashes(listed, len(files) - len(listed))


@dataclass
class _Origins:
    """Where commits come from, each asked about once."""

    mirror: Mirror
    hub: GitHubRepo
    numbers: dict[str, int] = field(default_factory=dict)

    def of(self, commit: Commit) -> Origin:
        subject = commit.message.split("\n", 1)[0]
        return Origin(commit.sha, subject, self._number(commit))

    def _number(self, commit: Commit) -> int:
        """The first pull request that brought it, or what it is a copy of."""
        source = picked_from(commit.message) or commit.sha
        if source not in self.numbers:
            asks = len(self.numbers) < _MOST_QUESTIONS
            self.numbers[source] = (self._first(source) if asks else 0) or number_in(commit.message)
        return self.numbers[source]

    def _first(self, commit: str) -> int:
        try:
            found = self.hub.pull_requests_of(commit)
        except NeedsHuman as error:  # a copy of what GitHub does not have
            log.info("%s", error.problem)
            return 0
        return next((pull.number for pull in found if not pull.head.startswith(SYNC_PREFIX)), 0)
