"""Job parameters and dynamic values: `{{job.parameters.day}}` in a task becomes what the run was given.

Imitates: Databricks documentation, "What is a dynamic value reference?", the part that bundles commonly use.
"""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.workspace.shelf import Json

_REFERENCE = re.compile(r"\{\{\s*([\w.\-]+)\s*\}\}")


def job_parameters(settings: Json, given: Mapping[str, str]) -> list[Json]:
    """Every parameter the job declares or the run was given, by name, with default and value."""
    declared = {p["name"]: str(p.get("default", "")) for p in settings.get("parameters") or []}
    return [
        {"name": name, **({"default": declared[name]} if name in declared else {}), "value": value}
        for name, value in sorted({**declared, **{k: str(v) for k, v in given.items()}}.items())
    ]


def filled(value: Any, known: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """`value` with the references in its texts replaced; unknown references stay as they are."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: known.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, known) for name, item in value.items()}
    return value


def known_values(run: Json, task: Json, values: Mapping[str, Json]) -> dict[str, str]:
    """What references may name in this task of this run; `values` are task values by task key."""
    known = {f"job.parameters.{p['name']}": p["value"] for p in run.get("job_parameters") or []}
    known |= {
        "job.id": str(run.get("job_id", "")),
        "job.name": run["run_name"],
        "job.run_id": str(run["run_id"]),
        "run_id": str(run["run_id"]),
        "task.name": task["task_key"],
        "task.run_id": str(task["run_id"]),
    }
    for key, kept in values.items():
        known |= {f"tasks.{key}.values.{name}": str(value) for name, value in kept.items()}
    return known
