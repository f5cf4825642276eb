"""What really happened to production, kept apart from all that the rules look at: it tells when they were wrong."""

from dataclasses import dataclass, field

from ways_world import MAIN, World

from tasks.rules.evidence import WITHDRAWN
from tasks.rules.release import Release
from tasks.rules.versions import Version


@dataclass
class History:
    """What is true about production, and what must never happen to it.

    tagged: the versions of releases and hotfixes in the order in which they got their tags.
    well: the versions that production came to run well.
    withdrawn: those that were taken back, and whose hold nobody has lifted.
    half_way: the releases that failed there, and about which nobody has decided.
    touched: the release whose deployment there was begun and did not come to an end.
    good: the version that people were told of last as what production runs.
    by_hand: somebody deployed something that nobody has taken over; `adopted` is what was.
    """

    world: World
    tagged: list[Version] = field(default_factory=list)
    well: dict[Version, str] = field(default_factory=dict)
    withdrawn: set[Version] = field(default_factory=set)
    half_way: set[str] = field(default_factory=set)
    touched: str = ""
    good: Version | None = None
    by_hand: bool = False
    adopted: str = ""

    def begins(self, release: Release) -> None:
        """A release or hotfix gets a number and a commit to be cut from, both new."""
        git, version, (known, _) = self.world.git, release.version, self.world.known()
        taken = {*git.tags, *self.world.versions().branched}
        assert version not in taken, f"{version} is begun, and taken already"
        if release.fix is not None:
            return
        assert all(version > one for one in taken), f"{version} is begun after {max(taken)}"
        assert not known.unfinished, f"{version} is begun although {known.unfinished[0]} is unfinished"
        assert git.contains(release.source, git.branches[MAIN]), (
            f"{version} is begun without what was shipped"
        )

    def mends(self, base: Version, *, asked: bool) -> None:
        """A hotfix is cut from a version."""
        assert base == self.good or asked or self.touched, (
            f"a hotfix of {base}, and production runs {self.good}"
        )

    def tag(self, version: Version) -> None:
        assert all(version > other for other in self.tagged), f"{version} is tagged after {self.tagged[-1]}"
        self.tagged.append(version)

    def goes(self, release: Release, commit: str) -> None:
        """A release begins to change production; nothing is said against it."""
        git, runs, version = self.world.git, self.world.runs, release.version
        others = {name for name in self.half_way if not _about(release, name)}
        assert not others or release.overtakes, f"{release.name} goes although {others} stopped half way"
        ours = {commit, *(git.tags[v] for v in (version, release.withdraws) if v in git.tags)}
        assert not self.by_hand or runs in ours, f"{release.name} overwrites what somebody deployed by hand"
        assert version not in self.withdrawn, f"{version} goes there again, and its hold was not lifted"
        if release.kind == "rollback":
            assert version in self.well, f"{release.name} goes back to what production never ran well"
            assert release.withdraws is not None, "a rollback withdraws something"
            assert version < release.withdraws, f"{release.name} goes up"
            return
        known = runs is None or runs == self.adopted or git.contains(commit, runs)
        assert known, f"{version} overwrites {runs}, which it does not contain"
        assert self.good is None or self.adopted or version >= self.good, f"{version} goes after {self.good}"
        lost = [other for other, at in self.well.items() if not git.contains(commit, at)]
        assert not lost, f"{version} lacks what was shipped: {', '.join(map(str, lost))}"
        for bad in (v for v in self.withdrawn if v < version):
            assert git.adds(commit, git.tags[bad]), (
                f"{version} holds nothing that {bad} did not, which is held"
            )

    def goes_back(self, version: Version) -> None:
        """People are asked to go back to a version."""
        assert version not in self.withdrawn, f"people are asked to go back to {version}, which is held"

    def runs(self, release: Release, commit: str) -> None:
        self.world.runs, self.touched, self.adopted, self.by_hand = commit, release.name, "", False

    def failed(self, release: Release) -> None:
        self.half_way.add(release.name)

    def is_well(self, release: Release) -> None:
        """Production runs it, tested. What was overtaken by it may still want to be told so."""
        self.half_way -= {name for name in self.half_way if _about(release, name) or release.overtakes}
        if release.kind != "rollback":
            self.well[release.version] = self.world.git.tags[release.version]

    def ends(self, release: Release) -> None:
        """GitHub says what production runs."""
        if self.touched == release.name:
            self.touched, self.good = "", release.version

    def withdraws(self, version: Version) -> None:
        self.withdrawn.add(version)
        self.half_way.discard(str(version))

    def lifts(self, version: Version) -> None:
        self.withdrawn.discard(version)

    def deploys_by_hand(self, commit: str) -> None:
        recorded = self.world.recorded()
        self.world.runs = commit
        self.by_hand = recorded is None or recorded.commit != commit

    def adopts(self) -> None:
        """Somebody takes over what production runs, whatever that is."""
        self.by_hand, self.adopted, self.touched = False, self.world.runs or "", ""
        self.half_way.clear()

    def is_over(self, name: str) -> None:
        """Somebody decided that a release is not to go there."""
        self.half_way.discard(name)
        if self.touched == name:
            self.touched = ""

    # ---- what holds after every step

    def check(self) -> None:
        self._latest_is_what_runs()
        self._what_people_are_told_runs()
        self._nothing_shipped_is_lost()
        self._one_branch_a_version()

    def _latest_is_what_runs(self) -> None:
        world = self.world
        assert world.latest == self.good or self.touched, f"latest is {world.latest}, not {self.good}"
        if world.latest is not None:
            page = world.pages[world.latest]
            assert not page.draft, f"{world.latest} is the latest, and a draft"
            assert not page.withdrawn, f"{world.latest} is the latest, and withdrawn"
        if self.touched or self.half_way or self.by_hand or self.adopted:
            return
        runs = world.git.tags[world.latest] if world.latest else None
        assert world.runs == runs, f"production runs {world.runs}, and {world.latest} ({runs}) is the latest"

    def _what_people_are_told_runs(self) -> None:
        if self.touched:
            return
        told, (known, _) = self.world.shipped(), self.world.known()
        assert told == self.good, f"production is said to run {told}, not {self.good}"
        if not known.unfinished and not known.hotfixes:
            assert known.finished == self.good, f"{known.finished} is called finished, not {self.good}"

    def _nothing_shipped_is_lost(self) -> None:
        git, (known, _) = self.world.git, self.world.known()
        for version, at in self.well.items():
            assert git.contains(git.branches[MAIN], at), f"{version} is not in {MAIN} any more"
        for version in self.world.versions().outside:
            shown = version in known.unfinished or version in known.hotfixes
            assert shown, f"{version} is not back in develop, and nobody is told"
        for name, chain in self.world.chains.items():
            about = Version.of_tag(name)
            for entry in chain.entries:
                into = git.branches.get(str(entry.facts.get("into", "")))
                if about is not None and entry.kind == "back-merged" and into:
                    assert git.contains(into, git.tags[about]), f"{about} is lost again"

    def _one_branch_a_version(self) -> None:
        ours = [name for name in self.world.git.branches if name.startswith(("release/", "hotfix/"))]
        assert len(ours) == len(self.world.versions().branched), f"two branches of one version: {ours}"
        _, phases = self.world.known()
        fixes = [v for v, phase in phases.items() if self.world.kind_of(v) == "hotfix"]
        over = (v for v in fixes if self.world.chain(v).last(WITHDRAWN))  # lifted by people, who know of it
        open_ones = {v for v in fixes if v not in self.well and not self.world.is_over(v) and phases[v]} - {
            *over
        }
        assert len(open_ones) <= 1, f"several hotfixes at once: {open_ones}"


def _about(release: Release, name: str) -> bool:
    """Whether what stopped half way is this release, or what it takes back."""
    back = release.withdraws
    return name == release.name or (back is not None and (name == str(back) or f"-{back}-to-" in name))
