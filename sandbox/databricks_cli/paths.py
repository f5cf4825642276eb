"""Local paths in jobs and pipelines: made relative to the bundle, then turned into workspace paths.

Source: the patterns of bundle/config/mutator/paths in the real command.
"""

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path as LocalPath
from typing import Literal

from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.diagnostics import Failed, Refused
from sandbox.databricks_cli.globs import is_pattern, matching
from sandbox.databricks_cli.libraries import is_local_library
from sandbox.databricks_cli.values import Json, Path, find, get, located, path_text, place

Kind = Literal["notebook", "file", "folder", "glob", "library", "local folder"]

_TASK_PATHS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (("notebook_task", "notebook_path"), "notebook"),
    (("spark_python_task", "python_file"), "file"),
    (("dbt_task", "project_directory"), "folder"),
    (("sql_task", "file", "path"), "file"),
    (("libraries", "*", "requirements"), "file"),
    (("libraries", "*", "whl"), "library"),
    (("libraries", "*", "jar"), "library"),
)
_JOB = ("resources", "jobs", "*")
_PIPELINE = ("resources", "pipelines", "*")

PATTERNS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    *(((*_JOB, "tasks", "*", *tail), kind) for tail, kind in _TASK_PATHS),
    *(((*_JOB, "tasks", "*", "for_each_task", "task", *tail), kind) for tail, kind in _TASK_PATHS),
    ((*_JOB, "environments", "*", "spec", "dependencies", "*"), "library"),
    ((*_PIPELINE, "libraries", "*", "notebook", "path"), "notebook"),
    ((*_PIPELINE, "libraries", "*", "file", "path"), "file"),
    ((*_PIPELINE, "libraries", "*", "glob", "include"), "glob"),
    ((*_PIPELINE, "root_path"), "folder"),
    ((*_PIPELINE, "environment", "dependencies", "*"), "library"),
    (("artifacts", "*", "path"), "local folder"),
)

_NOTEBOOK_ENDINGS = {
    ".py": b"# Databricks notebook source",
    ".r": b"# Databricks notebook source",
    ".scala": b"// Databricks notebook source",
    ".sql": b"-- Databricks notebook source",
}
_PIP_FLAG = r"(-r|-e) +(.*)"


def is_notebook(file: LocalPath) -> bool:
    """Whether the workspace will take a local file for a notebook: by its ending and its first line."""
    if file.suffix.lower() == ".ipynb":
        return True
    magic = _NOTEBOOK_ENDINGS.get(file.suffix.lower())
    if magic is None:
        return False
    with file.open("rb") as stream:
        return stream.read(32).splitlines()[:1] == [magic]


def _holders(bundle: Bundle, only: set[Kind] | None = None) -> Iterator[tuple[Json, str | int, Path, Kind]]:
    from_git = {name for name, job in bundle.jobs().items() if job.get("git_source")}
    for pattern, kind in PATTERNS:
        if only is not None and kind not in only:
            continue
        for container, key, path in list(find(bundle.config, pattern)):
            if path[:2] == ("resources", "jobs") and path[2] in from_git:
                continue
            if isinstance(container[key], str):
                yield container, key, path, kind


def _is_remote(text: str) -> bool:
    return text.startswith("/") or bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text))


def normalize(bundle: Bundle) -> None:
    """Make every local path of a resource relative to the bundle instead of to the file it is written in."""
    for container, key, _, kind in _holders(bundle):
        text = container[key]
        flag = re.fullmatch(_PIP_FLAG, text) if kind == "library" else None
        if flag:
            container[key] = located(f"{flag[1]} {_from_root(bundle, flag[2], text)}", place(text))
        elif kind not in {"library", "local folder"} or (kind == "library" and is_local_library(text)):
            container[key] = located(_from_root(bundle, text, text), place(text))


def _from_root(bundle: Bundle, text: str, written: Json) -> str:
    if _is_remote(text):
        return text
    at = place(written)
    folder = os.path.relpath(LocalPath(at.file).parent, bundle.root) if at else "."
    return posixpath.normpath(posixpath.join(LocalPath(folder).as_posix(), text))


def expand_pipeline_globs(bundle: Bundle) -> None:
    """Replace a library with a pattern by one library for each file that matches it."""
    for pipeline in bundle.pipelines().values():
        libraries = []
        for library in pipeline.get("libraries") or []:
            kind = next((k for k in ("notebook", "file") if get(library, k, "path")), "")
            text = get(library, kind, "path") if kind else ""
            if not kind or _is_remote(text) or not is_pattern(text):
                libraries.append(library)
                continue
            matches = matching(bundle.root / text)
            if not matches:
                raise Failed(f"no files match pattern: {text}", at=place(text))
            libraries += [
                located(
                    {
                        kind: {
                            "path": located(
                                LocalPath(os.path.relpath(m, bundle.root)).as_posix(), place(text)
                            )
                        }
                    },
                    place(library),
                )
                for m in matches
            ]
        if pipeline.get("libraries"):
            pipeline["libraries"] = located(libraries, place(pipeline["libraries"]))


def translate(bundle: Bundle) -> None:
    """Turn local paths into the workspace paths where sync will put them: all of them or, after an error, none.

    Raises:
        Failed: a path leads to nothing, or to a file where a notebook is wanted.
    """
    remote = bundle.workspace("file_path")
    found = [
        (c, key, _translated(bundle, c[key], path, kind, remote)) for c, key, path, kind in _holders(bundle)
    ]
    for container, key, new in found:
        if new is not None:
            container[key] = located(new, place(container[key]))


def _translated(bundle: Bundle, text: str, path: Path, kind: Kind, remote: str) -> str | None:
    flag = re.fullmatch(_PIP_FLAG, text) if kind == "library" else None
    if flag:
        if _is_remote(flag[2]):
            return None
        return f"{flag[1]} {posixpath.join(remote, _existing(bundle, flag[2], path, 'file'))}"
    if kind == "library":
        return _with_dot(text) if is_local_library(text) else None
    if _is_remote(text):
        return None
    if kind == "local folder":
        folder = bundle.root / text
        if not folder.is_dir():
            raise Failed(f"directory {text} not found")
        return str(LocalPath(os.path.normpath(folder)))
    return posixpath.join(remote, _existing(bundle, text, path, kind))


def _with_dot(text: str) -> str:
    clean = posixpath.normpath(text)
    return clean if clean.startswith(".") else f"./{clean}"


def _existing(bundle: Bundle, text: str, path: Path, kind: Kind) -> str:
    """The path as the workspace names it, after a look that it is there and of the right kind."""
    clean = posixpath.normpath(text)
    local = bundle.root / clean
    if clean.startswith(".."):
        raise Failed(f"path {os.path.normpath(local)} is not contained in sync root path")
    match kind:
        case "folder":
            if not local.is_dir():
                raise Failed(
                    f"{local} is not a directory"
                    if local.exists()
                    else f"stat {clean}: no such file or directory"
                )
        case "file" | "notebook":
            if kind == "file" and local.is_dir():
                folder = os.path.normpath(local)
                raise Failed(
                    f"unable to determine if {folder} is not a notebook: read {bundle.root}/{clean}: is a directory"
                )
            if not local.is_file():
                raise Failed(_not_found(bundle, text, kind))
            _check_kind(local, path, kind)
            if kind == "notebook" and not clean.endswith(".designer.ipynb"):
                return posixpath.splitext(clean)[0]
        case _:
            pass
    return clean


def _check_kind(local: LocalPath, path: Path, kind: Kind) -> None:
    if is_notebook(local) == (kind == "notebook"):
        return
    wanted, got = ("notebook", "file") if kind == "notebook" else ("file", "notebook")
    negation = "not a" if kind == "notebook" else "a"
    raise Failed(
        f'expected a {wanted} for "{path_text(path)}" but got a {got}: file at {local} is {negation} notebook'
    )


def _not_found(bundle: Bundle, text: str, kind: Kind) -> str:
    if kind == "file":
        return f"file {text} not found"
    if LocalPath(text).suffix:
        return f"notebook {text} not found"
    endings = [*_NOTEBOOK_ENDINGS, ".ipynb"]
    for ending in endings:
        if (bundle.root / f"{text}{ending}").is_file():
            return (
                f'notebook "{text}" not found. Did you mean "{text}{ending}"?\n'
                "Local notebook references are expected to contain one of the following\n"
                f"file extensions: [{', '.join(endings)}]"
            )
    return (
        f'notebook "{text}" not found. Local notebook references are expected\n'
        f"to contain one of the following file extensions: [{', '.join(endings)}]"
    )


def relative_to_root(bundle: Bundle, text: str) -> str:
    """Rewrite a pattern of `sync` relative to the bundle. Patterns that leave the bundle are not supported."""
    new = _from_root(bundle, text, text)
    if new.startswith(".."):
        raise Refused(f"a path outside the bundle in `sync` ({text})")
    return new
