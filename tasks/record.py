"""What GitHub knows about a deployment: one record per environment, commit and release, with its state."""

from collections.abc import Iterator
from contextlib import contextmanager

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.release import PRODUCTION, Release
from tasks.rules.texts import deployment_text
from tasks.standing import deployed_records
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo

_OPEN = {"", "pending", "queued", "in_progress", "waiting"}


def ensure_record(release: Release, hub: GitHubRepo, environment: str, commit: str) -> DeploymentRecord:
    """GitHub has a record of this release's deployment of `commit`; its payload says who asked, for good.

    Raises:
        TryAgain: GitHub does not show it yet.
    """
    found = record_of(release, hub, environment, commit)
    if found is None:
        payload = {"release": release.key, "requested_by": release.requested_by, "reason": release.reason}
        hub.create_deployment(environment, commit, payload, text=deployment_text(release, environment))
        found = record_of(release, hub, environment, commit)
    if found is None:
        raise TryAgain(
            "GitHub does not show the deployment's record yet", "nothing now: it is looked at again"
        )
    return found


def ensure_state(release: Release, hub: GitHubRepo, record: DeploymentRecord, state: str, text: str) -> None:
    """The record's newest status is `state`."""
    if record.state != state:
        hub.set_deployment_status(record.id, state, text=text, url=release.run_url)


def open_records(
    release: Release, hub: GitHubRepo, environment: str, *, asks: bool
) -> list[DeploymentRecord]:
    """A release's records of an environment that came to no end yet: those that ask people, or the others."""
    found = hub.deployments_of(environment, release.key)
    return [record for record in found if record.state in _OPEN and ("asks" in record.payload) is asks]


def ensure_nothing_asked(release: Release, hub: GitHubRepo, why: str) -> None:
    """No record of production says any more that it waits for an approval of this release.

    What is asked later is asked by a new record, with a time and a deadline of its own.
    """
    for record in open_records(release, hub, PRODUCTION, asks=True):
        ensure_state(release, hub, record, "inactive", why)


def ensure_nothing_begun(release: Release, hub: GitHubRepo, why: str) -> None:
    """No record of production that did not end well is this release's any more: another try has one of its own."""
    for record in hub.deployments_of(PRODUCTION, release.key):
        if record.state != "success":
            ensure_state(release, hub, record, "inactive", why)


@contextmanager
def failure_recorded(
    release: Release, hub: GitHubRepo, record: DeploymentRecord, what: str
) -> Iterator[None]:
    """Whatever stops inside for good is told to GitHub as a failed deployment."""
    try:
        yield
    except NeedsHuman as error:
        hub.set_deployment_status(record.id, "failure", text=f"{what}: {error.problem}", url=release.run_url)
        raise


def record_of(release: Release, hub: GitHubRepo, environment: str, commit: str) -> DeploymentRecord | None:
    """The record of this release's deployment of `commit`, if GitHub has it.

    In production only one that nothing else has followed well: what went there before, and is to go there again, is
    another deployment. There a record that is inactive is of a rollback that was rejected.
    """
    if environment == PRODUCTION:
        since = hub.deployments_until_success(environment)
        found = [r for r in since if r.sha == commit and r.state != "inactive"]
    else:
        found = hub.deployments(environment, commit)
    ours = (r for r in found if r.payload.get("release") == release.key and "asks" not in r.payload)
    return next(ours, None)


def is_shipped(release: Release, hub: GitHubRepo, environment: str, commit: str) -> bool:
    """Whether `commit` is deployed there and tested, so that nothing is left to do.

    Staging need only have run it once, for any release. In production it must be what was deployed last, by this release.
    """
    if environment != PRODUCTION:
        return bool(deployed_records(hub, environment, commit))
    found = record_of(release, hub, environment, commit)
    return found is not None and found.state == "success"
