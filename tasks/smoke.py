"""Steps 4 and 10: the smoke jobs of a target ended well after this commit was deployed to it."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from tasks.bundles import workspace_of
from tasks.evidence import note
from tasks.known_state import BUNDLES
from tasks.record import ensure_record, ensure_state, failure_recorded, is_shipped
from tasks.rules.errors import NeedsHuman
from tasks.rules.release import PRODUCTION, Candidate, Release, Validated
from tasks.rules.smoke_jobs import absent, jobs_among, smoke_jobs
from tasks.step import ensure
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo

if TYPE_CHECKING:
    from tasks.systems.workspace import Workspace

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0
NOTHING: Mapping[str, str] = MappingProxyType({})


@ensure("smoke {environment}")
def ensure_smoked(
    release: Release,
    candidate: Candidate,
    bundles: tuple[Validated, ...],
    *,
    environment: str,
    left: Mapping[str, str] = NOTHING,
) -> None:
    """The smoke jobs ended well, and GitHub's record of the deployment says success.

    Args:
        release: what is released.
        candidate: what was deployed.
        bundles: what validation found out about them on the target.
        environment: staging or production.
        left: the bundles that were not deployed because nothing of them changed, by folder: the commit that the target
            names for each. Their smoke jobs do not run.

    Raises:
        NeedsHuman: a smoke job failed; the text has its page.
        TryAgain: the workspace does not answer.
    """
    hub = GitHubRepo(release.repository)
    if is_shipped(release, hub, environment, candidate.commit):
        return
    record = ensure_record(release, hub, environment, candidate.commit)
    with failure_recorded(release, hub, record, "smoke"):
        found = _found(release, candidate, bundles, environment, left)
        runs = {job.name: _smoke(release, candidate, job, record=record) for job in found.jobs}
    facts = {
        "target": release.target(environment),
        "commit": candidate.commit,
        "runs": runs,
        **({"absent": list(found.absent)} if found.absent else {}),
        **_named(candidate, bundles, left),
        "deployment": record.id,
    }
    note(release.repository, release.name, "smoked" if environment == PRODUCTION else "rehearsed", facts)
    ensure_state(release, hub, record, "success", f"{release.version} is deployed and tested")


def _named(
    candidate: Candidate, bundles: tuple[Validated, ...], left: Mapping[str, str]
) -> dict[str, object]:
    """Which commit each of several bundles names now: later looks compare the target with it."""
    if len(bundles) == 1:
        return {}
    named = {
        v.bundle: {"root_path": v.root_path, "commit": left.get(v.bundle, candidate.commit)} for v in bundles
    }
    return {BUNDLES: named}


@dataclass(frozen=True)
class _Job:
    """A smoke job: its number in the workspace, and what people call it, with its bundle where there are several."""

    id: int
    name: str


@dataclass(frozen=True)
class _Found:
    """The smoke jobs of the bundles that were deployed, and the keys that a rollback's older version has no job for."""

    jobs: tuple[_Job, ...]
    absent: tuple[str, ...] = ()


def _found(
    release: Release,
    candidate: Candidate,
    bundles: tuple[Validated, ...],
    environment: str,
    left: Mapping[str, str],
) -> _Found:
    production = environment == PRODUCTION
    # What guards production is read from production's branch, so a release cannot drop its own smoke tests.
    keys = release.settings.smoke.production if production else candidate.settings.smoke.staging
    workspace = workspace_of(release.target(environment))
    ids = {v.bundle: workspace.state_ids(v.root_path) for v in bundles} if keys else {}
    jobs = {folder: jobs_among(known) for folder, known in ids.items()}
    missing = absent(keys, jobs) if release.kind == "rollback" else []
    if missing:
        log.warning("%s has no job with the key %s: not tested by it", release.version, ", ".join(missing))
    there = smoke_jobs([key for key in keys if key not in missing], jobs, target=workspace.target.name)
    for folder, key in there:
        if folder in left:
            log.info("the smoke job %s of %s does not run: nothing of the bundle changed", key, folder)
    found = (
        _Job(int(ids[folder][f"resources.jobs.{key}"]), f"{folder}:{key}" if len(bundles) > 1 else key)
        for folder, key in there
        if folder not in left
    )
    return _Found(tuple(found), tuple(missing))


def _smoke(release: Release, candidate: Candidate, job: _Job, *, record: DeploymentRecord) -> str:
    """Let the smoke job run; returns the page of the run that ended well."""
    environment = record.environment
    workspace = workspace_of(release.target(environment))
    minutes = candidate.settings.smoke.within_minutes
    # Of this deployment: what went well there before, and was deployed again, is tested again.
    run = _this_run(
        workspace, job.id, f"{release.key} {candidate.commit} {environment} {record.id} {job.name}"
    )
    outcome = workspace.await_run(run, within_seconds=minutes * 60, every_seconds=LOOK_EVERY_SECONDS)
    log.info("%s\n%s", outcome.url, outcome.output)
    if not outcome.succeeded:
        where = "the next version" if environment == PRODUCTION else "the release branch"
        raise NeedsHuman(
            f"the smoke job {job.name} failed on {environment}: {outcome.state} {outcome.message}\n  {outcome.url}",
            f"{environment} runs {candidate.commit[:12]}. Look at the job's output: retry runs it again,"
            f" a fix goes into {where}",
        )
    return outcome.url


def _this_run(workspace: "Workspace", job: int, purpose: str) -> int:
    """The run to wait for: one that was started before and is under way or ended well, else a new one.

    The token makes the n-th start for this purpose one run, however often it is asked for. A run that had
    failed when we first look at it belongs to an earlier attempt.
    """
    attempt = 1
    while True:
        token = hashlib.sha256(f"{purpose} {attempt}".encode()).hexdigest()
        run = workspace.start_run(job, token)
        now = workspace.outcome(run)
        if now is None or now.succeeded:
            return run
        log.info("attempt %d failed before: %s", attempt, now.url)
        attempt += 1
