"""Steps 4 and 10: the smoke jobs of a target ended well after this commit was deployed to it."""

import hashlib
import logging
from itertools import count

from tasks.bundles import bundle_clis, deployer_of, validated, workspace_of
from tasks.record import ensure_record, ensure_state, failure_recorded
from tasks.rules.errors import NeedsHuman
from tasks.rules.release import PRODUCTION, Candidate, Release, Validated
from tasks.standing import deployed_records
from tasks.step import ensure
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.workspace import RunOutcome, Workspace

log = logging.getLogger(__name__)


@ensure("smoke {environment}")
def ensure_smoked(release: Release, candidate: Candidate, *, environment: str) -> None:
    """The smoke jobs ended well, and GitHub's record of the deployment says success.

    Raises:
        NeedsHuman: a smoke job failed; the text has its page.
        TryAgain: the workspace does not answer.
    """
    hub = GitHubRepo(release.repository)
    if deployed_records(hub, environment, candidate.commit):
        return
    record = ensure_record(release, hub, environment, candidate.commit)
    with failure_recorded(release, hub, record, "smoke"):
        for key in _jobs(release, candidate, environment):
            _smoke(release, candidate, environment, key)
    ensure_state(release, hub, record, "success", f"{release.version} is deployed and tested")


def _jobs(release: Release, candidate: Candidate, environment: str) -> tuple[str, ...]:
    # What guards production is read from production's branch, so a release cannot drop its own smoke tests.
    return (
        release.settings.smoke.production if environment == PRODUCTION else candidate.settings.smoke.staging
    )


def _smoke(release: Release, candidate: Candidate, environment: str, key: str) -> None:
    target = release.target(environment)
    workspace = workspace_of(target)
    job = _job(release, candidate, target, key)
    minutes = candidate.settings.smoke.within_minutes
    run = _this_run(workspace, release, candidate, environment, key, job)
    outcome = workspace.await_run(run, within_seconds=minutes * 60, every_seconds=_pause(minutes))
    log.info("%s\n%s", outcome.url, outcome.output)
    if not outcome.succeeded:
        raise NeedsHuman(
            f"the smoke job {key} failed on {environment}: {outcome.state} {outcome.message}\n  {outcome.url}",
            f"{environment} runs {candidate.commit[:12]}. Look at the job's output; retry runs it again, a fix needs"
            " a new commit"
            + (" (the next version)" if environment == PRODUCTION else " on the release branch"),
        )


def _this_run(
    workspace: Workspace, release: Release, candidate: Candidate, environment: str, key: str, job: int
) -> int:
    """The run to wait for: one that was started before and is under way or ended well, else a new one.

    The token makes the n-th start of a job for this commit one run, however often it is asked for. A run that
    had failed before we looked belongs to an earlier attempt.
    """
    for attempt in count(1):
        token = hashlib.sha256(
            f"{release.key} {candidate.commit} {environment} {key} {attempt}".encode()
        ).hexdigest()
        run = workspace.start_run(job, token)
        now: RunOutcome | None = workspace.outcome(run)
        if now is None or now.succeeded:
            return run
        log.info("attempt %d of %s failed before: %s", attempt, key, now.url)
    raise AssertionError("unreachable")


def _job(release: Release, candidate: Candidate, target: str, key: str) -> int:
    workspace = workspace_of(target)
    for bundle in _bundles(release, candidate, target):
        job = workspace.job_id(bundle.root_path, key)
        if job is not None:
            return job
    raise NeedsHuman(
        f"{target} has no job with the key {key}", "name a job of the bundle under `smoke` in release.yaml"
    )


def _bundles(release: Release, candidate: Candidate, target: str) -> list[Validated]:
    with bundle_clis(release, candidate, target) as clis:
        deployer = deployer_of(target)
        return [validated(cli, deployer=deployer) for cli in clis]


def _pause(minutes: int) -> float:
    """Seconds between two looks: short tests are looked at often."""
    return 1.0 if minutes <= 30 else 10.0  # noqa: PLR2004
