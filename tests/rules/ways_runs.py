"""The flows over the tiny world: how a start is planned, in which order runs go on, wait, and are killed."""

from dataclasses import replace

from ways_production import Mood, Point, Run, Start, Steps
from ways_steps import Shipping
from ways_world import DEVELOP, MAIN, REPOSITORY, SETTINGS

from tasks.rules.choice import Choice, Wanted, choose, insist_on_back_merge
from tasks.rules.errors import NeedsHuman
from tasks.rules.fixes import (
    Base,
    WantedFix,
    cut_from,
    not_shipped,
    noted_fix,
    number_after,
    other_hotfix,
)
from tasks.rules.names import named
from tasks.rules.outcomes import given_up
from tasks.rules.phases import Phase
from tasks.rules.release import Fix, Release
from tasks.rules.rollbacks import still_the_way, way_back
from tasks.rules.versions import Bump, Version, highest


class Ways(Shipping):
    """All runs over one world."""

    # ---- runs

    def begin(self, what: str, start: Start, mood: Mood, far: int) -> None:
        run = Run(start, what)
        self.runs.append(run)
        self.go(run, mood, far)

    def go(self, run: Run, mood: Mood, far: int) -> None:
        """The run goes on, until it waits, ends or is killed; or to so many of the points where others may, too."""
        self.mood, left = mood, mood.killed_after
        run.steps = run.steps or run.start(run)
        try:
            for point in run.steps:
                if point is Point.LOCKED:
                    left -= 1
                elif point is Point.FREE:
                    far -= 1
                if point is Point.WAITS:
                    run.steps = None
                    return
                if far <= 0 and point is Point.FREE:
                    return
                if left < 0:
                    self.world.tell(f"  {run.pinned}: killed")
                    break
        except NeedsHuman as error:
            self.world.tell(f"  {run.pinned or run.what}: stops, {error.problem}")
        run.alive = False
        self.runs = [each for each in self.runs if each.alive]

    # ---- the three flows

    def standard(self, run: Run, wanted: Wanted) -> Steps:
        world = self.world
        known, phases = world.known()
        version = wanted.version
        over = version is not None and version in world.git.tags and world.is_over(version)
        if not run.pinned and over and version is not None and version not in known.unfinished:
            self._insist_on_no_hold(version)
        pinned = Choice(Version.parse(run.pinned)) if run.pinned else None
        choice = pinned or choose(wanted, known, auto=Bump.MINOR, over=over)
        phase = phases.get(choice.version) or world.phase(choice.version)
        if phase is Phase.PLANNED:
            self._insist_on_beginning(run)
        release = Release(
            REPOSITORY,
            choice.version,
            phase,
            SETTINGS,
            source=world.git.branches[DEVELOP],
            requested_by="rita",
            reason="",
            previous=known.finished,
            given_up=given_up(world.chain(choice.version)),
        )
        if not run.pinned and not choice.already_released and choice.version not in known.unfinished:
            self.history.begins(release)
        if choice.already_released or (phase is Phase.BACK_MERGED and not pinned):
            self._done(release, "nothing is left to do")
            return
        yield Point.FREE
        if phase < Phase.PUBLISHED and not (yield from self._to_production(run, release)):
            return
        yield from self._back(run, release)

    def _insist_on_beginning(self, run: Run) -> None:
        branches = self.world.git.branches
        if run.pinned:
            raise NeedsHuman("the branch of this run was deleted", "start a new release")
        contained = self.world.git.contains(branches[DEVELOP], branches[MAIN])
        insist_on_back_merge(production=MAIN, develop=DEVELOP, contained=contained)

    def hotfix(self, run: Run, wanted: WantedFix) -> Steps:
        known, phases = self.world.known()
        open_ones = {v: phases[v] for v in known.hotfixes}
        begun = Version.parse(run.pinned) if run.pinned else self._begun(wanted, open_ones)
        found = self._hotfix_again(begun) if begun else self._new_hotfix(wanted, open_ones, phases)
        if found is None:
            self.world.tell(f"  {wanted.title}: is in production already")
            return
        release = replace(found, overtakes=wanted.overtakes)
        yield Point.FREE
        if release.phase < Phase.PUBLISHED and not (yield from self._to_production(run, release)):
            return
        yield from self._back(run, release)

    def _begun(self, wanted: WantedFix, open_ones: dict[Version, Phase]) -> Version | None:
        asked = ((v, self.world.chain(v).last("asked")) for v in open_ones)
        return next((v for v, entry in asked if entry and entry.facts.get("fix") == wanted.key), None)

    def _hotfix_again(self, version: Version) -> Release:
        asked, phase = self.world.chain(version).last("asked"), self.world.phase(version)
        if phase is Phase.PLANNED or asked is None:
            raise NeedsHuman("the hotfix branch of this run was deleted", "start a new hotfix")
        return self._hotfix_of(version, phase, noted_fix(asked.facts), str(asked.facts["source"]))

    def _hotfix_of(self, version: Version, phase: Phase, fix: Fix, source: str) -> Release:
        over = given_up(self.world.chain(version))
        more = {"kind": "hotfix", "fix": fix, "given_up": over}
        return Release(REPOSITORY, version, phase, SETTINGS, source, "rita", "", **more)  # type: ignore[arg-type]

    def _new_hotfix(
        self, wanted: WantedFix, open_ones: dict[Version, Phase], phases: dict[Version, Phase]
    ) -> Release | None:
        git, head = self.world.git, self.world.git.branches[MAIN]
        newest = highest(v for v, at in git.tags.items() if git.contains(head, at))
        ahead = newest is not None and head != git.tags[newest]
        out = given_up(self.world.chain(newest)) if newest else ""
        base = cut_from(Base(MAIN, self.world.shipped(), newest, out, ahead), wanted)
        number, source = number_after(base, {*phases, *git.tags}), git.tags[base]
        if wanted.pull_request in git.commits[source].changes:
            return None
        self.history.mends(base, asked=wanted.mend_withdrawn or wanted.overtakes)
        for other in not_shipped(open_ones):
            raise other_hotfix(other, wanted.title, fix="", branch=SETTINGS.hotfix_branch(other))
        release = self._hotfix_of(number, Phase.PLANNED, Fix(wanted.pull_request, "fix"), source)
        self.history.begins(release)
        return release

    def rollback(self, run: Run, to: Version, *, overtakes: bool) -> Steps:
        known = self.world.running()
        if known is None:
            raise NeedsHuman("nobody knows what production runs", "release a version")
        about = named(run.pinned) if run.pinned else way_back(to, known)
        if about is None or (run.pinned and not still_the_way(about, known)):
            self.world.tell(f"  production runs {to} already")
            return
        self.history.goes_back(about.version)
        yield Point.FREE
        yield from self._roll_back(run, self._rollback_of(about, overtakes=overtakes))
