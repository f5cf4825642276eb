"""Steps 4 and 9: a target runs the commit, proved by its state, an empty plan and the commit in its metadata.

The deploy lock of `databricks` does not make deploys exclusive, because the state is read before the lock is
taken: our own lock encloses this whole step.
"""

import logging

from tasks.bundles import bundle_clis, deployer_of, workspace_of
from tasks.record import ensure_record, ensure_state, failure_recorded
from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.rules.plans import Plan
from tasks.rules.release import PRODUCTION, Candidate, Release, Validated
from tasks.standing import deployed_records
from tasks.step import ensure, stop_if_cancelled
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.workspace import Workspace

log = logging.getLogger(__name__)


@ensure("deploy {environment}")
def ensure_deployed(
    release: Release, candidate: Candidate, bundles: tuple[Validated, ...], *, environment: str
) -> None:
    """Every bundle of the candidate is deployed to the environment's target.

    Staging that rehearsed this commit once is left alone: it may run something else by now.

    Raises:
        NeedsHuman: the target is not as we left it, or the deploy did not end well; nothing is repeated blindly.
        TryAgain: the workspace does not answer.
    """
    hub = GitHubRepo(release.repository)
    if deployed_records(hub, environment, candidate.commit):
        log.info("%s was deployed to %s before", candidate.commit[:12], environment)
        return
    with bundle_clis(release, candidate, release.target(environment)) as clis:
        _insist_on_same_deployer(bundles)
        record = ensure_record(release, hub, environment, candidate.commit)
        with failure_recorded(release, hub, record, "deploy"):
            for bundle in bundles:
                _insist_on_known_state(release, candidate, bundle, environment)
            stop_if_cancelled()
            ensure_state(release, hub, record, "in_progress", f"{release.version} is being deployed")
            for cli, bundle in zip(clis, bundles, strict=True):
                _deploy(cli, bundle, candidate)


def _insist_on_same_deployer(bundles: tuple[Validated, ...]) -> None:
    """Another identity has other folders, and would make every job a second time."""
    for bundle in bundles:
        now = deployer_of(bundle.target)
        if now != bundle.deployer:
            raise NeedsHuman(
                f"{bundle.target} was validated as {bundle.deployer}, but we are {now} now",
                "give the worker the service principal that always deploys there, then retry",
            )


def _insist_on_known_state(
    release: Release, candidate: Candidate, bundle: Validated, environment: str
) -> None:
    """Stop where the target is not what our records say; the CLI would believe it and make things twice."""
    workspace = workspace_of(bundle.target)
    _insist_on_no_orphans(workspace, bundle)
    runs = workspace.deployed_commit(bundle.root_path)
    if environment != PRODUCTION:
        return
    last = GitHubRepo(release.repository).newest_successful_deployment(environment)
    if last is not None and runs not in {last.sha, candidate.commit}:
        raise NeedsHuman(
            f"{bundle.target} runs {runs[:12] if runs else 'nothing that its metadata names'},"
            f" but the last release deployed {last.sha[:12]}",
            "somebody deployed by hand. Find out who and why; deploy the released tag again, then retry",
        )
    if runs is not None and not Mirror(release.repository).is_ancestor(runs, candidate.commit):
        raise NeedsHuman(
            f"{bundle.target} runs {runs[:12]}, which {release.version} does not contain: it is newer",
            "an older version never overwrites a newer one: release a version that contains it",
        )


def _insist_on_no_orphans(workspace: Workspace, bundle: Validated, *, after: str = "") -> None:
    orphans = workspace.orphans(bundle.root_path)
    if orphans:
        listed = "\n".join(f"  {o.kind} {o.id} {o.name} {o.url}" for o in orphans)
        raise NeedsHuman(
            f"{after}{bundle.target} holds what a deploy that ended badly left behind, unknown to the bundle's state:\n"
            f"{listed}",
            "for each: `databricks bundle deployment bind KEY ID --auto-approve` at this commit, or delete it;"
            " then retry. Deploying before that would make each of them twice",
        )


def _deploy(cli: BundleCli, bundle: Validated, candidate: Candidate) -> None:
    """Deploy one bundle unless the target runs the commit already, then prove it."""
    workspace = workspace_of(bundle.target)
    runs = workspace.deployed_commit(bundle.root_path)
    plan = Plan.of_object(cli.plan())
    if runs is not None and plan.creates_everything:
        raise NeedsHuman(
            f"{bundle.target} is deployed ({runs[:12]}), but the plan wants to create everything again",
            "the workspace answered that the state does not exist: look at the folder"
            f" {bundle.root_path}/state there, then retry",
        )
    if runs == candidate.commit and plan.empty:
        log.info("%s runs %s already", bundle.target, candidate.commit[:12])
        return
    try:
        # Approved before: staging rehearses, and production's plan was shown with what it destroys.
        cli.deploy(auto_approve=True)
    except ReleaseError as error:
        _insist_on_no_orphans(workspace, bundle, after=f"{error.problem}\n")
        raise
    _insist_on_no_orphans(workspace, bundle)
    _prove(cli, workspace, bundle, candidate)


def _prove(cli: BundleCli, workspace: Workspace, bundle: Validated, candidate: Candidate) -> None:
    runs = workspace.deployed_commit(bundle.root_path)
    plan = Plan.of_object(cli.plan())
    if runs != candidate.commit:
        raise NeedsHuman(
            f"the deploy ended well, but {bundle.target} names {runs or 'no commit'}, not {candidate.commit}",
            "look at the deploy's output in the log; retry deploys again",
        )
    if not plan.empty:
        changed = ", ".join(c.key for c in plan.changes)
        raise NeedsHuman(
            f"{bundle.target} was deployed, but a new plan still wants to change {changed}",
            "look at the plan: something changes the resources as we deploy them; then retry",
        )
    log.info("%s runs %s: state, metadata and an empty plan say so", bundle.target, candidate.commit[:12])
