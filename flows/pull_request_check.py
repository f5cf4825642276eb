"""What a pull request would do to staging: told before anybody merges it, and nothing is deployed.

    look           the newest commit of its branch, merged into the branch that it wants to go into
    validate, plan on staging, with staging's credentials only
    tell           one comment on the pull request, edited each time, and a status of the commit

A newer commit has a check of its own: an older one that is still at work sees that, and tells nothing. Nothing of a
fork is run. Code of the pull request does run here, with staging's credentials, where its bundle has any (build
commands, Python that makes resources): `docs/how-to/github-actions.md` says what that means for the worker.
"""

from typing import Any
from uuid import UUID

from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.parameters import Commit, Number, Repository
from tasks.pull_check import (
    ensure_begun,
    ensure_plan_told,
    plan_on_staging,
    pull_to_check,
    told_when_it_fails,
)
from tasks.rules.pull_check import PullCheck


@flow(name="pull-request-check", persist_result=True)
def pull_request_check(
    repository: Repository, pull_request: Number, head: Commit | None = None
) -> State[Any]:
    """Validate a pull request and plan it on staging; tell that on the pull request. Nothing is deployed.

    Args:
        repository: The GitHub repository, as owner/name.
        pull_request: The number of the pull request.
        head: The commit to check; left out, it is the newest one. Nothing is done where there is a newer one.
    """
    check = pull_to_check(repository, pull_request, head)
    if check.left_alone:
        return left_alone(check, check.left_alone)
    is_about(check)
    with told_when_it_fails(check):
        ensure_begun(check)
        plan = plan_on_staging(check, commit=check.commit, target=check.target)
        changed = ensure_plan_told(check, plan)
    if changed:
        return left_alone(check, changed)
    return Completed(message=f"{check.title} at {check.head[:12]}: {plan.line}")


def left_alone(check: PullCheck, why: str) -> State[Any]:
    """The end of a check that is of no interest (any more)."""
    name = "Superseded" if why.startswith("has moved on") else "Left alone"
    return Completed(name=name, message=f"{check.title} {why}")


def is_about(check: PullCheck) -> None:
    """The run's name in Prefect says what it is about."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(runtime.flow_run.id), name=f"{check.title} at {check.head[:12]}")
