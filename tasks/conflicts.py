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
    origins = _Origins(hub, merges, (incoming, there))

    def side(path: str, upto: str) -> Side:
        commits, count = merges.changes_of(path, after=base, upto=upto, most=MOST_COMMITS)
        return Side(tuple(map(origins.of, commits)), count - len(commits))

    listed = tuple(Clash(path, side(path, incoming), side(path, there)) for path in files[:MOST_FILES])
    return Clashes(listed, len(files) - len(listed))


@dataclass
class _Origins:
    """Where commits come from, each looked up once; `heads` are the two sides."""

    hub: GitHubRepo
    merges: Merges
    heads: tuple[str, str]
    numbers: dict[str, int] = field(default_factory=dict)

    def of(self, commit: Commit) -> Origin:
        source = picked_from(commit.message) or commit.sha
        if source not in self.numbers:
            found = self._by_merge(source) or number_in(commit.message)
            self.numbers[source] = found or (
                self._asked(source) if len(self.numbers) < _MOST_QUESTIONS else 0
            )
        return Origin(commit.sha, commit.message.split("\n", 1)[0], self.numbers[source])

    def _by_merge(self, commit: str) -> int:
        """The pull request whose merge brought it first, as git tells it."""
        mirror = self.merges.mirror
        if not mirror.has(commit):
            return 0
        for head in self.heads:
            if mirror.is_ancestor(commit, head):
                numbers = map(number_in, self.merges.brought_by(commit, head))
                if number := next(filter(None, numbers), 0):
                    return number
        return 0

    def _asked(self, commit: str) -> int:
        """The same by GitHub: it knows those whose commits are in the default branch, and open ones."""
        try:
            found = self.hub.pull_requests_of(commit)
        except NeedsHuman as error:  # a copy of what GitHub does not have
            log.info("%s", error.problem)
            return 0
        return next((pull.number for pull in found if not pull.head.startswith(SYNC_PREFIX)), 0)
