"""What a rollback is about: what production runs, the older version it goes back to, and how far that has come."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from tasks.evidence import chain_in
from tasks.known_state import recorded_of
from tasks.plan_release import insist_on_requester, versions_in
from tasks.rules.errors import NeedsHuman
from tasks.rules.names import Named, named
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, Release
from tasks.rules.rollbacks import Running, before, half_way, phase_of_rollback, still_the_way, way_back
from tasks.rules.settings import ReleaseSettings
from tasks.rules.versions import Version
from tasks.standing import production_settings, withdrawn_versions
from tasks.step import ensure, run_url
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo

log = logging.getLogger(__name__)


@ensure("plan the rollback")
def plan_rollback(
    repository: str,
    to: Version,
    *,
    requested_by: str,
    reason: str,
    overtakes: bool = False,
    pinned: str | None = None,
) -> Release:
    """Say from which version production goes back to `to`, and how far that is.

    Args:
        repository: owner/name.
        to: a version that was released before.
        requested_by: the GitHub login of whoever asked; an unfinished rollback keeps the one it began with.
        reason: for people, and for the evidence; not empty.
        overtakes: it may go to production although another release stopped half way there.
        pinned: what this run was about before it was suspended. It never becomes about something else.

    Raises:
        NeedsHuman: there is no way back to that version, no reason, or nobody knows who asked.
        TryAgain: GitHub did not answer.
    """
    _insist_on_reason(reason)
    mirror, hub = Mirror(repository).fetch(), GitHubRepo(repository)
    settings = production_settings(mirror)
    known = running(mirror, hub, settings)
    about = named(pinned) if pinned else way_back(to, known)
    if about is None or (pinned and not still_the_way(about, known)):
        about = about or Named(to, known.runs)
        log.info("production runs %s already", about.version)
        return _release(mirror, settings, about, requested_by, reason, done=True)
    found = _release(mirror, settings, about, _requester(mirror, hub, about) or requested_by, reason)
    insist_on_requester(hub, found.approval, found.requested_by)
    log.info("%s: production runs %s", found.title, known.runs)
    return replace(found, overtakes=overtakes)


@ensure("plan the rollback of this release")
def rollback_of(release: Release, to: Version | None, reason: str) -> Release:
    """The rollback of a release whose deployment to production did not end well, asked for by who answers the question.

    Args:
        release: the release that stopped.
        to: where to; None is what production ran before.
        reason: why, as it was answered; what stopped the release will do.

    Raises:
        NeedsHuman: there is no way back to that version.
        TryAgain: GitHub did not answer.
    """
    _insist_on_reason(reason)
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    known = running(mirror, hub, release.settings)
    target = to or before(release.version, known)
    about = Named(target, release.version)
    way_back(target, replace(known, stopped=release.version, begun=None))
    asked = _requester(mirror, hub, about) or release.requested_by
    return _release(mirror, release.settings, about, asked, reason)


def running(mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings) -> Running:
    """What production runs, by GitHub's records, and what else decides about a way back; as of the mirror's last fetch.

    Raises:
        NeedsHuman: GitHub has no record of what production runs, or of something that no version names.
    """
    records = hub.deployments_until_success(PRODUCTION)
    tags = mirror.tags()
    versions = {tags[settings.tag(v)]: v for v in sorted(versions_in(tags, settings.tag_prefix))}
    if not records or records[-1].state != "success":
        raise NeedsHuman(
            "GitHub has no record of a deployment to production that ended well, so nobody knows what it runs",
            "release a version; from then on there is a way back to it",
        )
    recorded = recorded_of(records[-1])
    runs = versions.get(recorded.commit) if recorded else None
    if recorded is None or runs is None:
        raise NeedsHuman(
            f"production runs {recorded.commit[:12] if recorded else 'nothing'}, which no version's tag names",
            "find out who deployed it; release a version that contains it, or put its tag back",
        )
    kept = withdrawn_versions(mirror)
    published = {release.tag for release in hub.releases() if not release.draft}
    return Running(
        runs=runs,
        stopped=half_way(_begun_versions(hub, records, versions), runs=runs, holds=kept),
        begun=_begun(mirror, records[-1]),
        tagged=frozenset(versions.values()),
        released=frozenset(v for v in versions.values() if settings.tag(v) in published),
        holds=kept,
    )


def _begun(mirror: Mirror, record: DeploymentRecord) -> Named | None:
    """The rollback that the newest good deployment belongs to, as long as its evidence does not say that it ended."""
    name = str(record.payload.get("release", "")).rpartition("@")[2]
    if not name.startswith("rollback-") or not chain_in(mirror, name).now.entries:
        return None
    return named(name)


def _begun_versions(
    hub: GitHubRepo, records: list[DeploymentRecord], versions: Mapping[str, Version]
) -> list[Version]:
    """The versions whose own deployment was begun since something ended well."""
    found = []
    for record in records[:-1]:
        version = versions.get(record.sha)
        ours = "asks" not in record.payload
        if version is not None and ours and record.payload.get("release") == f"{hub.slug}@{version}":
            found.append(version)
    return found


def _requester(mirror: Mirror, hub: GitHubRepo, about: Named) -> str:
    """Who asked for a rollback that is under way: as GitHub has recorded it, where nobody can edit it."""
    asked = chain_in(mirror, str(about)).now.last("asked")
    if asked is None:
        return ""
    key = f"{hub.slug}@{about}"
    records = [r for r in hub.deployments_until_success(PRODUCTION) if r.payload.get("release") == key]
    # What is inactive was rejected, or asked about another plan: it may be of an earlier rollback of this name.
    recorded = [str(r.payload.get("requested_by", "")) for r in records if r.state != "inactive"]
    return recorded[0] if recorded else str(asked.facts.get("requested_by", ""))


def _release(
    mirror: Mirror,
    settings: ReleaseSettings,
    about: Named,
    requested_by: str,
    reason: str,
    *,
    done: bool = False,
) -> Release:
    return Release(
        repository=mirror.repository,
        version=about.version,
        phase=Phase.PUBLISHED if done else phase_of_rollback(chain_in(mirror, str(about))),
        settings=settings,
        source=mirror.tags()[settings.tag(about.version)],
        requested_by=requested_by,
        reason=" ".join(reason.split()),
        run_url=run_url(),
        already_released=done,
        kind="rollback",
        withdraws=about.withdraws,
    )


def _insist_on_reason(reason: str) -> None:
    if not reason.strip():
        raise NeedsHuman(
            "a rollback needs a reason that others understand", "start it with `reason`: what is wrong"
        )
