"""A tiny world for the rules about the ways to production: commits, GitHub, the evidence, and production itself.

It holds what the steps of a release look up and write, and nothing else. Every decision about it is the rules' own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from tasks.rules.choice import Known
from tasks.rules.evidence import Chain
from tasks.rules.known_state import Recorded
from tasks.rules.names import Named, named
from tasks.rules.outcomes import Hold, given_up, held, in_force, is_away, kind_in, may_go_again
from tasks.rules.overview import Versions, finished, shipped, unfinished
from tasks.rules.phases import Facts, Phase, phase_of
from tasks.rules.rollbacks import Running, half_way
from tasks.rules.settings import ReleaseSettings
from tasks.rules.settings_words import Kind
from tasks.rules.versions import Version, highest

MAIN, DEVELOP = "main", "develop"
REPOSITORY = "acme/lakehouse"
SETTINGS = ReleaseSettings()
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Commit:
    """`change` is what a commit changes, None for a merge; a picked commit has the change of the other one."""

    sha: str
    parents: tuple[str, ...]
    change: int | None
    history: frozenset[str]
    changes: frozenset[int]


@dataclass
class Git:
    """Branches and tags over commits that know everything below them. Nothing ever conflicts by itself."""

    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[Version, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def commit(self, *parents: str, change: int | None = None) -> str:
        sha = f"c{next(self._numbers):03}"
        below = [self.commits[parent] for parent in parents]
        history = frozenset({sha}).union(*(one.history for one in below))
        own = frozenset() if change is None else frozenset({change})
        self.commits[sha] = Commit(sha, parents, change, history, own.union(*(one.changes for one in below)))
        return sha

    def contains(self, head: str, commit: str) -> bool:
        return commit in self.commits[head].history

    def merge(self, commit: str, into: str) -> str:
        """The branch contains the commit, by a merge commit if it did not; returns its head."""
        if not self.contains(self.branches[into], commit):
            self.branches[into] = self.commit(self.branches[into], commit)
        return self.branches[into]

    def merge_of(self, head: str) -> str:
        """The commit by which production's branch got that head."""
        below = self.commits[self.branches[MAIN]].history
        return min(sha for sha in below if self.commits[sha].parents[1:] == (head,))

    def adds(self, upto: str, after: str) -> bool:
        """Whether `upto` holds a commit, beside merges, that `after` does not hold."""
        new = self.commits[upto].history - self.commits[after].history
        return any(self.commits[sha].change is not None for sha in new)


@dataclass
class Pull:
    """The newest pull request of a branch into production's branch; `head` is what it shows."""

    head: str
    state: str = "open"


@dataclass
class Page:
    """A release on GitHub."""

    draft: bool = False
    withdrawn: bool = False


@dataclass
class Record:
    """A deployment to production as GitHub knows it: of which release, which commit; what it took over by hand."""

    name: str
    commit: str
    state: str = "in_progress"
    adopts: str = ""


@dataclass
class World:
    """One repository, its evidence, and production, which runs a commit or nothing."""

    git: Git = field(default_factory=Git)
    pulls: dict[str, Pull] = field(default_factory=dict)
    pages: dict[Version, Page] = field(default_factory=dict)
    latest: Version | None = None
    chains: dict[str, Chain] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    rehearsed: set[str] = field(default_factory=set)
    runs: str | None = None
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        first = self.git.commit(change=0)
        self.git.branches |= {MAIN: first, DEVELOP: first}

    def tell(self, line: str) -> None:
        self.told.append(line)

    # ---- the evidence

    def chain(self, name: Version | str) -> Chain:
        return self.chains.get(str(name), Chain(REPOSITORY, str(name)))

    def note(self, name: Version | str, what: str, **facts: object) -> None:
        chain = self.chain(name)
        if not chain.says(what, facts):
            at = START + timedelta(minutes=len(self.told))
            self.chains[str(name)] = chain.with_entry(what, facts, at)

    def holds(self) -> list[Hold]:
        noted = [Version.of_tag(name) for name in self.chains]
        newest_first = sorted((v for v in noted if v is not None), reverse=True)
        return list(in_force(map(self.chain, newest_first)))

    def is_over(self, version: Version) -> bool:
        return bool(given_up(self.chain(version)))

    def is_away(self, version: Version) -> bool:
        return is_away(self.chain(version))

    # ---- what git and GitHub show about versions

    def versions(self) -> Versions:
        develop = self.git.branches[DEVELOP]
        return Versions(
            tagged=frozenset(self.git.tags),
            branched=_named_by(self.git.branches),
            merged=_named_by(branch for branch, pull in self.pulls.items() if pull.state == "merged"),
            outside=frozenset(v for v, at in self.git.tags.items() if not self.git.contains(develop, at)),
        )

    def known(self) -> tuple[Known, dict[Version, Phase]]:
        versions = self.versions()
        phases = {v: self.phase(v) for v in versions.to_look_up}
        open_ones = unfinished(phases)
        hotfixes = [v for v in open_ones if self.kind_of(v) == "hotfix"]
        newest = finished(versions, phases, self.is_away)
        releases = [v for v in open_ones if v not in hotfixes]
        return Known(versions.highest, newest, releases, self._news(newest), hotfixes), phases

    def _news(self, newest: Version | None) -> bool:
        commits, tags = self.git.commits, self.git.tags
        return newest is None or commits[tags[newest]].changes != commits[self.git.branches[DEVELOP]].changes

    def kind_of(self, version: Version) -> Kind:
        if SETTINGS.hotfix_branch(version) in self.git.branches:
            return "hotfix"
        if SETTINGS.release_branch(version) in self.git.branches:
            return "release"
        return kind_in(self.chain(version))

    def branch_of(self, version: Version) -> str:
        hotfix = self.kind_of(version) == "hotfix"
        return SETTINGS.hotfix_branch(version) if hotfix else SETTINGS.release_branch(version)

    def pull_of(self, branch: str) -> Pull | None:
        """The pull request that speaks for a branch now."""
        pull = self.pulls.get(branch)
        speaks = pull is not None and (pull.state != "closed" or pull.head == self.git.branches.get(branch))
        return pull if speaks else None

    def phase(self, version: Version) -> Phase:
        branch, tag = self.branch_of(version), self.git.tags.get(version)
        head, pull = self.git.branches.get(branch), self.pull_of(branch)
        commit = head or (pull.head if pull else None)
        page = self.pages.get(version)
        again = may_go_again(self.chain(version)) and version == highest(self.git.tags)
        good = [record.commit for record in self.records if record.state == "success"]
        return phase_of(
            Facts(
                branch=head,
                pull=pull.state if pull else None,
                tag=tag,
                rehearsed=commit in self.rehearsed,
                deployed=tag is not None and tag in good and not again,
                published=page is not None and not page.draft and not again,
                given_up=tag is not None and self.is_over(version),
                back_merged=tag is not None and self.git.contains(self.git.branches[DEVELOP], tag),
            )
        )

    def shipped(self, before: Version | None = None) -> Version | None:
        pages = self.pages.items()
        published = [v for v, page in pages if not page.draft]
        return shipped(published, self.is_away, before=before)

    # ---- what GitHub's records say about production

    def until_success(self) -> list[Record]:
        """The records since something ended well there, and that one as the last; newest first."""
        found = []
        for record in reversed(self.records):
            found.append(record)
            if record.state == "success":
                break
        return found

    def recorded(self) -> Recorded | None:
        newest = next((r for r in reversed(self.records) if r.state == "success"), None)
        if newest is None:
            return None
        return Recorded(newest.adopts, adopted=True) if newest.adopts else Recorded(newest.commit)

    def record_of(self, name: str, commit: str) -> Record | None:
        """The record of a release's deployment, if nothing else has ended well since."""
        found = (r for r in self.until_success() if (r.name, r.commit) == (name, commit))
        return next((r for r in found if r.state != "inactive"), None)

    def running(self) -> Running | None:
        """What decides about a way back; None where nobody knows what production runs."""
        records, recorded = self.until_success(), self.recorded()
        at = {commit: version for version, commit in sorted(self.git.tags.items())}
        runs = at.get(recorded.commit) if recorded else None
        if runs is None:
            return None
        holds = {version: hold for version in at.values() if (hold := held(self.chain(version)))}
        begun = [at[r.commit] for r in records[:-1] if r.commit in at and r.name == str(at[r.commit])]
        published = {v for v, page in self.pages.items() if not page.draft}
        return Running(
            runs=runs,
            stopped=half_way(begun, runs=runs, holds=holds),
            begun=self._rollback_of(records[-1]),
            tagged=frozenset(at.values()),
            released=frozenset(published & set(at.values())),
            holds=holds,
        )

    def _rollback_of(self, record: Record) -> Named | None:
        """The rollback that a record belongs to, as long as that is not finished."""
        begun = record.name.startswith("rollback-") and self.chain(record.name).now.entries
        return named(record.name) if begun else None


def _named_by(branches: Iterator[str] | dict[str, str]) -> frozenset[Version]:
    found = (SETTINGS.version_of_branch(branch) for branch in branches)
    return frozenset(version for version in found if version is not None)
