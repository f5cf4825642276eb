"""The blast radius, as an approver reads it: what runs right now, and what a deploy does to it."""

from tasks.rules.affected import ActiveRun, Affected, Continuous
from tasks.rules.markdown import code, escaped, link
from tasks.rules.pages import Entry, Rank, Section
from tasks.rules.plans import Action, Plan

_GOES = {Action.DELETE, Action.RECREATE}


def active_section(plan: Plan, found: Affected) -> Section:
    """Return the section about active runs and pipelines that run all the time."""
    changes = {change.key: change.action for change in plan.changes}
    pipelines = [_pipeline(each, changes.get(each.key)) for each in found.continuous]
    runs = [_run(each, changes.get(each.key)) for each in found.runs]
    entries = (*pipelines, *runs)
    return Section(
        Rank.ACTIVE,
        f"### Running now: {len(entries):,}",
        "As it was when the plan was read. A deploy does not wait for it." if entries else "",
        entries,
    )


def _run(run: ActiveRun, action: Action | None) -> Entry:
    happens = "gets new files"
    if action is not None:
        happens = "is deleted" if action in _GOES else "changes"
    name, page = code(_name(run.key)), link(f"run {run.run_id}", run.url)
    return Entry((f"- job {name} {happens} while {page} is {escaped(run.state)}",), "active runs")


def _pipeline(pipeline: Continuous, action: Action | None) -> Entry:
    happens = "a deploy may restart it even without a change"  # databricks/cli#6745
    if action is not None:
        happens = "it is stopped for good" if action is Action.DELETE else "it is restarted"
    name, page = code(_name(pipeline.key)), link("its page", pipeline.url)
    return Entry((f"- pipeline {name} runs all the time: {happens} ({page})",), "continuous pipelines")


def _name(key: str) -> str:
    """`daily_report` of `resources.jobs.daily_report`."""
    return key.split(".", 2)[2]
