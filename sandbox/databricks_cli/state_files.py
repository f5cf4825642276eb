"""The state files in the workspace: which state counts, the list of files, the facts about a deployment.

ROOT/state/resources.json   what exists (state.py)        the higher serial counts, local or remote
ROOT/state/deployment.json  which files were copied       drives the deletion of old files
ROOT/state/metadata.json    commit, branch, ids           written last, and only after success
"""

import json
from pathlib import Path

from sandbox.databricks_cli import VERSION, syncing
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.clock import now
from sandbox.databricks_cli.diagnostics import Diagnostic, Failed, Refused
from sandbox.databricks_cli.go_json import dumps
from sandbox.databricks_cli.ids import new_id
from sandbox.databricks_cli.paths import is_notebook
from sandbox.databricks_cli.side_by_side import each
from sandbox.databricks_cli.state import State
from sandbox.databricks_cli.surroundings import refuse_terraform
from sandbox.databricks_cli.values import Json, get, place
from sandbox.databricks_cli.workspace_files import Folder, NoFile

_RESOURCES = "resources.json"
_TERRAFORM = "terraform.tfstate"
_DEPLOYMENT = "deployment.json"
_METADATA = "metadata.json"


def _folder(bundle: Bundle) -> Folder:
    return Folder(bundle.api, bundle.workspace("state_path"))


def _local_file(bundle: Bundle) -> Path:
    return bundle.local_folder() / _RESOURCES


def pull(bundle: Bundle, *, always: bool) -> State:
    """Return the state that counts; a newer remote one is written over the local one.

    Without `always` a local state is trusted unseen: that is how `bundle summary` shows things that are gone.
    A remote 404 means "nothing deployed yet", and is believed.

    Raises:
        Stopped: the states contradict each other, or reading one failed; it was printed.
        Refused: a state of terraform, or a first one by terraform.
    """
    local = _read_local(bundle)
    remote = None
    if always or local is None:
        remote = _read_remote(bundle)
    bundle.log.stop_if_errors()
    if local is not None and remote is not None and local.get("lineage") != remote.get("lineage"):
        shown = "\n- ".join(_described(bundle, s, is_local=s is local) for s in (remote, local))
        bundle.log.add(
            Diagnostic("Error", "lineage mismatch in state files", f"Available state files:\n- {shown}")
        )
        bundle.log.stop_if_errors()
    if local is None and remote is None and not get(bundle.config, "bundle", "engine"):
        refuse_terraform()
    bundle.api.agent_words.append("engine/direct")
    if remote is not None and (local is None or _serial(remote) > _serial(local)):
        file = _local_file(bundle)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_bytes(remote["content"])
    return State.open(_local_file(bundle))


def _serial(state: dict[str, Json]) -> int:
    return int(state.get("serial") or 0)


def _described(bundle: Bundle, state: dict[str, Json], *, is_local: bool) -> str:
    where = str(_local_file(bundle)) if is_local else _RESOURCES
    word = "local" if is_local else "remote"
    return f'{where}: {word} direct state serial={_serial(state)} lineage="{state.get("lineage") or ""}"'


def _read_local(bundle: Bundle) -> dict[str, Json] | None:
    file = _local_file(bundle)
    if Path(file.parent, "terraform", _TERRAFORM).exists():
        raise Refused("the terraform engine")
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        bundle.log.failure(error, prefix=f"parsing {file}: ")
        return None
    return content if isinstance(content, dict) else {}


def _read_remote(bundle: Bundle) -> dict[str, Json] | None:
    """Both possible states are asked for side by side; one of the terraform engine is refused by name."""
    folder = _folder(bundle)
    both = (_RESOURCES, _TERRAFORM)
    found = dict(zip(both, each(lambda n: _fetch(bundle, folder, n), both, at_once=2), strict=True))
    bundle.log.stop_if_errors()
    if found[_TERRAFORM] is not None:
        raise Refused("the terraform engine")
    content = found[_RESOURCES]
    if content is None:
        return None
    try:
        state = json.loads(content)
    except ValueError as error:
        bundle.log.failure(error, prefix=f"reading {_RESOURCES}: parsing state: ")
        return None
    return {**state, "content": content}


def _fetch(bundle: Bundle, folder: Folder, name: str) -> bytes | None:
    try:
        return folder.read(name)
    except NoFile:
        return None
    except Failed as error:
        bundle.log.failure(error, prefix=f"reading {name}: opening: ")
        return None


def push_resources(bundle: Bundle) -> None:
    """Write the local state to the workspace. Raises `Failed`."""
    file = _local_file(bundle)
    if file.exists():
        _folder(bundle).write(_RESOURCES, file.read_bytes(), overwrite=True)


def pull_deployment(bundle: Bundle) -> None:
    """Fetch the list of copied files; one that is newer than the local one replaces it and forgets all times.

    Raises:
        Failed: it cannot be read.
    """
    try:
        content = _folder(bundle).read(_DEPLOYMENT)
    except NoFile:
        return
    remote = json.loads(content)
    if int(remote.get("version") or 0) > 1:
        raise Failed(
            "remote deployment state is incompatible with the current version of the CLI, please upgrade to at least"
            f" {remote.get('cli_version')}"
        )
    file = bundle.make_local_folder() / _DEPLOYMENT
    try:
        local_seq = int(json.loads(file.read_text("utf-8"))["seq"])
    except (OSError, ValueError, KeyError):
        local_seq = -1
    if local_seq >= int(remote.get("seq") or 0):
        return
    file.write_bytes(content)
    syncing.save(bundle, syncing.remembered(bundle, remote.get("files") or []))


def push_deployment(bundle: Bundle, files: list[str]) -> str:
    """Count this deployment, write its list of files here and in the workspace, return its id. Raises `Failed`."""
    file = bundle.make_local_folder() / _DEPLOYMENT
    try:
        known = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    content = {
        "version": 1,
        "seq": int(known.get("seq") or 0) + 1,
        "cli_version": VERSION,
        "timestamp": f"{now()[:-4]}Z",  # microseconds
        "files": [{"local_path": f, "is_notebook": is_notebook(bundle.root / f)} for f in files],
        "id": known.get("id") or new_id(),
    }
    text = dumps(content)
    file.write_text(text, encoding="utf-8")
    _folder(bundle).write(_DEPLOYMENT, text.encode(), overwrite=True)
    return str(content["id"])


def push_metadata(bundle: Bundle, ids: dict[str, str]) -> None:
    """Write down which commit this target has now. Raises `Failed`."""
    git = get(bundle.config, "bundle", "git") or {}
    keys = ("branch", "origin_url", "commit", "bundle_root_path")
    mode = get(bundle.config, "bundle", "mode")
    content = {
        "version": 1,
        "config": {
            "bundle": {
                "name": bundle.name,
                "target": bundle.target,
                **({"mode": mode} if mode else {}),
                "git": {k: git[k] for k in keys if git.get(k)},
            },
            "workspace": {"file_path": bundle.workspace("file_path")},
            "resources": _resources(bundle, ids),
            "presets": {"source_linked_deployment": False},
        },
        "extra": {},
    }
    _folder(bundle).write(_METADATA, dumps(content, indent=2).encode(), overwrite=True)


def _resources(bundle: Bundle, ids: dict[str, str]) -> dict[str, Json]:
    groups: dict[str, Json] = {}
    for group, items in (("jobs", bundle.jobs()), ("pipelines", bundle.pipelines())):
        for key in sorted(items):
            at = place(items[key])
            relative = Path(at.file).relative_to(bundle.root).as_posix() if at else ""
            id_ = ids.get(f"resources.{group}.{key}")
            groups.setdefault(group, {})[key] = {**({"id": id_} if id_ else {}), "relative_path": relative}
    return groups
