"""Steps 4 and 9: a target runs the commit, proved by its state, an empty plan and the commit in its metadata.

The deploy lock of `databricks` does not make deploys exclusive, because the state is read before the lock is
taken: our own lock encloses this whole step.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tasks.bundles import (
    all_validated,
    bundle_clis,
    deployer_of,
    insist_on_a_state,
    plan_without_secrets,
    workspace_of,
)
from tasks.deploy_guard import insist_on_approval, insist_on_nothing_more, insist_on_written
from tasks.evidence import chain_in, note
from tasks.examine import subject_of
from tasks.hold import insist_on_no_hold
from tasks.known_state import insist_on_known_state
from tasks.record import ensure_record, ensure_state, failure_recorded, is_shipped
from tasks.rules import digests
from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.rules.plans import Plan
from tasks.rules.release import PRODUCTION, Candidate, ProductionPlan, Release, Validated
from tasks.step import ensure, stop_if_cancelled
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.unchanged import same_there
from tasks.unfinished import Rest, insist_on_no_orphans, rest_of

log = logging.getLogger(__name__)


@ensure("deploy {environment}")
def ensure_deployed(
    release: Release,
    candidate: Candidate,
    bundles: tuple[Validated, ...],
    *,
    environment: str,
    approved: ProductionPlan | None = None,
    unchanged: Collection[str] = (),
) -> Mapping[str, str]:
    """Every bundle of the candidate is deployed to the environment's target; production gets what was approved.

    Returns the bundles that were left as they are because nothing of them changed, by folder: the commit that the
    target names for each. Staging that rehearsed this commit once is left alone: it may run something else by now.

    Args:
        release: what is released.
        candidate: what is deployed; for production the merge commit of what was approved.
        bundles: what validation found out about them on the target.
        environment: staging or production.
        approved: what people saw of production and approved. Staging is a rehearsal and needs none.
        unchanged: the folders of the bundles of which the release changes nothing in production; one that staging has
            as it is in the candidate is not deployed there either. For production `approved` says it.

    Raises:
        NeedsHuman: the target is not as we left it, or as it was approved, or the deploy did not end well; nothing is
            repeated blindly.
        TryAgain: the workspace does not answer.
    """
    hub = GitHubRepo(release.repository)
    if is_shipped(release, hub, environment, candidate.commit):
        log.info("%s was deployed to %s before", candidate.commit[:12], environment)
        return {}
    if environment == PRODUCTION:
        insist_on_approval(approved)
        insist_on_no_hold(Mirror(release.repository).fetch(), release.version)
    with bundle_clis(release, candidate, release.target(environment)) as clis:
        _insist_on_same_deployer(bundles)
        record = ensure_record(release, hub, environment, candidate.commit)
        with failure_recorded(release, hub, record, "deploy"):
            rests = {v.bundle: rest_of(cli, v) for cli, v in zip(clis, bundles, strict=True)}
            if environment == PRODUCTION:
                insist_on_known_state(release, candidate, bundles)
            deploys = _Deploys(
                release,
                candidate,
                list(zip(clis, bundles, strict=True)),
                rests,
                approved if environment == PRODUCTION else None,
                approved.unchanged if approved is not None else unchanged,
            )
            stop_if_cancelled()
            ensure_state(release, hub, record, "in_progress", f"{release.version} is being deployed")
            left = deploys.carry_out()
            if approved is not None:
                _note(release, candidate, approved, left)
            return left


def _note(release: Release, candidate: Candidate, approved: ProductionPlan, left: Mapping[str, str]) -> None:
    """The evidence says what production runs, and which approval that rests on: this plan's, or one it is the rest of."""
    chain = chain_in(Mirror(release.repository), release.name)
    entry = chain.last("approved")
    facts = {
        "target": release.target(PRODUCTION),
        "commit": candidate.commit,
        "digest": entry.facts["digest"] if entry else approved.digest,
        "cli_version": approved.subject.cli_version,
        "plan_after": "empty",
        **({"unchanged": dict(left)} if left else {}),
    }
    note(release.repository, release.name, "deployed", facts)


@dataclass
class _Deploys:
    """The deploys of all bundles to one target, planned before any of it is touched.

    Raises:
        NeedsHuman: on being made: what would be done now is not what was approved.
    """

    release: Release
    candidate: Candidate
    pairs: list[tuple[BundleCli, Validated]]
    rests: dict[str, Rest | None]
    approved: ProductionPlan | None
    unchanged: Collection[str]
    plans: dict[str, dict[str, object]] = field(default_factory=dict)
    subject: digests.Subject | None = None

    def __post_init__(self) -> None:
        if self.approved is not None:
            now = all_validated([cli for cli, _ in self.pairs], self.pairs[0][1].target)
            self.subject = subject_of(self.candidate, now)
        self.plans = {bundle.bundle: self._plan(cli, bundle) for cli, bundle in self.pairs}
        self._insist()

    def carry_out(self) -> Mapping[str, str]:
        """Returns what was left as it is: the commit that the target names, by bundle folder."""
        left: dict[str, str] = {}
        for place, (cli, bundle) in enumerate(self.pairs):
            if place:  # the deploys before it took their time
                self.plans[bundle.bundle] = self._plan(cli, bundle)
                self._insist()
            runs = workspace_of(bundle.target).deployed_commit(bundle.root_path)
            plan = Plan.of_object(self.plans[bundle.bundle])
            insist_on_a_state(bundle, plan, runs)
            if runs is not None and self._stays(bundle, plan, runs):
                left[bundle.bundle] = runs
            else:
                self._deploy(cli, bundle, plan, runs)
        return left

    def _plan(self, cli: BundleCli, bundle: Validated) -> dict[str, object]:
        return plan_without_secrets(cli, bundle, after_unfinished=self.rests[bundle.bundle] is not None)

    def _insist(self) -> None:
        if self.approved is not None and self.subject is not None:
            insist_on_nothing_more(self.approved, self.subject, self.plans)

    def _stays(self, bundle: Validated, plan: Plan, runs: str) -> bool:
        """Whether the bundle is left as it is: the release changes nothing of it, as it was said, and it still is so."""
        if bundle.bundle not in self.unchanged or self.rests[bundle.bundle] is not None:
            return False
        if not same_there(self.release, self.candidate, bundle, plan, runs):
            return False
        self._insist_on_written(bundle, plan)
        log.info("%s on %s is unchanged since %s: left as it is", bundle.bundle, bundle.target, runs[:12])
        return True

    def _deploy(self, cli: BundleCli, bundle: Validated, plan: Plan, runs: str | None) -> None:
        """Deploy one bundle unless the target runs the commit already, then prove it."""
        rest = self.rests[bundle.bundle]
        if runs == self.candidate.commit and plan.empty and rest is None:
            self._insist_on_written(bundle, plan)
            log.info("%s runs %s already", self._name(bundle), self.candidate.commit[:12])
            return
        # Without the flag the command itself refuses what came in between and destroys data. A rehearsal has it
        # always: staging shows what production would lose.
        confirmed = self.approved is None or bool(self.approved.destructive and plan.destructive)
        try:
            cli.deploy(auto_approve=confirmed, force_lock=rest is not None and rest.dead_lock)
        except ReleaseError as error:
            insist_on_no_orphans(bundle, after=f"{error.problem}\n")
            raise
        insist_on_no_orphans(bundle)
        _prove(cli, bundle, self.candidate, self._planned(bundle, plan).kept_keys)
        log.info(
            "%s runs %s: state, metadata and an empty plan say so",
            self._name(bundle),
            self.candidate.commit[:12],
        )

    def _insist_on_written(self, bundle: Validated, plan: Plan) -> None:
        written = workspace_of(bundle.target).state_ids(bundle.root_path)
        insist_on_written(bundle, self._planned(bundle, plan).kept_keys, written)

    def _planned(self, bundle: Validated, plan: Plan) -> Plan:
        """What was approved, or for a rehearsal what is planned now."""
        return plan if self.approved is None else Plan.of_object(self.approved.plans[bundle.bundle])

    def _name(self, bundle: Validated) -> str:
        return bundle.target if len(self.pairs) == 1 else f"{bundle.bundle} on {bundle.target}"


def _insist_on_same_deployer(bundles: tuple[Validated, ...]) -> None:
    """Another identity has other folders, and would make every job a second time."""
    for bundle in bundles:
        now = deployer_of(bundle.target)
        if now != bundle.deployer:
            raise NeedsHuman(
                f"{bundle.target} was validated as {bundle.deployer}, but we are {now} now",
                "give the worker the service principal that always deploys there, then retry",
            )


def _prove(cli: BundleCli, bundle: Validated, candidate: Candidate, planned: Collection[str]) -> None:
    workspace = workspace_of(bundle.target)
    runs = workspace.deployed_commit(bundle.root_path)
    plan = Plan.of_object(cli.plan())
    if runs != candidate.commit:
        raise NeedsHuman(
            f"the deploy ended well, but {bundle.target} names {runs or 'no commit'}, not {candidate.commit}",
            "look at the deploy's output in the log; retry deploys again",
        )
    insist_on_written(bundle, planned, workspace.state_ids(bundle.root_path))
    if not plan.empty:
        changed = ", ".join(c.key for c in plan.changes)
        raise NeedsHuman(
            f"{bundle.target} was deployed, but a new plan still wants to change {changed}",
            "look at the plan: something changes the resources as we deploy them; then retry",
        )
