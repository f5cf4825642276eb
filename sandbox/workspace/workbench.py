"""A task's workbench: a temporary folder with the workspace's files, the wheels unpacked, and a spec.

`driver.py` runs what the spec says. Files lie where they lie in the workspace, so that a file finds its
neighbours; notebooks get their extension back.
"""

import importlib.metadata
import json
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sandbox.workspace.call import ApiError
from sandbox.workspace.notebooks import cells_of, source_of
from sandbox.workspace.shelf import Json
from sandbox.workspace.tree import Tree, canonical, parent_of

DRIVER = Path(__file__).with_name("driver.py")


class CannotRun(Exception):
    """A task that the sandbox does not run, or whose files are not there."""


@dataclass(frozen=True)
class Workbench:
    """Where one task runs: `command` in `folder`, and the file that tells how it went."""

    command: list[str]
    folder: Path
    result: Path

    def outcome(self) -> Json:
        """What the driver wrote; empty when the process ended before it could."""
        try:
            outcome: Json = json.loads(self.result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return outcome


class Materials:
    """Takes files out of the workspace into the folder `below`."""

    def __init__(self, tree: Tree, below: Path) -> None:
        self.tree = tree
        self.below = below

    def lay_out(self, path: str) -> None:
        """Copy a workspace folder (or one file) with all that is in it."""
        record = self.tree.find(path)
        if record is None:
            raise CannotRun(f"{path} does not exist in the workspace")
        inside = self.tree.below(path) if record["object_type"] == "DIRECTORY" else [record]
        for item in inside:
            place = self.place(item)
            if item["object_type"] == "DIRECTORY":
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(self.tree.content(item))

    def place(self, record: Json) -> Path:
        """Where a thing of the workspace lies here."""
        name = str(record["path"]) + str(record.get("suffix", ""))
        return self.below / name.lstrip("/")

    def unpack(self, path: str) -> Path:
        """Unpack a wheel of the workspace and return the folder to import from."""
        record = self.tree.find(path)
        if record is None or record["object_type"] != "FILE":
            raise CannotRun(f"the wheel {path} is not in the workspace")
        folder = self.below / "wheels" / PurePosixPath(path).stem
        folder.mkdir(parents=True, exist_ok=True)
        self.lay_out(path)
        with zipfile.ZipFile(self.place(record)) as wheel:
            wheel.extractall(folder)
        return folder


def bundle_files(settings: Json, target: str) -> str:
    """The folder that belongs to a task: the deployed bundle's files, else where its file lies."""
    metadata = (settings.get("deployment") or {}).get("metadata_file_path")
    if metadata:
        files = f"{parent_of(parent_of(metadata))}/files"
        if canonical(target).startswith(canonical(files) + "/"):
            return files
    return parent_of(target)


def dependencies(settings: Json, task: Json) -> list[str]:
    """What a task wants installed: of its environment and of its own `libraries`."""
    environments = {e["environment_key"]: e.get("spec") or {} for e in settings.get("environments") or []}
    listed: list[str] = list(environments.get(task.get("environment_key"), {}).get("dependencies") or [])
    for library in task.get("libraries") or []:
        if "whl" in library:
            listed.append(library["whl"])
        elif "pypi" in library:
            listed.append(library["pypi"]["package"])
        else:
            raise CannotRun(f"the sandbox does not install the library {json.dumps(library)}")
    return listed


def import_folders(materials: Materials, wanted: list[str]) -> list[str]:
    """Unpack the wheels among `wanted`; other packages must be installed where the sandbox runs."""
    folders = []
    for name in wanted:
        if name.endswith(".whl"):
            folders.append(str(materials.unpack(name)))
        else:
            _must_be_installed(name)
    return folders


def _must_be_installed(requirement: str) -> None:
    package = re.split(r"[\s;<>=!~\[]", requirement.strip(), maxsplit=1)[0]
    try:
        importlib.metadata.distribution(package)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        raise CannotRun(
            f"the sandbox installs only wheels that lie in the workspace; '{requirement}' is not one, "
            "and no such package is installed where the sandbox runs"
        ) from None


def set_up(tree: Tree, below: Path, settings: Json, task: Json, values: dict[str, Json]) -> Workbench:
    """Prepare everything for one task below the (empty) folder `below`.

    `task` has its parameters filled in; `task["given"]` holds the run's job parameters by name.

    Raises:
        CannotRun: the task's file or wheel is missing, or the sandbox cannot run this kind of task.
    """
    materials = Materials(tree, below)
    spec = _spec(materials, settings, task)
    spec |= {"values": values, "result": str(below / "result.json")}
    spec_file = below / "spec.json"
    spec_file.write_text(json.dumps(spec), encoding="utf-8")
    command = [sys.executable, "-I", "-B", "-u", "-X", "utf8", str(DRIVER), str(spec_file)]
    return Workbench(command, Path(spec["folder"]), below / "result.json")


def _spec(materials: Materials, settings: Json, task: Json) -> Json:
    try:
        folders = import_folders(materials, dependencies(settings, task))
        if "python_wheel_task" in task:
            return _wheel_spec(materials, task, folders)
        if "notebook_task" in task:
            return _notebook_spec(materials, settings, task, folders)
        if "spark_python_task" in task:
            return _file_spec(materials, settings, task, folders)
    except ApiError as error:
        raise CannotRun(error.message) from error
    except KeyError as error:
        raise CannotRun(f"the task {task.get('task_key', '')} lacks {error}") from error
    except (ValueError, zipfile.BadZipFile) as error:
        raise CannotRun(
            f"the task {task.get('task_key', '')} has a file that cannot be read: {error}"
        ) from error
    kinds = [name for name in task if name.endswith("_task")]
    raise CannotRun(f"the sandbox does not run this kind of task: {', '.join(kinds) or 'none given'}")


def _file_spec(materials: Materials, settings: Json, task: Json, folders: list[str]) -> Json:
    asked = task["spark_python_task"]
    path, root = _laid_out(materials, settings, asked, asked["python_file"])
    argv = [str(path), *[str(p) for p in asked.get("parameters") or []]]
    return {
        "kind": "file",
        "target": str(path),
        "folder": str(path.parent),
        "paths": [str(path.parent), str(root), *folders],
        "argv": argv,
        "widgets": {},
    }


def _notebook_spec(materials: Materials, settings: Json, task: Json, folders: list[str]) -> Json:
    asked = task["notebook_task"]
    path, root = _laid_out(materials, settings, asked, asked["notebook_path"])
    cells = [vars(cell) for cell in cells_of(source_of(path.read_bytes()))]
    widgets = {**(asked.get("base_parameters") or {}), **task["given"]}
    return {
        "kind": "notebook",
        "target": str(path),
        "folder": str(path.parent),
        "paths": [str(path.parent), str(root), *folders],
        "argv": [str(path)],
        "widgets": {name: str(value) for name, value in widgets.items()},
        "cells": cells,
    }


def _wheel_spec(materials: Materials, task: Json, folders: list[str]) -> Json:
    asked = task["python_wheel_task"]
    named = asked.get("named_parameters")
    argv = [str(p) for p in asked.get("parameters") or []]
    if named is not None:
        argv = [f"--{name}={value}" for name, value in {**named, **task["given"]}.items()]
    return {
        "kind": "wheel",
        "target": "",
        "folder": str(materials.below),
        "paths": folders,
        "argv": [asked["package_name"], *argv],
        "widgets": {},
        "package": asked["package_name"],
        "entry_point": asked["entry_point"],
    }


def _laid_out(materials: Materials, settings: Json, asked: Json, target: str) -> tuple[Path, Path]:
    """Lay out the files around `target`; returns where it lies now and the folder that belongs to it."""
    if asked.get("source") == "GIT":
        raise CannotRun(f"the sandbox runs files of the workspace, not of a git repository: {target}")
    record = materials.tree.find(target)
    if record is None or record["object_type"] == "DIRECTORY":
        raise CannotRun(f"{target} does not exist in the workspace")
    root = bundle_files(settings, target)
    materials.lay_out(root)
    return materials.place(record), materials.below / canonical(root).lstrip("/")
