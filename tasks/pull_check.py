"""The steps of the check of a pull request: which commit, what staging would get from it, and what GitHub says then."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tasks.bundles import all_validated, bundle_clis, insist_on_a_state, plan_without_secrets, workspace_of
from tasks.propose import ensure_said
from tasks.rules.bundle_text import bundles_section
from tasks.rules.errors import ReleaseError, TryAgain
from tasks.rules.plan_text import About, plan_line, plan_sections
from tasks.rules.plans import Plan
from tasks.rules.pull_check import (
    CONTEXT,
    PENDING,
    PullCheck,
    StagingPlan,
    Status,
    failed,
    failed_comment,
    insist_on_our_own,
    page,
    passed,
    plan_comment,
)
from tasks.rules.release import Candidate, Validated
from tasks.standing import production_settings, settings_at
from tasks.step import ensure, evidence, run_url, show
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.git_merges import Merges
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.target_facts import affected
from tasks.unchanged import changed_in

log = logging.getLogger(__name__)

_ARTIFACT = 500_000  # characters; a page that a browser still shows


@ensure("look at the pull request")
def pull_to_check(repository: str, number: int, head: str | None) -> PullCheck:
    """Say which commit is checked, or why none is.

    Args:
        repository: owner/name.
        number: the pull request's.
        head: the commit that the check was asked for; None: whatever is the newest one now.

    Raises:
        NeedsHuman: it comes from a fork.
        TryAgain: git does not know the commit yet.
    """
    hub, mirror = GitHubRepo(repository), Mirror(repository).fetch()
    pull = hub.pull_request(number)
    insist_on_our_own(repository=repository, number=number, from_fork=pull.from_fork)
    # The production branch says what staging is: a pull request could name production there.
    target, branches = production_settings(mirror).targets.staging, mirror.branches()
    newest = branches.get(pull.head, pull.head_sha)
    found = PullCheck(repository, number, head=newest, base=pull.base, target=target, run_url=run_url())
    if pull.state != "open" or pull.draft:
        return _left(found, "is a draft" if pull.state == "open" else f"is {pull.state}")
    if head is not None and head != newest:
        if not mirror.has(head):
            raise TryAgain(
                f"git does not know {head[:12]} of {found.title} yet", "nothing now: it looks again"
            )
        return _left(found, f"has moved on from {head[:12]} to {newest[:12]}")
    merge = Merges(mirror).merged(branches[pull.base], newest) if pull.base in branches else None
    return replace(found, commit=merge or newest)


def _left(check: PullCheck, why: str) -> PullCheck:
    log.info("%s %s", check.title, why)
    return replace(check, left_alone=why)


@evidence("plan {target}")
def plan_on_staging(check: PullCheck, *, commit: str, target: str) -> StagingPlan:
    """What a deploy of the pull request would do on staging; nothing is deployed.

    Raises:
        NeedsHuman: a bundle is not valid there, or there is no plan to be had.
        TryAgain: the workspace does not answer.
    """
    mirror = Mirror(check.repository)
    candidate = Candidate(commit, mirror.tree(commit), settings_at(mirror, commit))
    with bundle_clis(check, candidate, target) as clis:
        bundles = all_validated(clis, target)
        several = len(bundles) > 1
        found = [
            _planned(mirror, cli, v, check, several=several) for cli, v in zip(clis, bundles, strict=True)
        ]
    pages = (section for plan, about in found for section in plan_sections(plan, about))
    sections = tuple(section for section in (bundles_section(found), *pages) if section.text())
    lines = [_line(plan, about) for plan, about in found]
    show(
        f"check {check.number} {check.head[:12]}",
        page(sections, _ARTIFACT),
        description=f"What staging would get: {'; '.join(lines)}",
    )
    return StagingPlan("; ".join(lines), sections)


def _planned(
    mirror: Mirror, cli: BundleCli, bundle: Validated, check: PullCheck, *, several: bool
) -> tuple[Plan, About]:
    plan = Plan.of_object(plan_without_secrets(cli, bundle))
    runs = workspace_of(bundle.target).deployed_commit(bundle.root_path)
    insist_on_a_state(bundle, plan, runs)
    files = mirror.changed_files(runs, check.commit) if runs and mirror.has(runs) else []
    return plan, About(
        target=bundle.target,
        # The merge that is planned is here only; the head is what people know.
        commit=check.head,
        previous_commit=runs,
        files_changed=changed_in(bundle, files),
        bundle=bundle.bundle,
        several=several,
        affected=affected(bundle, plan),
    )


def _line(plan: Plan, about: About) -> str:
    line = plan_line(plan, about.affected)
    return f"{about.bundle}: {line}" if about.several else line


@ensure("tell GitHub that it is checked")
def ensure_begun(check: PullCheck) -> None:
    """The commit says that it is being checked, and where."""
    _ensure_status(check, Status("pending", PENDING))


@ensure("tell GitHub what staging would get")
def ensure_plan_told(check: PullCheck, plan: StagingPlan) -> str:
    """The pull request has one comment with the plan, and its commit a status; or why that is of no interest any more."""
    return _told(check, passed(plan), plan_comment(check, plan))


@ensure("tell GitHub why it could not be checked")
def ensure_failure_told(check: PullCheck, error: ReleaseError) -> str:
    """The same with what stands against it."""
    return _told(check, failed(error), failed_comment(check, error))


@contextmanager
def told_when_it_fails(check: PullCheck) -> Iterator[None]:
    """Whatever stops the check inside is told on the pull request, too; the run stops all the same."""
    try:
        yield
    except ReleaseError as error:
        ensure_failure_told(check, error)
        raise


def _told(check: PullCheck, status: Status, comment: str) -> str:
    now = pull_to_check.fn(check.repository, check.number, check.head)
    if now.left_alone:
        return now.left_alone
    ensure_said(GitHubRepo(check.repository), check.number, check.marker, comment)
    _ensure_status(check, status)
    return ""


def _ensure_status(check: PullCheck, status: Status) -> None:
    hub = GitHubRepo(check.repository)
    wanted = (status.state, status.text, check.run_url)
    if hub.our_status(check.head, CONTEXT) != wanted:
        hub.set_status(check.head, CONTEXT, status.state, text=status.text, url=check.run_url)
