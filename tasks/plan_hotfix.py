"""Step 1 of a hotfix: what it brings, which number it gets, what it is cut from, and where it stands already."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.evidence import chain_in
from tasks.fix import Onto, fix_of, lacking, put_onto
from tasks.plan_release import insist_on_requester, known_of, requester_of, versions_in
from tasks.rules.errors import NeedsHuman
from tasks.rules.fixes import Base, WantedFix, cut_from, not_shipped, noted_fix, number_after, other_hotfix
from tasks.rules.outcomes import given_up
from tasks.rules.phases import Phase
from tasks.rules.release import Fix, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.versions import Version, highest
from tasks.standing import phase_now, production_settings, shipped_version
from tasks.step import ensure, run_url
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)


@ensure("plan the hotfix")
def plan_hotfix(
    repository: str, wanted: WantedFix, *, requested_by: str, reason: str, pinned: str | None = None
) -> Release:
    """Say which hotfix this run is about, what it brings, and how far it is.

    Args:
        repository: owner/name.
        wanted: the pull request, or the branch.
        requested_by: the GitHub login of whoever asked; an unfinished hotfix keeps the one it began with.
        reason: for people; may be empty.
        pinned: the version this run chose before it was suspended. It never chooses another one.

    Raises:
        NeedsHuman: nobody knows who asked, another hotfix is unfinished, or this cannot become one.
    """
    mirror, hub = Mirror(repository).fetch(), GitHubRepo(repository)
    here = _Here(mirror, hub, production_settings(mirror))
    known, phases = known_of(mirror, hub, here.settings)
    open_ones = {v: phases[v] for v in known.hotfixes}
    version = Version.parse(pinned) if pinned else here.begun(wanted, open_ones)
    if version is not None:
        plan = here.going_on(version)
    else:
        plan = here.new(
            wanted, open_ones, taken={*phases, *versions_in(mirror.tags(), here.settings.tag_prefix)}
        )
    asked = requester_of(hub, plan.version, plan.phase) or requested_by
    if plan.phase < Phase.PUBLISHED and not plan.finished:
        insist_on_requester(hub, here.settings.approval, asked)
    log.info("%s %s, the hotfix of %s, is %s", repository, plan.version, plan.fix.title, plan.phase.words)
    return Release(
        repository=repository,
        version=plan.version,
        phase=plan.phase,
        settings=here.settings,
        source=plan.source,
        requested_by=asked,
        reason=reason,
        run_url=run_url(),
        previous=plan.previous,
        already_released=plan.finished,
        kind="hotfix",
        fix=plan.fix,
        given_up=given_up(chain_in(mirror, plan.version)),
        overtakes=wanted.overtakes,
    )


@dataclass(frozen=True)
class _Plan:
    """What is found out about one hotfix; `finished`: nothing is left to do, `version` has the fix."""

    version: Version
    phase: Phase
    fix: Fix
    source: str = ""
    previous: Version | None = None
    finished: bool = False


@dataclass(frozen=True)
class _Here:
    """The repository, as of the mirror's last fetch."""

    mirror: Mirror
    hub: GitHubRepo
    settings: ReleaseSettings

    def begun(self, wanted: WantedFix, open_ones: Mapping[Version, Phase]) -> Version | None:
        """The unfinished hotfix that was asked to bring this, None where there is none."""
        return next((v for v in open_ones if self._asked(v).get("fix") == wanted.key), None)

    def going_on(self, version: Version) -> _Plan:
        """A hotfix that is begun: what it brings stays what it was asked to bring."""
        phase = phase_now(self.mirror, self.hub, self.settings, version)
        asked = self._asked(version)
        if phase is Phase.PLANNED:
            raise NeedsHuman(
                "the hotfix branch of this run was deleted: the hotfix was given up", "start a new hotfix"
            )
        previous = shipped_version(self.mirror, self.hub, self.settings, before=version)
        return _Plan(
            version,
            phase,
            noted_fix(asked),
            source=str(asked.get("source", "")),
            previous=previous,
        )

    def new(self, wanted: WantedFix, open_ones: Mapping[Version, Phase], *, taken: set[Version]) -> _Plan:
        """A hotfix that is to be cut, or goes on with a branch that somebody made by hand."""
        runs = shipped_version(self.mirror, self.hub, self.settings)
        base = cut_from(self._base(runs), wanted)
        tag = self.settings.tag(base)
        number = number_after(base, taken)
        onto = Onto(tag, self.mirror.tags()[tag], self.settings.hotfix_branch(number))
        fix = fix_of(self.mirror, self.hub, self.settings, wanted, onto)
        if not fix.commits:
            return _Plan(base, Phase.BACK_MERGED, fix, previous=runs, finished=True)
        others = not_shipped(open_ones)
        if others:
            version = self._adopted(others, fix, base)
            return _Plan(version, open_ones[version], fix, source=onto.commit, previous=runs)
        if put_onto(self.mirror, fix, onto) == onto.commit:
            return _Plan(base, Phase.BACK_MERGED, fix, previous=runs, finished=True)
        return _Plan(number, Phase.PLANNED, fix, source=onto.commit, previous=runs)

    def _adopted(self, open_ones: list[Version], fix: Fix, base: Version) -> Version:
        """The hotfix whose branch somebody made by hand, if it holds the fix.

        Raises:
            NeedsHuman: it is another hotfix.
        """
        tips = self.mirror.branches()
        for version in open_ones:
            head = tips.get(self.settings.hotfix_branch(version))
            in_line = (version.major, version.minor) == (base.major, base.minor) and version > base
            if head and in_line and not self._asked(version) and not lacking(self.mirror, fix.commits, head):
                log.info("%s was made by hand, and holds %s", self.settings.hotfix_branch(version), fix.title)
                return version
        other = open_ones[0]
        named = self._asked(other).get("fix", "")
        raise other_hotfix(other, fix.title, fix=named, branch=self.settings.hotfix_branch(other))

    def _base(self, runs: Version | None) -> Base:
        production = self.settings.branches.production
        head, tags = self.mirror.branches()[production], self.mirror.tags()
        outside = set(self.mirror.tags_outside(head))
        newest = highest(versions_in(set(tags) - outside, self.settings.tag_prefix))
        if newest is None:
            return Base(production, runs, None)
        ahead = not self.mirror.is_ancestor(head, tags[self.settings.tag(newest)])
        return Base(production, runs, newest, out=given_up(chain_in(self.mirror, newest)), ahead=ahead)

    def _asked(self, version: Version) -> Mapping[str, Any]:
        """What was noted when a hotfix was asked for; nothing where its branch was made by hand."""
        entry = chain_in(self.mirror, version).last("asked")
        return entry.facts if entry is not None and entry.facts.get("kind") == "hotfix" else {}
