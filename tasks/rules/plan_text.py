"""The plan as an approver reads it: what can't be undone first, then what was changed by hand, then the rest."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from tasks.rules import field_text
from tasks.rules.markdown import code, escaped
from tasks.rules.plans import Action, FieldChange, Plan, ResourceChange

_SHA = 12
_MOST_FILES = 100

_WORDS = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.UPDATE_ID: "update, with a new id,",
    Action.RESIZE: "resize",
    Action.RECREATE: "recreate",
    Action.DELETE: "delete",
}

# Source: the warnings of `databricks bundle deploy` 1.14 (bundle/phases/messages.go), and for jobs and the like
# what their pages in the workspace hold.
_LOSES = {
    "jobs": "its id and run history",
    "pipelines": "its streaming tables and materialized views with their data",
    "schemas": "all that is in it",
    "volumes": "the files in it, if it is a managed one",
    "dashboards": "its address and id",
    "database_instances": "all data in it",
    "synced_database_tables": "the synced data",
    "postgres_projects": "its branches, databases and endpoints with all data",
    "postgres_branches": "all data in it",
    "postgres_databases": "all data in it",
    "vector_search_indexes": "its vectors, which are expensive to build again",
    "genie_spaces": "its conversations",
    "experiments": "its runs",
    "registered_models": "its versions",
    "secret_scopes": "the secrets in it",
}

FieldWords = Callable[[ResourceChange, FieldChange], str]


def plan_line(plan: Plan) -> str:
    """Return the plan in one short line: `2 to create, 1 to delete; 1 destructive, drift in 1`."""
    counts = plan.counts
    amounts = [
        (counts.delete, "to delete"),
        (counts.recreate, "to recreate"),
        (counts.create, "to create"),
        (counts.update, "to update"),
        (counts.unchanged, "unchanged"),
    ]
    fates = ", ".join(f"{amount} {fate}" for amount, fate in amounts if amount) or "no resources"
    alarms = [
        *([f"{len(plan.destructive)} destructive"] if plan.destructive else []),
        *([f"drift in {len(plan.drifted)}"] if plan.drifted else []),
    ]
    return "; ".join(filter(None, [fates, ", ".join(alarms)]))


def plan_markdown(
    plan: Plan,
    *,
    target: str,
    commit: str,
    previous_commit: str | None,
    files_changed: Sequence[str],
    bundle: str = ".",
) -> str:
    """Return what an approver reads about one bundle on one target.

    Args:
        plan: what a deploy would do.
        target: the bundle target, for people.
        commit: what would be deployed.
        previous_commit: what runs there now; None if nothing was deployed yet.
        files_changed: paths that differ between the two commits; a plan does not see them.
        bundle: the bundle's folder, named only if it is not the repository itself.
    """
    sections = [
        _head(plan, target, commit, previous_commit, bundle),
        _destructive(plan),
        _drift(plan, target),
        _changes(plan),
        _rights(plan),
        _runs(plan),
        _forgotten(plan, target),
        _files(previous_commit, files_changed),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def label(resource: ResourceChange) -> str:
    """Return what people call a resource: job `daily_report`, permissions of job `daily_report`."""
    kind = _singular(resource.kind)
    return (
        f"{resource.right} of {kind} {code(resource.name)}"
        if resource.right
        else f"{kind} {code(resource.name)}"
    )


def _head(plan: Plan, target: str, commit: str, previous_commit: str | None, bundle: str) -> str:
    where = escaped(target) if bundle == "." else f"{code(bundle)} on {escaped(target)}"
    runs = (
        f"{escaped(target)} runs {_sha(previous_commit)}"
        if previous_commit
        else "nothing was deployed before"
    )
    lines = [f"**{where}: {plan_line(plan)}**", "", f"Commit {_sha(commit)}; {runs}."]
    if plan.creates_everything:
        lines += ["", "The target looks as if nothing had ever been deployed to it."]
    if plan.empty:
        lines += [
            "",
            "No resource changes. A plan does not see code: read the changed files.",
        ]
    return "\n".join(lines)


def _destructive(plan: Plan) -> str:
    if not plan.destructive:
        return ""
    lines = [line for resource in plan.destructive for line in _destroyed(resource)]
    return "\n".join(["### Destructive: this can't be undone", "", *lines])


def _destroyed(resource: ResourceChange) -> list[str]:
    loses = _LOSES.get(resource.kind, "what it holds")
    head = f"- **{_WORDS[resource.action]}** {label(resource)}: loses {loses}"
    return [head, *(f"  - {field_text.changed(resource, field)}" for field in resource.fields)]


def _drift(plan: Plan, target: str) -> str:
    if not plan.drifted:
        return ""
    intro = f"Somebody changed this in {escaped(target)} itself. The release sets it back."
    groups = _grouped(plan.drifted, lambda resource: resource.drift, field_text.drifted)
    return "\n".join(
        [f"### Drift: changed by hand in {escaped(target)}", "", intro, "", *_listed(groups, "")]
    )


def _changes(plan: Plan) -> str:
    return _section("### Changes", [each for each in plan.changes if not (_apart(each) or each.right)])


def _rights(plan: Plan) -> str:
    return _section("### Who may do what", [each for each in plan.changes if each.right and not _apart(each)])


def _apart(resource: ResourceChange) -> bool:
    """Say whether a section of its own shows the resource."""
    only_drift = bool(resource.fields) and all(field.drifted for field in resource.fields)
    return resource.destructive or resource.gone or only_drift or _will_run(resource)


def _section(title: str, resources: Sequence[ResourceChange]) -> str:
    if not resources:
        return ""
    lines = [title, ""]
    for action in (
        Action.DELETE,
        Action.RECREATE,
        Action.UPDATE_ID,
        Action.RESIZE,
        Action.UPDATE,
        Action.CREATE,
    ):
        alike = [each for each in resources if each.action is action]
        lines += _listed(_grouped(alike, _set_by_the_bundle, field_text.changed), f"**{_WORDS[action]}** ")
    return "\n".join(lines)


def _will_run(resource: ResourceChange) -> bool:
    return resource.starts_a_run and resource.action is not Action.DELETE


def _runs(plan: Plan) -> str:
    runs = [code(resource.name) for resource in plan.changes if _will_run(resource)]
    return f"The deploy itself starts a run and waits for it: {', '.join(runs)}." if runs else ""


def _set_by_the_bundle(resource: ResourceChange) -> tuple[FieldChange, ...]:
    if resource.action is Action.DELETE:
        return ()
    return tuple(field for field in resource.fields if not field.drifted)


Groups = dict[tuple[str, str | None, tuple[str, ...]], list[ResourceChange]]


def _grouped(
    resources: Iterable[ResourceChange],
    fields_of: Callable[[ResourceChange], tuple[FieldChange, ...]],
    words: FieldWords,
) -> Groups:
    """Put resources together to which the same happens: one new wheel in 500 jobs is one thing to read."""
    groups: Groups = defaultdict(list)
    for resource in resources:
        lines = tuple(words(resource, field) for field in fields_of(resource))
        groups[resource.kind, resource.right, lines].append(resource)
    return groups


def _listed(groups: Groups, verb: str) -> list[str]:
    lines: list[str] = []
    for (_, _, fields), resources in groups.items():
        lines += [f"- {verb}{_labels(resources)}", *(f"  - {field}" for field in fields)]
    return lines


def _labels(resources: Sequence[ResourceChange]) -> str:
    first, *others = resources
    if not others:
        return label(first)
    kind = first.kind.replace("_", " ")
    what = f"{first.right} of {len(resources)} {kind}" if first.right else f"{len(resources)} {kind}"
    return f"{what}: {', '.join(code(resource.name) for resource in resources)}"


def _forgotten(plan: Plan, target: str) -> str:
    gone = [label(resource) for resource in plan.changes if resource.gone]
    return f"Already gone from {escaped(target)}, now also forgotten: {', '.join(gone)}." if gone else ""


def _files(previous_commit: str | None, files_changed: Sequence[str]) -> str:
    if previous_commit is None:
        return ""
    if not files_changed:
        return f"No file differs from {_sha(previous_commit)}."
    shown = [f"- {code(path)}" for path in files_changed[:_MOST_FILES]]
    more = len(files_changed) - len(shown)
    note = [f"- and {more:,} more"] if more else []
    return "\n".join(
        [f"### Files changed since {_sha(previous_commit)}: {len(files_changed):,}", "", *shown, *note]
    )


def _sha(commit: str) -> str:
    return code(commit[:_SHA])


def _singular(kind: str) -> str:
    words = kind.replace("_", " ")
    return words.removesuffix("es") if words.endswith(("indexes", "branches")) else words.removesuffix("s")
