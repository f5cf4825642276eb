"""Whatever people start, decide and push, in whatever order: no version goes back, no fix is lost, latest is what runs.

The steps are played over a tiny world (ways_world.py), and every decision is the rules' own. What happened is told in
words where a sequence fails.
"""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from patience import patient
from ways_production import Mood, Start
from ways_runs import Ways
from ways_world import DEVELOP, MAIN, SETTINGS, Record

from tasks.rules.choice import Wanted
from tasks.rules.evidence import LIFTED
from tasks.rules.fixes import WantedFix
from tasks.rules.versions import Bump, Version

T = TypeVar("T")
WELL = Mood()
MOODS = st.one_of(
    st.just(WELL),
    st.builds(
        Mood,
        gate=st.sampled_from(["approve", "approve", "approve", "", "reject"]),
        decision=st.sampled_from(["", "retry", "roll back", "abandon"]),
        production=st.sampled_from(["well", "well", "refused", "untested"]),
        conflicts=st.sampled_from([False, False, False, True]),
        killed_after=st.sampled_from([99, 99, 0, 1, 2, 3, 4, 5]),
    ),
)
FAR = st.sampled_from([9, 9, 9, 1, 2, 3, 4])  # at how many free points a run goes on by itself
WHICH = st.integers(min_value=0, max_value=30)


class WaysToProduction(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ways = Ways()
        self.world, self.history, self.git = self.ways.world, self.ways.history, self.ways.world.git
        self.heard = self.changes = 0
        for _ in range(2):
            self.commit_to_develop()
            self.release(Bump.MINOR, WELL, 9)

    # ---- starts, and runs that go on

    @rule(bump=st.sampled_from(Bump), mood=MOODS, far=FAR)
    def release(self, bump: Bump, mood: Mood, far: int) -> None:
        wanted = Wanted(None, bump)
        self.begin(f"a release ({bump})", lambda run: self.ways.standard(run, wanted), mood, far)

    @rule(which=WHICH, mood=MOODS, far=FAR)
    def release_of_a_version(self, which: int, mood: Mood, far: int) -> None:
        versions = self.world.versions()
        newest = versions.highest or Version(0, 0, 0)
        ahead = Version(newest.major, newest.minor + 2, 0)
        wanted = Wanted(pick([*sorted({*versions.begun, newest}), ahead], which), Bump.AUTO)
        self.begin(f"release {wanted.version}", lambda run: self.ways.standard(run, wanted), mood, far)

    @rule(which=WHICH, overtakes=st.booleans(), mends=st.booleans(), mood=MOODS, far=FAR)
    def hotfix(self, which: int, overtakes: bool, mends: bool, mood: Mood, far: int) -> None:
        if which % 2:
            self.changes += 1  # a pull request that nobody has merged yet
        number = self.changes - which // 2 % self.changes
        wanted = WantedFix(number, overtakes=overtakes, mend_withdrawn=mends)
        what = f"a hotfix of #{number}{' that overtakes' * overtakes}{' that mends' * mends}"
        self.begin(what, lambda run: self.ways.hotfix(run, wanted), mood, far)

    @rule(which=WHICH, overtakes=st.booleans(), mood=MOODS, far=FAR)
    def rollback(self, which: int, overtakes: bool, mood: Mood, far: int) -> None:
        to = pick(sorted(self.git.tags), which)
        what = f"a rollback to {to}{' that overtakes' * overtakes}"
        self.begin(what, lambda run: self.ways.rollback(run, to, overtakes=overtakes), mood, far)

    @precondition(lambda self: self.ways.runs)
    @rule(which=WHICH, mood=MOODS, far=FAR)
    def go_on(self, which: int, mood: Mood, far: int) -> None:
        run = pick(self.ways.runs, which)
        self.world.tell(f"{run.pinned or run.what} goes on")
        self.ways.go(run, mood, far)

    # ---- what people do beside them

    @rule()
    def commit_to_develop(self) -> None:
        self.changes += 1
        self.git.branches[DEVELOP] = self.git.commit(self.git.branches[DEVELOP], change=self.changes)
        self.world.tell(f"develop gets #{self.changes}, {self.git.branches[DEVELOP]}")

    @rule(what=st.sampled_from(["push", "push", "delete", "cut"]), which=WHICH)
    def move_a_branch(self, what: str, which: int) -> None:
        names = sorted(set(self.git.branches) - {MAIN, DEVELOP})
        if what == "cut":
            newest = self.world.versions().highest or Version(0, 0, 0)
            name = SETTINGS.release_branch(Version(newest.major, newest.minor + 1, 0))
            self.git.branches[name] = self.git.branches[DEVELOP]
            self.world.tell(f"{name} is made by hand")
        elif names and what == "delete":
            self.delete(pick(names, which))
        elif names:
            self.changes += 1
            name = pick(names, which)
            self.git.branches[name] = self.git.commit(self.git.branches[name], change=self.changes)
            self.world.tell(f"{name} moves on to {self.git.branches[name]}")

    def delete(self, name: str) -> None:
        del self.git.branches[name]
        pull = self.world.pulls.get(name)
        if pull is not None and pull.state == "open":
            pull.state = "closed"
        self.world.tell(f"{name} is deleted")

    @precondition(lambda self: self.history.withdrawn)
    @rule(which=WHICH)
    def lift_a_hold(self, which: int) -> None:
        version = pick(sorted(self.history.withdrawn), which)
        self.world.note(version, LIFTED, by="rita", reason="")
        self.history.lifts(version)
        self.world.tell(f"the hold on {version} is lifted")

    @rule(which=WHICH, how=st.sampled_from(["adopt", "adopt", "deploy"]))
    def by_hand(self, which: int, how: str) -> None:
        runs, recorded = self.world.runs or "", self.world.recorded()
        if self.history.by_hand and how == "adopt":
            if recorded is None or recorded.commit != runs:
                self.world.records.append(Record("adopted", runs, "success", adopts=runs))
            self.history.adopts()
            self.world.tell(f"{runs} is adopted")
        elif how == "deploy" and which % 2:
            self.history.deploys_by_hand(pick(["a stranger", *self.git.tags.values()], which // 2))
            self.world.tell(f"somebody deploys {self.world.runs} by hand")

    # ---- what always holds

    @invariant()
    def nothing_is_wrong(self) -> None:
        self.history.check()
        self.tell()

    def teardown(self) -> None:
        self.tell()

    def tell(self) -> None:
        for line in self.world.told[self.heard :]:
            note(line)
        self.heard = len(self.world.told)

    def begin(self, what: str, start: Start, mood: Mood, far: int) -> None:
        self.world.tell(f"{what} is started")
        self.ways.begin(what, start, mood, far)


def pick(things: Sequence[T], which: int) -> T:
    return things[which % len(things)]


TestWaysToProduction = WaysToProduction.TestCase
TestWaysToProduction.settings = settings(patient, derandomize=True, max_examples=300, stateful_step_count=30)
