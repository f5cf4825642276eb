"""What can't be undone, as an approver reads it: what is lost, what protects it, and how it is confirmed."""

from collections.abc import Iterator

from tasks.rules import field_text
from tasks.rules.affected import MOST_RUNS, Affected, Protection
from tasks.rules.labels import VERBS, label
from tasks.rules.markdown import code, escaped
from tasks.rules.pages import Entry, Rank, Section
from tasks.rules.plans import Plan, ResourceChange

# Source: the warnings of `databricks bundle deploy` 1.14 (bundle/phases/messages.go), and for jobs and the like
# what their pages in the workspace hold.
_LOSES = {
    "jobs": "its id and run history",
    "pipelines": "its streaming tables and materialized views with their data",
    "schemas": "all that is in it",
    "volumes": "the files in it, if it is a managed one",
    "tables": "all data in it",
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


def destructive_section(
    plan: Plan, target: str, affected: Affected | None, protection: Protection, prefix: str = ""
) -> Section:
    """Return the section about all that loses data or history.

    Args:
        plan: what a deploy would do.
        target: the bundle target, for people.
        affected: what was found at the target.
        protection: what is protected there.
        prefix: stands before each key where the release has several bundles.
    """
    if not plan.destructive:
        return Section(Rank.DESTRUCTIVE)
    intro = ["Whoever approves confirms each of them by its key, the last words of its line."]
    if protection.unknown:
        intro.append(
            f"**Not known to be unprotected:** what {escaped(target)} runs could not be validated with this `databricks`:"
            f" {escaped(protection.unknown)}. So all of them count as protected. Release the rest first, without"
            f" destroying anything; then this can be told."
        )
    return Section(
        Rank.DESTRUCTIVE,
        "### Destructive: this can't be undone",
        "\n\n".join(intro),
        tuple(_entry(each, affected or Affected(), protection, prefix) for each in plan.destructive),
    )


def _entry(resource: ResourceChange, affected: Affected, protection: Protection, prefix: str) -> Entry:
    head = (
        f"- **{VERBS[resource.action]}** {label(resource)}: loses {_loses(resource, affected)};"
        f" {code(prefix + resource.key)}"
    )
    fields = (f"  - {field_text.changed(resource, field)}" for field in resource.fields)
    kind = resource.kind.replace("_", " ")
    return Entry((head, *(f"  - {each}" for each in _protected(resource.key, protection)), *fields), kind)


def _loses(resource: ResourceChange, affected: Affected) -> str:
    runs = affected.runs_so_far.get(resource.key)
    if runs is None:
        return _LOSES.get(resource.kind, "what it holds")
    if runs == 0:
        return "its id, no runs are in its history"
    amount = f"{runs} or more runs" if runs >= MOST_RUNS else f"{runs} run{'' if runs == 1 else 's'}"
    return f"its id and the {amount} in its history"


def _protected(key: str, protection: Protection) -> Iterator[str]:
    first = "a release that only lifts the protection goes first"
    if key in protection.deployed and key not in protection.planned:
        yield (
            f"**protected**: `prevent_destroy` is set in what is deployed now, and this release takes it away; {first}"
        )
    elif key in protection.planned:
        yield f"**protected** by `prevent_destroy`: `databricks` refuses this; {first}"
