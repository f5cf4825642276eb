"""Step 1: which version, which commit, and where it stands already."""

import logging
from collections.abc import Iterable

from tasks.evidence import chain_in
from tasks.hold import insist_on_no_hold
from tasks.rules.choice import Choice, Known, Wanted, choose, insist_on_back_merge
from tasks.rules.commits import bump_of
from tasks.rules.errors import NeedsHuman
from tasks.rules.outcomes import given_up, is_away
from tasks.rules.overview import Versions, finished, unfinished
from tasks.rules.phases import Phase
from tasks.rules.release import STAGING, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.settings_approval import Approval
from tasks.rules.versions import Version
from tasks.standing import kind_of, phase_now, production_settings
from tasks.step import ensure, run_url
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)


@ensure("plan")
def plan_release(
    repository: str, wanted: Wanted, *, requested_by: str, reason: str, pinned: str | None = None
) -> Release:
    """Say which release this run is about, and how far it is.

    Args:
        repository: owner/name.
        wanted: an exact version, or which part grows.
        requested_by: the GitHub login of whoever asked; an unfinished release keeps the one it began with.
        reason: for people; may be empty.
        pinned: the version this run chose before it was suspended. It never chooses another one.

    Raises:
        NeedsHuman: nobody knows who asked, another release is unfinished, or there is nothing to release.
    """
    mirror, hub = Mirror(repository).fetch(), GitHubRepo(repository)
    settings = production_settings(mirror)
    known, phases = known_of(mirror, hub, settings)
    choice = Choice(Version.parse(pinned)) if pinned else _chosen(mirror, settings, wanted, known)
    phase = phases.get(choice.version) or phase_now(mirror, hub, settings, choice.version)
    source = mirror.branches()[settings.branches.develop]
    asked = requester_of(hub, choice.version, phase) or requested_by
    if phase < Phase.PUBLISHED:
        insist_on_requester(hub, settings.approval, asked)
    if phase is Phase.PLANNED:
        _insist_on_production_in_develop(mirror, settings, source, given_up=pinned is not None)
    log.info("%s %s is %s", repository, choice.version, phase.words)
    return Release(
        repository=repository,
        version=choice.version,
        phase=phase,
        settings=settings,
        source=source,
        requested_by=asked,
        reason=reason,
        run_url=run_url(),
        previous=known.finished,
        # A run that waited for its back-merges goes on with those that are left.
        already_released=choice.already_released or (phase is Phase.BACK_MERGED and pinned is None),
        given_up=given_up(chain_in(mirror, choice.version)),
    )


def known_of(
    mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings
) -> tuple[Known, dict[Version, Phase]]:
    """What the repository shows about versions, and the phase of each that may be unfinished."""
    versions = _versions(mirror, hub, settings)
    phases = {v: phase_now(mirror, hub, settings, v) for v in versions.to_look_up}
    open_ones = unfinished(phases)
    hotfixes = [v for v in open_ones if kind_of(mirror, settings, v) == "hotfix"]
    newest = finished(versions, phases, lambda v: is_away(chain_in(mirror, v)))
    known = Known(
        highest=versions.highest,
        finished=newest,
        unfinished=[v for v in open_ones if v not in hotfixes],
        hotfixes=hotfixes,
        news=_news(mirror, settings, newest),
    )
    return known, phases


def _versions(mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings) -> Versions:
    names, branches, prefix = settings.branches, mirror.branches(), settings.tag_prefix
    merged = [pull.head for pull in hub.merged_pull_requests(names.production)]
    return Versions(
        tagged=versions_in(mirror.tags(), prefix),
        branched=_begun_in(branches, settings),
        merged=_begun_in(merged, settings),
        outside=versions_in(mirror.tags_outside(branches[names.develop]), prefix),
    )


def _begun_in(branches: Iterable[str], settings: ReleaseSettings) -> set[Version]:
    return {v for name in branches if (v := settings.version_of_branch(name)) is not None}


def _over(mirror: Mirror, version: Version) -> bool:
    """Whether a tagged version was withdrawn or abandoned."""
    return bool(given_up(chain_in(mirror, version)))


def versions_in(names: Iterable[str], prefix: str) -> set[Version]:
    """The versions that tags or branches with this prefix name."""
    return {v for name in names if (v := Version.of_tag(name, prefix)) is not None}


def _news(mirror: Mirror, settings: ReleaseSettings, finished: Version | None) -> bool:
    if finished is None:
        return True
    develop = mirror.branches()[settings.branches.develop]
    return mirror.tree(mirror.tags()[settings.tag(finished)]) != mirror.tree(develop)


def _chosen(mirror: Mirror, settings: ReleaseSettings, wanted: Wanted, known: Known) -> Choice:
    exact = wanted.version
    over = exact is not None and settings.tag(exact) in mirror.tags() and _over(mirror, exact)
    if exact is not None and over and exact not in known.unfinished:
        insist_on_no_hold(mirror, exact)
    develop = mirror.branches()[settings.branches.develop]
    after = mirror.tags()[settings.tag(known.finished)] if known.finished else None
    messages = [c.message for c in mirror.commits(after=after, upto=develop)]
    return choose(wanted, known, auto=bump_of(messages, released=known.finished), over=over)


def requester_of(hub: GitHubRepo, version: Version, phase: Phase) -> str:
    """Who asked for a release that is begun: written into its first deployment record, which nobody can edit."""
    if phase is Phase.PLANNED:
        return ""
    key = f"{hub.slug}@{version}"
    payloads = hub.deployment_payloads(STAGING)
    asked = [str(p.get("requested_by", "")) for p in payloads if p.get("release") == key]
    return asked[-1] if asked else ""


def insist_on_requester(hub: GitHubRepo, approval: Approval, login: str) -> None:
    """Insist that somebody whom GitHub knows asks, wherever reviews are to be verified.

    Raises:
        NeedsHuman: nobody does.
    """
    if not login and approval.policy == "prefect":
        return
    remedy = "start with `requested_by`: the GitHub login of the person who asks for this release"
    if not login:
        raise NeedsHuman("nobody knows who asks, so no review could be verified", remedy)
    if hub.permission(login) == "none":
        raise NeedsHuman(f"GitHub knows nobody called {login} in {hub.slug}", remedy)


def _insist_on_production_in_develop(
    mirror: Mirror, settings: ReleaseSettings, develop: str, *, given_up: bool
) -> None:
    if given_up:
        raise NeedsHuman(
            "the release branch of this run was deleted: the release was given up", "start a new release"
        )
    names = settings.branches
    contained = mirror.is_ancestor(mirror.branches()[names.production], develop)
    insist_on_back_merge(production=names.production, develop=names.develop, contained=contained)
