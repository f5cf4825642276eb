"""What is found at production for the people who read its plan: what runs there, what would go, what is protected."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.bundles import bundle_clis, validated, workspace_of
from tasks.rules.affected import MOST_RUNS, ActiveRun, Affected, Continuous, Protection
from tasks.rules.errors import NeedsHuman
from tasks.rules.plans import Plan, right_of
from tasks.rules.release import Candidate, Release, Validated

if TYPE_CHECKING:
    from tasks.systems.workspace import Workspace

log = logging.getLogger(__name__)

_MOST_HISTORIES = 50  # jobs of which runs are counted, a request or more each
_LONGEST_REASON = 300  # characters


def affected(bundle: Validated, plan: Plan) -> Affected:
    """What a deploy of the bundle would meet on its target right now.

    A workspace that refuses to tell stops nothing: the plan says that it could not be looked up.

    Raises:
        TryAgain: the workspace does not answer.
    """
    workspace = workspace_of(bundle.target)
    known = workspace.state_ids(bundle.root_path)
    try:
        return Affected(
            known=frozenset(known),
            runs=_active(workspace, _of_kind(known, "jobs")),
            continuous=_continuous(workspace, _of_kind(known, "pipelines")),
            runs_so_far=_histories(workspace, known, plan),
        )
    except NeedsHuman as error:
        log.warning("%s does not tell what runs there: %s", bundle.target, error.problem)
        return Affected(known=frozenset(known), unknown=_short(error))


def protection(
    release: Release, candidate: Candidate, bundle: Validated, plan: Plan, runs: str | None
) -> Protection:
    """What `prevent_destroy` protects: in the candidate, and in `runs`, the commit that was deployed last.

    Looked up only if something would be destroyed. What cannot be told counts as protected.

    Raises:
        TryAgain: the workspace does not answer.
    """
    planned = frozenset(bundle.protected)
    if not plan.destructive:
        return Protection(planned=planned)
    if runs is None:
        return Protection(planned=planned, unknown="no deployment there has ended well, so nothing is known")
    try:
        return Protection(_protected_at(runs, release, candidate, bundle), planned)
    except NeedsHuman as error:
        log.warning("what %s runs (%s) could not be validated: %s", bundle.target, runs[:12], error.problem)
        return Protection(planned=planned, unknown=_short(error))


def _protected_at(commit: str, release: Release, candidate: Candidate, bundle: Validated) -> frozenset[str]:
    settings = candidate.settings.model_copy(update={"bundles": [bundle.bundle]})
    before = Candidate(commit, tree="", settings=settings)
    with bundle_clis(release, before, bundle.target) as clis:
        return frozenset(validated(clis[0], deployer=bundle.deployer).protected)


def _of_kind(known: Mapping[str, str], kind: str) -> dict[str, str]:
    """The keys of resources of one kind by their ids; not of their permissions."""
    return {id_: key for key, id_ in known.items() if key.split(".")[1] == kind and right_of(key) is None}


def _active(workspace: "Workspace", jobs: Mapping[str, str]) -> tuple[ActiveRun, ...]:
    found = workspace.active_runs(int(job) for job in jobs)
    runs = (ActiveRun(jobs[str(run.job_id)], run.run_id, run.state, run.url) for run in found)
    return tuple(sorted(runs, key=lambda run: (run.key, run.run_id)))


def _continuous(workspace: "Workspace", pipelines: Mapping[str, str]) -> tuple[Continuous, ...]:
    found = workspace.pipelines(pipelines)
    return tuple(
        sorted(
            (Continuous(pipelines[p.pipeline_id], p.url) for p in found if p.continuous and p.running),
            key=lambda pipeline: pipeline.key,
        )
    )


def _histories(workspace: "Workspace", known: Mapping[str, str], plan: Plan) -> dict[str, int]:
    going = [each.key for each in plan.destructive if each.kind == "jobs" and each.key in known]
    return {key: workspace.runs_so_far(int(known[key]), most=MOST_RUNS) for key in going[:_MOST_HISTORIES]}


def _short(error: NeedsHuman) -> str:
    return " ".join(error.problem.split())[:_LONGEST_REASON]
