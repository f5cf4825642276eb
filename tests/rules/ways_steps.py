"""What a release and a hotfix do over the tiny world, step by step, with the rules' own decisions."""

from collections.abc import Generator

from ways_production import GoesOn, Point, Production, Run, Steps
from ways_world import DEVELOP, MAIN, SETTINGS, Pull

from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import STOPPED
from tasks.rules.fixes import asked_facts
from tasks.rules.gate import Judgement, Proposed, Verdict
from tasks.rules.outcomes import stopped
from tasks.rules.overview import insist_on_going_up, insist_on_own_number, may_still_go
from tasks.rules.release import Release


class Shipping(Production):
    """From a plan to production and back: what a release and a hotfix have in common."""

    def _to_production(self, run: Run, release: Release) -> GoesOn:
        """True where the release reached production, or was given up: what is left is its way back."""
        while True:
            stop = stopped(self.world.chain(release.name))
            if self._other_waits(release, run):
                return False
            if stop is not None:
                run.pinned = release.name
                if (yield from self._aftermath(run, release, stop)):
                    return True
                continue
            candidate = yield from self._propose(run, release)
            verdict = yield from self._approve(release, candidate)
            if verdict is Verdict.REJECTED:
                return False
            if verdict is Verdict.APPROVED and (yield from self._lock(release, candidate)):
                return True

    def _lock(self, release: Release, candidate: str) -> GoesOn:
        """Under production's lock everything is looked at once more; false where it is to be asked again."""
        if self._look(release, candidate).verdict is not Verdict.APPROVED:
            return False
        self.world.note(release.name, "approved", commit=candidate)
        return (yield from self._ship(release, candidate))

    def _propose(self, run: Run, release: Release) -> Generator[Point, None, str]:
        candidate = yield from self._up_to_date(run, release)
        yield Point.FREE
        self.world.rehearsed.add(candidate)
        pull = self.world.pull_of(release.branch)
        if pull is None:
            self.world.pulls[release.branch] = Pull(candidate)
        elif pull.state == "open":
            pull.head = self.world.git.branches[release.branch]
        self._done(release, f"{candidate} is rehearsed and proposed")
        yield Point.FREE
        return candidate

    def _up_to_date(self, run: Run, release: Release) -> Generator[Point, None, str]:
        git = self.world.git
        while True:
            candidate = self._cut(release)
            run.pinned = release.name
            main = git.branches[MAIN]
            if git.contains(candidate, main) or git.contains(main, candidate):
                return candidate
            if self.mood.conflicts:
                self._done(release, f"waits until somebody has resolved {main} in it")
                yield Point.WAITS
            self._done(release, f"takes {main} in")
            self.world.note(release.name, "brought in", commit=main)
            git.merge(main, release.branch)
            yield Point.FREE

    def _cut(self, release: Release) -> str:
        git, pull = self.world.git, self.world.pull_of(release.branch)
        head = git.branches.get(release.branch)
        if pull is not None and pull.state == "merged":
            return pull.head
        if pull is not None and pull.state == "closed":
            raise NeedsHuman(f"{release.version} was rejected", "push a fix, or delete the branch")
        self._insist_on_number(release)
        if head is None:
            fix = release.fix
            head = git.commit(release.source, change=fix.number) if fix else release.source
            git.branches[release.branch] = head
            self._done(release, f"{release.branch} is cut from {release.source}")
        self._insist_that_it_is_ours(release, head)
        self.world.note(release.name, "asked", **asked_facts(release))
        return head

    def _insist_on_number(self, release: Release) -> None:
        version, git = release.version, self.world.git
        [other] = {SETTINGS.release_branch(version), SETTINGS.hotfix_branch(version)} - {release.branch}
        insist_on_going_up(version, git.tags, branch=release.branch, develop=DEVELOP)
        insist_on_own_number(version, git.tags, branch=release.branch, other=other, branches=git.branches)

    def _insist_that_it_is_ours(self, release: Release, head: str) -> None:
        git = self.world.git
        if git.contains(head, git.branches[MAIN]) or head == release.source:
            return
        if self.world.chain(release.name).last("asked") is None and release.fix is None:
            raise NeedsHuman(f"{release.branch} does not contain {MAIN}", "merge it")

    def _approve(self, release: Release, candidate: str) -> Generator[Point, None, Verdict]:
        while True:
            judgement = self._look(release, candidate)
            if judgement.verdict is Verdict.REJECTED:
                self._done(release, f"rejected, {judgement.because}")
                pull = self.world.pulls.get(release.branch)
                if pull is not None and pull.state == "open":
                    pull.state = "closed"
            if judgement.verdict is Verdict.STOPPED:
                raise NeedsHuman(judgement.because, judgement.remedy)
            if judgement.verdict is not Verdict.WAITING:
                return judgement.verdict
            self._done(release, f"waits, {judgement.because}")
            yield Point.WAITS

    def _look(self, release: Release, candidate: str) -> Judgement:
        git, pull = self.world.git, self.world.pulls[release.branch]
        merged, main = pull.state == "merged", git.branches[MAIN]
        inside = git.contains(candidate, main) or git.contains(main, candidate)
        proposed = Proposed(
            state=pull.state,
            head=pull.head if merged else git.branches.get(release.branch, pull.head),
            base=MAIN,
            approved_before=merged and self._approved(release, candidate),
            overtaken=pull.state == "open" and not inside,
        )
        return self._judge(release, candidate, proposed)

    def _ship(self, release: Release, candidate: str) -> GoesOn:
        """Under production's lock; false where it stopped half way there."""
        git, version, pull = self.world.git, release.version, self.world.pulls[release.branch]
        if pull.state != "merged":
            if not git.contains(candidate, git.branches[MAIN]):
                raise NeedsHuman(f"{MAIN} moved", "merge it")
            git.branches[MAIN] = git.commit(git.branches[MAIN], candidate)
            pull.state, pull.head = "merged", candidate
            self._done(release, f"merged as {git.branches[MAIN]}")
        commit = git.merge_of(candidate)
        yield Point.LOCKED
        if version not in git.tags:
            self.history.tag(version)
            git.tags[version] = commit
        if git.tags[version] != commit:
            raise NeedsHuman(f"the tag {version} is on another commit", "find out who set it")
        yield Point.LOCKED
        try:
            yield from self._deploy(release, commit)
        except NeedsHuman as error:
            self._done(release, f"stops half way in production, {error.problem}")
            self.world.note(release.name, STOPPED, commit=commit, problem=error.problem)
            return False
        self._publish(release)
        yield Point.LOCKED
        return True

    def _back(self, run: Run, release: Release) -> Steps:
        """Develop and every open release contain it; or the run waits for people."""
        git, run.pinned = self.world.git, release.name
        commit, pending = git.tags[release.version], False
        for into in self._destinations(release):
            if self.mood.conflicts and not git.contains(git.branches[into], commit):
                pending = True
                self._done(release, f"waits until somebody has resolved it in {into}")
                continue
            git.merge(commit, into)
            self.world.note(release.name, "back-merged", into=into)
            self._done(release, f"is back in {into}")
        if pending:
            if not self._other_waits(release, run):
                yield Point.WAITS
            return
        head = git.branches.get(release.branch)
        if head is not None and git.contains(git.branches[DEVELOP], head):
            del git.branches[release.branch]

    def _destinations(self, release: Release) -> list[str]:
        versions = self.world.versions()
        names = {SETTINGS.release_branch(v): v for v in versions.branched}
        releases = [v for name, v in names.items() if name in self.world.git.branches]
        later = may_still_go(release.version, releases, versions.tagged)
        pulls = {SETTINGS.release_branch(v): self.world.pull_of(SETTINGS.release_branch(v)) for v in later}
        return [DEVELOP, *(name for name, pull in pulls.items() if pull is None or pull.state == "open")]
