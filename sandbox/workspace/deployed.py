"""What is deployed here: read from the files that `databricks bundle deploy` leaves behind."""

import json
from dataclasses import dataclass

from sandbox.workspace.shelf import Json
from sandbox.workspace.tree import Tree, parent_of

METADATA = "/state/metadata.json"
LOCK = "/state/deploy.lock"


@dataclass(frozen=True)
class Deployment:
    """One bundle root. `at` is when its last deployment ended, in milliseconds; texts are empty if unknown."""

    root: str
    bundle: str = ""
    target: str = ""
    branch: str = ""
    commit: str = ""
    at: int = 0
    locked_by: str = ""
    resources: int = 0


def deployments(tree: Tree) -> list[Deployment]:
    """Every bundle root of the workspace: deployed ones and those where a deployment is under way."""
    found = {}
    for path in sorted(tree.state.paths):
        for file in (METADATA, LOCK):
            if path.endswith(file):
                root = parent_of(parent_of(path))
                found[root] = _deployment(tree, root)
    return sorted(found.values(), key=lambda one: one.at, reverse=True)


def _deployment(tree: Tree, root: str) -> Deployment:
    record = tree.find(root + METADATA)
    config = _json(tree, root + METADATA).get("config") or {}
    bundle = config.get("bundle") or {}
    git = bundle.get("git") or {}
    return Deployment(
        root=root,
        bundle=bundle.get("name") or "",
        target=bundle.get("target") or "",
        branch=git.get("branch") or "",
        commit=git.get("commit") or "",
        at=record["modified_at"] if record else 0,
        locked_by=str(_json(tree, root + LOCK).get("User") or ""),
        resources=sum(len(group) for group in (config.get("resources") or {}).values()),
    )


def _json(tree: Tree, path: str) -> Json:
    """The JSON object in a file; empty when there is no such file or it holds something else."""
    record = tree.find(path)
    if record is None or record["object_type"] != "FILE":
        return {}
    try:
        value = json.loads(tree.content(record))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
