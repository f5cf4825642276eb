"""Step 3: what can be found out about a candidate before anything is touched, side by side."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.bundles import all_validated, bundle_clis, workspace_of
from tasks.rules import digests
from tasks.rules.errors import NeedsHuman
from tasks.rules.plan_text import plan_line, plan_markdown
from tasks.rules.plans import Plan
from tasks.rules.release import PRODUCTION, Candidate, Checked, ProductionPlan, Release, Validated
from tasks.rules.settings import NO_CREDENTIALS, Check
from tasks.rules.settings_guards import guard_changes
from tasks.step import evidence, show
from tasks.systems import child
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.git_repo import Mirror
from tasks.systems.targets import credentials_of, secrets_in, target_of

log = logging.getLogger(__name__)

_TAIL_LINES = 15


@evidence("validate {target}")
def validation(release: Release, candidate: Candidate, *, commit: str, target: str) -> tuple[Validated, ...]:
    """What `bundle validate` says about each bundle on a target.

    Raises:
        NeedsHuman: a bundle is not valid, or names another host than ours.
    """
    with bundle_clis(release, candidate, target) as clis:
        found = all_validated(clis, target)
    log.info("%s: %s at %s is valid", target, ", ".join(v.bundle for v in found), commit[:12])
    return found


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
    environment: Mapping[str, str] = {}
    if check.credentials != NO_CREDENTIALS:
        environment = credentials_of(target_of(check.credentials))
    done = child.run(
        ["/bin/sh", "-c", check.command],
        cwd=folder,
        environment={**environment, "SOURCE_DATE_EPOCH": str(commit_time), "PYTHONDONTWRITEBYTECODE": "1"},
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
    if look == 1:
        with bundle_clis(release, candidate, target) as clis:
            plan = _planned(release, candidate, clis, bundles)
    else:  # what validation found out may be weeks old
        plan = plan_of_production(release, candidate)
    show(
        f"plan {release.version} {commit[:12]}",
        plan.markdown,
        description=f"What production gets: {plan.line}",
    )
    return plan


def plan_of_production(release: Release, candidate: Candidate) -> ProductionPlan:
    """The same, found out now: also as whom we would deploy, where to, and with what."""
    target = release.target(PRODUCTION)
    with bundle_clis(release, candidate, target) as clis:
        return _planned(release, candidate, clis, all_validated(clis, target))


def _planned(
    release: Release, candidate: Candidate, clis: list[BundleCli], bundles: tuple[Validated, ...]
) -> ProductionPlan:
    plans = {str(cli.bundle): cli.plan() for cli in clis}
    previous = workspace_of(bundles[0].target).deployed_commit(bundles[0].root_path)
    return _readable(release, candidate, plans, subject_of(candidate, bundles), previous)


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


def _inside(file: str, bundle: str) -> bool:
    return bundle == "." or file.startswith(f"{bundle}/")


def _readable(
    release: Release,
    candidate: Candidate,
    plans: dict[str, dict[str, Any]],
    subject: digests.Subject,
    previous: str | None,
) -> ProductionPlan:
    mirror = Mirror(release.repository)
    files = mirror.changed_files(previous, candidate.commit) if previous else []
    read = {bundle: Plan.of_object(plan) for bundle, plan in plans.items()}
    texts = [
        plan_markdown(
            plan,
            target=release.target(PRODUCTION),
            commit=candidate.commit,
            previous_commit=previous,
            files_changed=[f for f in files if _inside(f, bundle)],
            bundle=bundle,
        )
        for bundle, plan in read.items()
    ]
    canonical = {bundle: digests.kept(plan, commit=candidate.commit) for bundle, plan in plans.items()}
    return ProductionPlan(
        digest=digests.digest(subject, canonical),
        subject=subject,
        plans=canonical,
        markdown="\n\n".join(texts),
        line="; ".join(plan_line(plan) for plan in read.values()),
        destructive=tuple(c.key for plan in read.values() for c in plan.destructive),
        gate_changes=tuple(guard_changes(release.settings, candidate.settings)),
    )
