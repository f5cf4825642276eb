"""Step 3: what can be found out about a candidate before anything is touched, side by side."""

import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.bundles import all_validated, bundle_clis, insist_on_a_state, plan_without_secrets, workspace_of
from tasks.known_state import insist_on_known_state
from tasks.left_behind import left_behind
from tasks.rules import digests
from tasks.rules.bound_plan import bound_plan
from tasks.rules.errors import NeedsHuman
from tasks.rules.known_state import Recorded
from tasks.rules.plan_text import About
from tasks.rules.plans import Plan
from tasks.rules.release import PRODUCTION, Candidate, Checked, ProductionPlan, Release, Validated
from tasks.rules.settings import NO_CREDENTIALS, Check
from tasks.rules.settings_guards import guard_changes
from tasks.rules.smoke_jobs import jobs_among, smoke_jobs
from tasks.step import evidence, show
from tasks.systems import child
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.git_repo import Mirror
from tasks.systems.target_tokens import credentials_of, secrets_in
from tasks.systems.targets import target_of
from tasks.target_facts import affected, protection
from tasks.unchanged import changed_in, released_unchanged, version_at
from tasks.unfinished import rest_of

log = logging.getLogger(__name__)

_TAIL_LINES = 15


@evidence("validate {target}")
def validation(release: Release, candidate: Candidate, *, commit: str, target: str) -> tuple[Validated, ...]:
    """What `bundle validate` says about each bundle on a target.

    Raises:
        NeedsHuman: a bundle is not valid, or names another host than ours.
    """
    found = validated_on(release, candidate, target)
    log.info("%s: %s at %s is valid", target, ", ".join(v.bundle for v in found), commit[:12])
    return found


def validated_on(release: Release, candidate: Candidate, target: str) -> tuple[Validated, ...]:
    """The same, found out now."""
    with bundle_clis(release, candidate, target) as clis:
        return all_validated(clis, target)


@evidence("check")
def checks(release: Release, candidate: Candidate, *, commit: str) -> Checked:
    """The team's own checks pass at the candidate.

    Raises:
        NeedsHuman: one failed; the text has its last lines.
    """
    seconds: dict[str, float] = {}
    for check in candidate.settings.checks:
        with Mirror(release.repository).worktree(commit) as folder:
            seconds[check.name] = _run(check, folder, Mirror(release.repository).commit(commit).time)
    return Checked(seconds)


def _run(check: Check, folder: Path, commit_time: int) -> float:
    with _credentials(check) as environment:
        done = child.run(
            ["/bin/sh", "-c", check.command],
            cwd=folder,
            environment={
                **environment,
                "SOURCE_DATE_EPOCH": str(commit_time),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            within_seconds=check.within_minutes * 60,
            secrets=secrets_in(environment),
        )
    if isinstance(done, child.TimedOut):
        raise NeedsHuman(
            f"the check {check.name} did not end within {check.within_minutes} minutes",
            "see its output in the log; raise `within_minutes` or mend the check",
        )
    if done.exit_code != 0:
        tail = os.linesep.join((done.stdout + done.stderr).splitlines()[-_TAIL_LINES:])
        raise NeedsHuman(
            f"the check {check.name} failed with exit code {done.exit_code}:\n{tail}",
            "mend it on the release branch and push: the new commit is checked by itself",
        )
    log.info("check %s passed in %.1f s", check.name, done.seconds)
    return done.seconds


def _credentials(check: Check) -> AbstractContextManager[Mapping[str, str]]:
    if check.credentials == NO_CREDENTIALS:
        return nullcontext({})
    return credentials_of(target_of(check.credentials))


@evidence("plan production")
def production_plan(
    release: Release,
    candidate: Candidate,
    bundles: tuple[Validated, ...],
    *,
    commit: str,
    target: str,
    look: int,
) -> ProductionPlan:
    """What production would get, and the digest that an approval is bound to.

    Args:
        release: what is released.
        candidate: what would be deployed.
        bundles: what validation found out about them on production.
        commit: the candidate's commit.
        target: production's bundle target.
        look: counts up each time production had changed since the plan that was approved.
    """
    log.info("look %d at what %s would get from %s", look, target, commit[:12])
    # What validation found out may be weeks old when it is looked at again.
    plan = planned_on_production(release, candidate, bundles if look == 1 else None)
    show(
        f"plan {release.version} {commit[:12]}",
        plan.page,
        description=f"What production gets: {plan.line}",
    )
    return plan


def plan_of_production(release: Release, candidate: Candidate) -> ProductionPlan:
    """The same, found out now: also as whom we would deploy, where to, and with what."""
    return planned_on_production(release, candidate, None)


def planned_on_production(
    release: Release, candidate: Candidate, bundles: tuple[Validated, ...] | None
) -> ProductionPlan:
    """The same, with what validation found out about the bundles before; None: it is found out now."""
    target = release.target(PRODUCTION)
    with bundle_clis(release, candidate, target) as clis:
        return _planned(release, candidate, clis, bundles or all_validated(clis, target))


def _planned(
    release: Release, candidate: Candidate, clis: list[BundleCli], bundles: tuple[Validated, ...]
) -> ProductionPlan:
    recorded = insist_on_known_state(release, candidate, bundles)
    plans = {v.bundle: _plan_of(release, cli, v) for cli, v in zip(clis, bundles, strict=True)}
    _insist_on_smoke_jobs(release, plans)
    pages = [
        _page(release, candidate, bundle, Plan.of_object(plans[bundle.bundle]), recorded=recorded)
        for bundle in bundles
    ]
    return bound_plan(
        subject_of(candidate, bundles),
        plans,
        [(plan, replace(about, several=len(bundles) > 1)) for plan, about in pages],
        gate_changes=tuple(guard_changes(release.settings, candidate.settings)),
        left_behind=left_behind(release, bundles, recorded),
    )


def _plan_of(release: Release, cli: BundleCli, bundle: Validated) -> dict[str, Any]:
    """A bundle's plan; a rollback also undoes what a deploy that was ended in the middle has made."""
    after_unfinished = release.kind == "rollback" and rest_of(cli, bundle) is not None
    return plan_without_secrets(cli, bundle, after_unfinished=after_unfinished)


def _insist_on_smoke_jobs(release: Release, plans: Mapping[str, Mapping[str, Any]]) -> None:
    """Insist that production will have its smoke jobs; found out after the deploy, it would be half way there.

    An old version may lack what is tested today: no rollback stops at that.
    """
    if release.kind != "rollback":
        jobs = {bundle: jobs_among(Plan.of_object(plan).kept_keys) for bundle, plan in plans.items()}
        production = release.settings.branches.production
        smoke_jobs(
            release.settings.smoke.production,
            jobs,
            target=release.target(PRODUCTION),
            remedy=f"production's smoke jobs are those in release.yaml on {production}: bring the job back, or first"
            " release a version that still has it and names it under `smoke` no more",
        )


def _page(
    release: Release, candidate: Candidate, bundle: Validated, plan: Plan, *, recorded: Recorded | None
) -> tuple[Plan, About]:
    """One bundle's plan and what is to be said beside it."""
    runs = workspace_of(bundle.target).deployed_commit(bundle.root_path)
    insist_on_a_state(bundle, plan, runs)
    about = About(target=bundle.target, commit=candidate.commit, previous_commit=runs, bundle=bundle.bundle)
    if runs and released_unchanged(release, candidate, bundle, plan, runs=runs, recorded=recorded):
        log.info(
            "%s changes nothing of %s on %s: it is left as it is", release.name, bundle.bundle, bundle.target
        )
        return plan, replace(about, unchanged=version_at(release, runs))
    around = affected(bundle, plan)
    mirror = Mirror(release.repository)
    # What was adopted may come from a commit that the repository does not have.
    files = mirror.changed_files(runs, candidate.commit) if runs and mirror.has(runs) else []
    return plan, replace(
        about,
        files_changed=changed_in(bundle, files),
        affected=around,
        protection=protection(release, candidate, bundle, plan, runs),
    )


def subject_of(candidate: Candidate, bundles: tuple[Validated, ...]) -> digests.Subject:
    """What an approval is about, beside the plans: which code, where to, by what and as whom."""
    first = bundles[0]
    return digests.Subject(
        commit=candidate.commit,
        tree=candidate.tree,
        cli_version=first.cli_version,
        target=first.target,
        host=first.host,
        deployer=first.deployer,
        roots={v.bundle: v.root_path for v in bundles},
        variables={v.bundle: v.variables for v in bundles},
    )
