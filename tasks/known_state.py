"""Before production is asked about, and again before it is touched: it is as the last release left it."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tasks.bundles import bundle_clis, plan_without_secrets, workspace_of
from tasks.evidence import chain_in
from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.rules.evidence import Chain, Entry
from tasks.rules.known_state import Place, Recorded, by_hand, insist_on_order
from tasks.rules.labels import VERBS, label
from tasks.rules.names import Named, named
from tasks.rules.plans import Plan
from tasks.rules.release import PRODUCTION, Candidate, Release, Validated
from tasks.running import commits_of, running_bundles
from tasks.standing import half_way_in_production, settings_at
from tasks.step import ensure
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo

log = logging.getLogger(__name__)

ADOPTED = "adopted"  # what stands where the version stands in the record of a release
ADOPTS = "adopts"  # what the payload of a record names that took over a deployment made by hand
BUNDLES = "bundles"  # which commit each bundle names, in the evidence and in such a payload
_MOST = 20  # changes that are named


def insist_on_known_state(
    release: Release, candidate: Candidate, bundles: tuple[Validated, ...]
) -> Recorded | None:
    """Insist that production runs what the last release left there, and that the candidate contains it; returns that.

    A bundle of which the last release changed nothing still names an older commit. A rollback goes back on purpose:
    only what was deployed by hand stops it.

    Raises:
        NeedsHuman: somebody deployed by hand, or what runs there is newer.
        TryAgain: the workspace does not answer.
    """
    hub, mirror = GitHubRepo(release.repository), Mirror(release.repository)
    recorded, tags = recorded_in(mirror, hub.newest_successful_deployment(PRODUCTION)), mirror.tags()
    # A rollback also finds there what it withdraws, where that did not end well.
    known = (release.settings.tag(v) for v in (release.version, release.withdraws) if v)
    ours = {candidate.commit, *(tags[tag] for tag in known if tag in tags)}
    for bundle in bundles:
        runs = workspace_of(bundle.target).deployed_commit(bundle.root_path)
        place = _place(release, candidate, bundle, runs)
        if recorded is not None:
            place = _compared(place, bundle, recorded, several=len(bundles) > 1)
        if recorded is not None and by_hand(place, recorded, ours):
            stop = half_way_in_production(Named(release.version, release.withdraws), hub, mirror)
            if stop is not None and stop.commit == runs:
                place = replace(
                    place, half_way=True
                )  # the gate keeps it away, unless it says that it overtakes
            else:
                place = replace(place, difference=_difference(release, bundle, recorded.commit))
        insist_on_order(place, recorded, ours, version=str(release.version))
    return recorded


@ensure("look whether production runs it")
def insist_on_running(release: Release) -> None:
    """Insist that production's workspace says itself that it runs this version.

    Raises:
        NeedsHuman: it says something else: somebody deployed by hand.
        TryAgain: the workspace does not answer.
    """
    mirror = Mirror(release.repository).fetch()
    commit = mirror.tags()[release.tag]
    runs = running_bundles(mirror, release.settings, commit, release.target(PRODUCTION))
    recorded = recorded_in(mirror, GitHubRepo(release.repository).newest_successful_deployment(PRODUCTION))
    # What was taken over may be half of it only: then nothing but the version's own commit counts.
    left = recorded if recorded and recorded.commit == commit and not recorded.adopted else Recorded(commit)
    if not all(left.left(one) for one in runs):
        named = ", ".join(one[:12] for one in commits_of(runs)) or "nothing that its metadata names"
        raise NeedsHuman(
            f"GitHub's record says that production runs {release.version} ({commit[:12]}), but it runs {named}:"
            " somebody deployed by hand",
            f"find out who and why; deploy the tag {release.tag} again by hand, or take over what is there and"
            " release a version: dabflow adopt --reason TEXT",
        )


def recorded_of(record: DeploymentRecord | None) -> Recorded | None:
    """What the newest successful record of production says that runs there."""
    if record is None:
        return None
    adopts = record.payload.get(ADOPTS)
    return (
        Recorded(str(adopts), adopted=True, bundles=_named(record.payload.get(BUNDLES)))
        if adopts
        else Recorded(record.sha)
    )


def recorded_in(mirror: Mirror, record: DeploymentRecord | None) -> Recorded | None:
    """The same, with the commit that each bundle was left at, as the evidence of that deployment has it."""
    recorded = recorded_of(record)
    if record is None or recorded is None:
        return None
    known = recorded.bundles if recorded.adopted else _noted(mirror, record)
    return replace(recorded, bundles=known, folders=folders_at(mirror, recorded.commit))


def folders_at(mirror: Mirror, commit: str) -> frozenset[str] | None:
    """The bundle folders of a commit; None where that cannot be told."""
    try:
        return frozenset(settings_at(mirror, commit).bundles) if mirror.has(commit) else None
    except ReleaseError as error:
        log.info("which bundles %s has could not be found out: %s", commit[:12], error.problem)
        return None


def _noted(mirror: Mirror, record: DeploymentRecord) -> Mapping[str, str]:
    """What a deployment left each bundle at, by root path; nothing where it had one bundle, or has no evidence."""
    name = str(record.payload.get("release", "")).rpartition("@")[2]
    if not name:
        return {}
    chain = chain_in(mirror, name)
    entry = _entry_of(chain, record)
    if entry is None and chain.entries:  # it may have ended since the last fetch
        entry = _entry_of(chain_in(mirror.fetch(), name), record)
    found: Mapping[str, Mapping[str, Any]] = (entry.facts.get(BUNDLES) if entry else None) or {}
    return {str(one["root_path"]): str(one["commit"]) for one in found.values()}


def _entry_of(chain: Chain, record: DeploymentRecord) -> Entry | None:
    """What was noted when that deployment had ended well."""
    found = (chain.last(kind, deployment=record.id) for kind in ("smoked", "rehearsed"))
    return next((entry for entry in found if entry is not None), None)


def _named(payload: object) -> Mapping[str, str]:
    return {str(key): str(value) for key, value in payload.items()} if isinstance(payload, dict) else {}


def _compared(place: Place, bundle: Validated, recorded: Recorded, *, several: bool) -> Place:
    """The place with what the last release left there."""
    left = recorded.of(bundle.bundle, bundle.root_path)
    return replace(
        place,
        bundle=bundle.bundle if several else "",
        left=left if left is not None and left != recorded.commit else "",
        added=left is None,
    )


def version_of_record(record: DeploymentRecord) -> str:
    """The version that a record is about; after a rollback the one that went back there. "" where it names none."""
    name = str(record.payload.get("release", "")).rpartition("@")[2]
    if not name:
        return str(record.payload.get("version", ""))
    return name if name == ADOPTED else str(named(name).version)


def _place(release: Release, candidate: Candidate, bundle: Validated, runs: str | None) -> Place:
    mirror = Mirror(release.repository)
    known = runs is None or mirror.has(runs)
    contained = runs is None or (known and mirror.is_ancestor(runs, candidate.commit))
    return Place(bundle.target, runs, known, contained or release.kind == "rollback")


def _difference(release: Release, bundle: Validated, commit: str) -> str:
    """What a deploy of the recorded commit would change back, a line each; "" where that cannot be found out."""
    mirror = Mirror(release.repository)
    settings = settings_at(mirror, commit).model_copy(update={"bundles": (bundle.bundle,)})
    before = Candidate(commit, mirror.tree(commit), settings)
    try:
        with bundle_clis(release, before, bundle.target) as clis:
            plan = Plan.of_object(plan_without_secrets(clis[0], bundle))
    except ReleaseError as error:
        log.info("what was changed by hand could not be found out: %s", error.problem)
        return ""
    lines = [f"  {VERBS[change.action]} {label(change)}" for change in plan.changes]
    more = [f"  and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return "\n".join([*lines[:_MOST], *more])
