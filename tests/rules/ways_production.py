"""What reaches production in the tiny world, and how: the gate, the deploy, the way back, with the rules' own decisions.

A run goes on until it waits for people, ends, or is killed; and what was begun is started again. Other runs go on
at its free points; while it holds production's lock, none does.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from ways_history import History
from ways_world import MAIN, REPOSITORY, SETTINGS, Page, Record, World

from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import REJECTED, RETRIED, ROLLED_BACK, STOPPED, WITHDRAWN
from tasks.rules.gate import Against, Asked, Judgement, People, Policy, Proposed, Said, Verdict, judge
from tasks.rules.known_state import Place, insist_on_order
from tasks.rules.names import Named
from tasks.rules.outcomes import (
    ABANDONED,
    RESTORED,
    Hold,
    Stopped,
    held,
    is_over,
    may_go_again,
    stop_of_another,
)
from tasks.rules.phases import Phase
from tasks.rules.release import Release
from tasks.rules.rollbacks import adding_nothing, before, hold_problem, hold_remedy, way_back, withdrawn_by
from tasks.rules.versions import Version


class Point(Enum):
    """Where a run is between two steps: others go on, none does, or it is suspended."""

    FREE = 1
    LOCKED = 2
    WAITS = 3


Steps = Iterator[Point]
Start = Callable[["Run"], Steps]
GoesOn = Generator[Point, None, bool]


@dataclass(frozen=True)
class Mood:
    """What people, and production, do while a run goes on.

    gate: approve, reject, or "" to wait. decision: what is answered when production stopped half way.
    production: well, refused (nothing changes there), or untested (the smoke job fails).
    killed_after: how many points under production's lock it survives.
    """

    gate: str = "approve"
    decision: str = ""
    production: str = "well"
    conflicts: bool = False
    killed_after: int = 99


@dataclass
class Run:
    """A run of a flow. `pinned` is what it is about, as soon as that is known; it never changes its mind."""

    start: Start
    what: str
    pinned: str = ""
    steps: Steps | None = None
    alive: bool = True

    @property
    def waits(self) -> bool:
        return self.alive and self.steps is None


@dataclass
class Production:
    """Production of one world; `runs` are the runs that have not ended, `mood` is that of the moment."""

    world: World = field(default_factory=World)
    runs: list[Run] = field(default_factory=list)
    mood: Mood = Mood()

    def __post_init__(self) -> None:
        self.history = History(self.world)

    def _other_waits(self, release: Release, run: Run) -> bool:
        return any(one.waits and one.pinned == release.name for one in self.runs if one is not run)

    def _done(self, release: Release, what: str) -> None:
        self.world.tell(f"  {release.name}: {what}")

    # ---- the gate

    def _judge(self, release: Release, commit: str, proposed: Proposed) -> Judgement:
        said = [Said(self.mood.gate)] if self.mood.gate in {"approve", "reject"} else []  # type: ignore[arg-type]
        against = Against(half_way=self._half_way(release), holds=self._without_news(release, commit))
        if release.kind != "rollback":
            published = release.version in self.world.pages
            over = is_over(self.world.chain(release.name), published=published)
            against = replace(against, over=over)
        return judge(
            Asked(commit, MAIN), Policy("prefect"), proposed, said=said, people=People(), against=against
        )

    def _half_way(self, release: Release) -> Stopped | None:
        if release.overtakes:
            return None
        since = [r.name for r in self.world.until_success() if r.state != "success"]
        return stop_of_another(Named(release.version, release.withdraws), since, self.world.chain)

    def _without_news(self, release: Release, commit: str) -> tuple[Hold, ...]:
        if release.kind == "rollback":
            return ()
        git = self.world.git

        def adds_to(version: Version) -> bool:
            return version not in git.tags or git.adds(commit, git.tags[version])

        return tuple(adding_nothing(release.version, self.world.holds(), adds_to))

    def _approved(self, release: Release, commit: str) -> bool:
        entry = self.world.chain(release.name).now.last("approved")
        return entry is not None and entry.facts["commit"] == commit

    # ---- the deploy

    def _deploy(self, release: Release, commit: str) -> Steps:
        """Production runs the commit, tested; under its lock."""
        record = self.world.record_of(release.name, commit)
        if record is None or record.state != "success":
            self._insist_on_no_hold(release.version)
            if record is None:
                record = Record(release.name, commit)
                self.world.records.append(record)
            yield from self._change(release, commit, record)
        yield Point.LOCKED

    def _insist_on_no_hold(self, version: Version) -> None:
        hold = held(self.world.chain(version))
        if hold is not None:
            raise NeedsHuman(hold_problem(hold), hold_remedy(hold))

    def _change(self, release: Release, commit: str, record: Record) -> Steps:
        try:
            self._insist_on_known_state(release, commit)
            record.state = "in_progress"
            self.history.goes(release, commit)
            self._fails(release, "refused")
            yield Point.LOCKED
            self.history.runs(release, commit)
            self._done(release, f"production runs {commit}")
            yield Point.LOCKED
            self._fails(release, "untested")
        except NeedsHuman:
            record.state = "failure"
            raise
        self.world.note(release.name, "smoked", commit=commit)
        record.state = "success"
        self.history.is_well(release)

    def _fails(self, release: Release, how: str) -> None:
        if self.mood.production == how:
            self.history.failed(release)
            raise NeedsHuman(f"production: {how}", "find out why")

    def _insist_on_known_state(self, release: Release, commit: str) -> None:
        git, runs = self.world.git, self.world.runs
        versions = (release.version, release.withdraws)
        ours = {commit, *(git.tags[v] for v in versions if v in git.tags)}
        known = runs is None or runs in git.commits
        contained = runs is None or (runs in git.commits and git.contains(commit, runs))
        place = Place("prod", runs, known, contained or release.kind == "rollback")
        insist_on_order(place, self.world.recorded(), ours, version=str(release.version))

    def _publish(self, release: Release) -> None:
        page = self.world.pages.get(release.version)
        if page is None or page.withdrawn:
            self.world.pages[release.version] = Page()
            self.world.latest = release.version
        self.history.ends(release)
        self._done(release, "is published")

    # ---- the way back

    def _rollback_of(self, about: Named, *, overtakes: bool = False) -> Release:
        return Release(
            REPOSITORY,
            about.version,
            Phase.PLANNED,
            SETTINGS,
            source=self.world.git.tags[about.version],
            requested_by="rita",
            reason="",
            kind="rollback",
            withdraws=about.withdraws,
            overtakes=overtakes,
        )

    def _roll_back(self, run: Run, release: Release) -> GoesOn:
        """True where production runs the older version again."""
        run.pinned, commit = release.name, release.source
        if self._other_waits(release, run):
            return False
        self.world.note(release.name, "asked", kind="rollback")
        yield Point.FREE
        while True:
            verdict = self._look_back(release).verdict
            if verdict is Verdict.WAITING:
                self._done(release, f"waits, {self._look_back(release).because}")
                yield Point.WAITS
            if verdict is not Verdict.APPROVED:
                self._reject_back(release)
                return False
            self.world.note(release.name, "approved", commit=commit)
            try:
                yield from self._deploy(release, commit)
            except NeedsHuman as error:
                self.world.note(release.name, STOPPED, commit=commit, problem=error.problem)
                raise
            self._withdraw(release)
            yield Point.LOCKED
            self.world.note(release.name, ROLLED_BACK, commit=commit)
            self.history.ends(release)
            return True

    def _look_back(self, release: Release) -> Judgement:
        begun = self.world.record_of(release.name, release.source) is not None
        before = begun and self._approved(release, release.source)
        return self._judge(release, release.source, Proposed("open", release.source, MAIN, before))

    def _reject_back(self, release: Release) -> None:
        self._done(release, "rejected")
        self.world.note(release.name, REJECTED, commit=release.source)
        for record in self.world.records:
            if record.name == release.name and record.state != "success":
                record.state = "inactive"

    def _withdraw(self, release: Release) -> None:
        world, version = self.world, release.version
        world.pages[version].withdrawn, world.latest = False, version
        if may_go_again(world.chain(version)):
            world.note(version, RESTORED, rollback=release.name)
        published = [v for v, page in world.pages.items() if not page.draft]
        gone = withdrawn_by(Named(version, release.withdraws), published, world.git.tags, world.holds())
        for one in gone:
            if one in world.pages:
                world.pages[one].withdrawn = True
            world.note(one, WITHDRAWN, to=str(version), by="rita", reason="", rollback=release.name)
            self.history.withdraws(one)
        self._done(release, f"production is back, withdrawn: {', '.join(map(str, gone))}")

    # ---- after a stop

    def _aftermath(self, run: Run, release: Release, stop: Stopped) -> Generator[Point, None, str]:
        """What became of a release that stopped half way there: "" to try again."""
        world, decision = self.world, self.mood.decision
        overtaken = self._overtaken(stop)
        if not overtaken and not decision:
            self._done(release, "waits for a decision")
            yield Point.WAITS
        if decision == "retry" and not overtaken:
            self._done(release, "is tried again")
            world.note(release.name, RETRIED, reason="")
            return ""
        if decision == "roll back" and not overtaken:
            known = world.running()
            if known is None:
                raise NeedsHuman("nobody knows what production ran", "retry")
            about = Named(before(release.version, known), release.version)
            way_back(about.version, replace(known, stopped=release.version, begun=None))
            if (yield from self._roll_back(run, self._rollback_of(about))):
                return WITHDRAWN
            world.note(release.name, STOPPED, commit=stop.commit, problem="production did not go back")
            return ""
        recorded = world.recorded()
        if world.runs and not overtaken and (recorded is None or recorded.commit != world.runs):
            world.records.append(Record("adopted", world.runs, "success", adopts=world.runs))
            self.history.adopts()
        world.note(release.name, ABANDONED, reason="")
        self.history.is_over(release.name)
        self._done(release, "is abandoned")
        return ABANDONED

    def _overtaken(self, stop: Stopped) -> bool:
        recorded = self.world.recorded()
        if recorded is None or recorded.adopted or recorded.commit == stop.commit:
            return False
        return self.world.git.contains(recorded.commit, stop.commit)
