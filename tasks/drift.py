"""What was changed by hand on a target: each bundle is planned at the very commit that is deployed there.

A look writes nothing to the workspace, and holds no lock: while something is being deployed it says so instead. What
was seen last is kept in a git ref on GitHub, `refs/dabflow/drift/<environment>`, a commit for each look, so that it
outlives Prefect and `dabflow status` finds it without it.
"""

import json
import logging
from dataclasses import replace

from tasks.bundles import (
    bundle_clis,
    deployer_of,
    insist_on_a_state,
    plan_without_secrets,
    validated,
    workspace_of,
)
from tasks.known_state import recorded_in, version_of_record
from tasks.notify import tell
from tasks.rules.drift import BundleLook, Look, besides, changed_by_hand
from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.rules.evidence import canonical
from tasks.rules.known_state import Recorded
from tasks.rules.news import drift_found
from tasks.rules.phases import Phase
from tasks.rules.plans import Plan
from tasks.rules.release import PRODUCTION, STAGING, BundleRuns, Candidate, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.settings_news import recipients
from tasks.rules.versions import Version
from tasks.running import running_bundles
from tasks.standing import production_settings, settings_at
from tasks.step import ensure, run_url
from tasks.systems import clock, connections
from tasks.systems.git_ledger import Addition, Ledger
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo
from tasks.systems.scrub import Scrubber

log = logging.getLogger(__name__)

KEPT = "refs/dabflow/drift/"
FILE = "drift.json"


@ensure("look at {environment}")
def ensure_looked_at(repository: str, environment: str) -> Look:
    """The target was looked at, what was seen is kept, and whom the settings name was told of drift that is new.

    A target that cannot be looked at is no error: the look says why. What was seen before then stays kept.

    Raises:
        TryAgain: GitHub does not answer.
        NeedsHuman: GitHub refuses us, or release.yaml has mistakes.
    """
    mirror, hub = Mirror(repository).fetch(), GitHubRepo(repository)
    settings = production_settings(mirror)
    look = kept(mirror, look_at(mirror, hub, settings, environment))
    if look.drifted:
        blocks = recipients(settings.notifications, "drift", None)
        tell(mirror, f"drift-{environment}", drift_found(repository, look, run_url()), blocks)
    return look


@ensure("look which targets there are")
def environments_now(repository: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The environments that are meant by these names, as release.yaml has them now."""
    return environments_of(production_settings(Mirror(repository).fetch()), names)


def looked_at_now(repository: str, names: tuple[str, ...]) -> tuple[tuple[Look, ...], str]:
    """What somebody finds who looks at these targets now; why it could not be kept on GitHub, "" where it is.

    Nobody is told of it: whoever looks has seen it.

    Raises:
        TryAgain: GitHub does not answer.
        NeedsHuman: GitHub refuses us, release.yaml has mistakes, or a name is no target.
    """
    mirror, hub = Mirror(repository).fetch(), GitHubRepo(repository)
    settings = production_settings(mirror)
    looks = [look_at(mirror, hub, settings, name) for name in environments_of(settings, names)]
    try:
        return tuple(kept(mirror, look) for look in looks), ""
    except ReleaseError as error:
        return tuple(looks), f"it is not kept where `dabflow status` reads it: {error.problem}"


def environments_of(settings: ReleaseSettings, names: tuple[str, ...]) -> tuple[str, ...]:
    """The environments that are meant by these names, of environments or of targets; both where none is named.

    Raises:
        NeedsHuman: a name is neither.
    """
    known = {STAGING: STAGING, PRODUCTION: PRODUCTION}
    known |= {settings.targets.staging: STAGING, settings.targets.production: PRODUCTION}
    for name in names:
        if name not in known:
            raise NeedsHuman(
                f"{name} is no target that releases go to", f"name one of {', '.join(sorted(known))}"
            )
    found = {known[name] for name in names} or {STAGING, PRODUCTION}
    return tuple(environment for environment in (STAGING, PRODUCTION) if environment in found)


def last_look(mirror: Mirror, environment: str) -> Look | None:
    """What was seen there last, as of the mirror's last fetch; None where nothing was, or it cannot be read.

    A look that came to nothing is not kept.
    """
    try:
        ledger = Ledger(mirror, f"{KEPT}{environment}")
        return _kept_at(ledger, ledger.head)
    except ReleaseError as error:
        log.warning("%s", error.problem)
        return None


def kept(mirror: Mirror, look: Look) -> Look:
    """GitHub holds what was seen; the look, which then knows since when drift is there.

    Raises:
        TryAgain: GitHub did not answer.
        NeedsHuman: our token may not write.
    """
    if look.problem:
        return look

    def added_to(_: str | None) -> tuple[Look, Addition | None]:
        before = last_look(mirror, look.environment)
        if before is not None and (before.at, before.fingerprint) == (look.at, look.fingerprint):
            return before, None
        longer = look.after(before)
        return longer, Addition({FILE: canonical(longer.to_json())}, look.at, f"drift: {look.target}")

    return Ledger(mirror, f"{KEPT}{look.environment}").ensure(added_to)


def look_at(mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, environment: str) -> Look:
    """What was changed by hand there, looked up now; the mirror is fetched. Why not, where it cannot be looked up."""
    target = settings.targets.production if environment == PRODUCTION else settings.targets.staging
    look = Look(environment, target, clock.now().replace(microsecond=0))
    try:
        record = hub.newest_successful_deployment(environment)
        if record is None:
            return replace(look, problem="no release was deployed there yet")
        look = replace(look, version=version_of_record(record))
        if (under_way := _under_way(hub, environment)) is not None:
            return replace(look, problem=f"{under_way} is being deployed there")
        bundles = _bundles(mirror, hub, settings, record, look)
        if _under_way(hub, environment) is not None:
            return replace(look, problem="a deploy began while it was looked at")
        return replace(look, bundles=bundles)
    except ReleaseError as error:
        text = Scrubber(connections.known_secrets()).text(error.problem)
        return replace(look, problem=" ".join(text.split()))


def _under_way(hub: GitHubRepo, environment: str) -> str | None:
    """What is being deployed there or tested now, as GitHub's records say; None where nothing is."""
    since = hub.deployments_since_success(environment)
    return next((version_of_record(r) or r.sha[:12] for r in since if r.state == "in_progress"), None)


def _bundles(
    mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, record: DeploymentRecord, look: Look
) -> tuple[BundleLook, ...]:
    recorded = recorded_in(mirror, record)
    runs = running_bundles(mirror, settings, record.sha, look.target)
    # A release that stopped half way has left its commit there: nobody did that by hand.
    ours = {one.sha for one in hub.deployments_since_success(look.environment)}
    return tuple(_bundle(mirror, settings, look.target, one, _instead(one, recorded, ours)) for one in runs)


def _instead(runs: BundleRuns, recorded: Recorded | None, ours: set[str]) -> str:
    """The commit that the last release left there, where somebody deployed another one by hand; else ""."""
    if recorded is None or runs.commit is None or runs.commit in ours or recorded.left(runs):
        return ""
    return recorded.of(runs.bundle, runs.root_path) or recorded.commit


def _bundle(
    mirror: Mirror, settings: ReleaseSettings, target: str, runs: BundleRuns, instead: str
) -> BundleLook:
    look = BundleLook(runs.bundle, runs.commit or "", instead=instead)
    if runs.commit is None:
        return replace(look, problem="nothing is deployed there")
    if not mirror.has(runs.commit):
        return replace(look, problem=f"the repository does not have the commit {runs.commit[:12]}")
    plan, known = _planned(mirror, settings, target, runs, runs.commit)
    found = changed_by_hand(plan, known)
    return replace(look, resources=found, besides=besides(plan, found))


def _planned(
    mirror: Mirror, settings: ReleaseSettings, target: str, runs: BundleRuns, commit: str
) -> tuple[Plan, frozenset[str]]:
    """What a deploy of the deployed commit would do, and what the target's state knows."""
    at = settings_at(mirror, commit).model_copy(update={"bundles": (runs.bundle,)})
    candidate, subject = Candidate(commit, mirror.tree(commit), at), _subject(mirror, settings, commit)
    with bundle_clis(subject, candidate, target) as clis:
        bundle = validated(clis[0], deployer=deployer_of(target))
        if bundle.root_path != runs.root_path:
            raise NeedsHuman(
                f"{runs.bundle} at {commit[:12]} is deployed to {bundle.root_path}, but {runs.root_path} names that"
                " commit",
                "find out who deployed it there, and deploy the released tag again",
            )
        plan = Plan.of_object(plan_without_secrets(clis[0], bundle))
        insist_on_a_state(bundle, plan, commit)
    return plan, frozenset(workspace_of(target).state_ids(runs.root_path))


def _subject(mirror: Mirror, settings: ReleaseSettings, commit: str) -> Release:
    nothing = Version(0, 0, 0)
    return Release(mirror.repository, nothing, Phase.PLANNED, settings, commit, requested_by="", reason="")


def _kept_at(ledger: Ledger, head: str | None) -> Look | None:
    data = ledger.mirror.read_bytes(head, FILE) if head else None
    if data is None:
        return None
    try:
        return Look.of_json(json.loads(data))
    except ValueError as error:
        raise NeedsHuman(f"{ledger.name} does not hold what was seen", "look again: dabflow drift") from error
