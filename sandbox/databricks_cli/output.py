"""What commands print to stdout: results only, as text or as JSON."""

import sys
from typing import TYPE_CHECKING

from sandbox.databricks_cli.auth import host_facts
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.go_json import dumps
from sandbox.databricks_cli.values import Json, get, plain

if TYPE_CHECKING:  # slow to load, and not every command plans
    from sandbox.databricks_cli.planning import Plan

_TITLES = {"jobs": "Jobs", "pipelines": "Pipelines"}


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def configuration(bundle: Bundle) -> None:
    """Print the configuration as far as it is resolved."""
    write(dumps(plain(bundle.config), indent=2, sort=True) + "\n")


def header(bundle: Bundle) -> str:
    """The first lines of validate and summary: only what is known."""
    if not bundle.name:
        return ""
    lines = [f"Name: {bundle.name}"]
    if bundle.target:
        lines.append(f"Target: {bundle.target}")
    known = {
        "Host": get(bundle.config, "workspace", "host"),
        "User": bundle.me.get("userName"),
        "Path": bundle.workspace("root_path"),
    }
    if any(known.values()):
        lines += ["Workspace:", *(f"  {name}: {value}" for name, value in known.items() if value)]
    return "\n".join(lines) + "\n"


def validation(bundle: Bundle | None, trailer: str) -> None:
    """Print the result of `bundle validate`."""
    if bundle is not None:
        write(header(bundle) + "\n")
    write(trailer + "\n")


def plan_text(plan: "Plan", *, quiet: int, selected: bool) -> None:
    """Print a plan for people; -q only its last line, -qq nothing."""
    changes = [e for e in plan.actions() if e.action != "skip"]
    if changes and quiet == 0:
        write("".join(f"{e.action} {e.name}\n" for e in changes) + "\n")
    if quiet > 1:
        return
    n = plan.count()
    text = (
        f"{n['create']} to add, {n['change']} to change, {n['delete']} to delete, {n['unchanged']} unchanged"
    )
    write(f"Plan: {text}{f', {plan.not_selected} not selected' if selected else ''}\n")


def plan_json(plan: "Plan") -> None:
    write(dumps(plan.as_json(), indent=2) + "\n")


def add_ids(bundle: Bundle, ids: dict[str, str]) -> None:
    """Write ids into the configuration; what is only configured or only deployed gets a status."""
    resources = bundle.config.setdefault("resources", {})
    for key, id_ in ids.items():
        _, group, name, *rest = key.split(".")
        if rest:
            continue
        items = resources.setdefault(group, {})
        if name in items:
            items[name]["id"] = id_
        else:
            items[name] = {"id": id_, "modified_status": "deleted"}
    for items in resources.values():
        for item in items.values():
            if "id" not in item:
                item["modified_status"] = "created"


def add_urls(bundle: Bundle) -> None:
    """Write the address of its page into everything that has an id."""
    workspace_id = str(host_facts(bundle.api, bundle.log).get("workspace_id") or bundle.api.org_id)
    suffix = f"?w={workspace_id}" if workspace_id and workspace_id not in bundle.api.address else ""
    for group, title in _TITLES.items():
        for item in (get(bundle.config, "resources", group) or {}).values():
            if item.get("id"):
                item["url"] = f"{bundle.api.host}/{title.lower()}/{item['id']}{suffix}"


def summary_text(bundle: Bundle) -> None:
    """Print what the bundle has in the workspace."""
    lines = ["Resources:"]
    for group, title in _TITLES.items():
        items: dict[str, Json] = get(bundle.config, "resources", group) or {}
        if items:
            lines.append(f"  {title}:")
        for key in sorted(items):
            lines += [
                f"    {key}:",
                f"      Name: {items[key].get('name') or ''}",
                f"      URL:  {items[key].get('url') or '(not deployed)'}",
            ]
    write(header(bundle) + "\n".join(lines) + "\n")
