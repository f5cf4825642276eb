"""Steps 4 and 10: the smoke jobs of a target ended well after this commit was deployed to it."""

import hashlib
import logging

from tasks.bundles import workspace_of
from tasks.evidence import note
from tasks.record import ensure_record, ensure_state, failure_recorded, is_shipped
from tasks.rules.errors import NeedsHuman
from tasks.rules.release import PRODUCTION, Candidate, Release, Validated
from tasks.step import ensure
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo
from tasks.systems.workspace import Workspace

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0


@ensure("smoke {environment}")
def ensure_smoked(
    release: Release, candidate: Candidate, bundles: tuple[Validated, ...], *, environment: str
) -> None:
    """The smoke jobs ended well, and GitHub's record of the deployment says success.

    Raises:
        NeedsHuman: a smoke job failed; the text has its page.
        TryAgain: the workspace does not answer.
    """
    hub = GitHubRepo(release.repository)
    if is_shipped(release, hub, environment, candidate.commit):
        return
    record = ensure_record(release, hub, environment, candidate.commit)
    with failure_recorded(release, hub, record, "smoke"):
        runs = {
            key: _smoke(release, candidate, bundles, record=record, key=key)
            for key in _jobs(release, candidate, environment)
        }
    facts = {"target": release.target(environment), "commit": candidate.commit, "runs": runs}
    kind = "smoked" if environment == PRODUCTION else "rehearsed"
    note(release.repository, release.name, kind, {**facts, "deployment": record.id})
    ensure_state(release, hub, record, "success", f"{release.version} is deployed and tested")


def _jobs(release: Release, candidate: Candidate, environment: str) -> tuple[str, ...]:
    # What guards production is read from production's branch, so a release cannot drop its own smoke tests.
    return (
        release.settings.smoke.production if environment == PRODUCTION else candidate.settings.smoke.staging
    )


def _smoke(
    release: Release,
    candidate: Candidate,
    bundles: tuple[Validated, ...],
    *,
    record: DeploymentRecord,
    key: str,
) -> str:
    """Let the smoke job run; returns the page of the run that ended well."""
    environment = record.environment
    workspace = workspace_of(release.target(environment))
    job = _job(workspace, bundles, key)
    minutes = candidate.settings.smoke.within_minutes
    # Of this deployment: what went well there before, and was deployed again, is tested again.
    run = _this_run(workspace, job, f"{release.key} {candidate.commit} {environment} {record.id} {key}")
    outcome = workspace.await_run(run, within_seconds=minutes * 60, every_seconds=LOOK_EVERY_SECONDS)
    log.info("%s\n%s", outcome.url, outcome.output)
    if not outcome.succeeded:
        where = "the next version" if environment == PRODUCTION else "the release branch"
        raise NeedsHuman(
            f"the smoke job {key} failed on {environment}: {outcome.state} {outcome.message}\n  {outcome.url}",
            f"{environment} runs {candidate.commit[:12]}. Look at the job's output: retry runs it again,"
            f" a fix goes into {where}",
        )
    return outcome.url


def _this_run(workspace: Workspace, job: int, purpose: str) -> int:
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


def _job(workspace: Workspace, bundles: tuple[Validated, ...], key: str) -> int:
    for bundle in bundles:
        found = workspace.state_ids(bundle.root_path).get(f"resources.jobs.{key}")
        if found is not None:
            return int(found)
    raise NeedsHuman(
        f"{workspace.target.name} has no job with the key {key}",
        "name a job of the bundle under `smoke` in release.yaml",
    )
