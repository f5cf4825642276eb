"""Built files: runs the bundle's own `build` commands, finds the wheels, and says where they will be.

prepare  fills in what an artifact leaves out          (every command)
build    runs the commands, rewrites paths to remote   (plan and deploy: a plan runs code of the bundle)
upload   empties the remote folder and fills it again  (deploy)
"""

import contextlib
import os
import posixpath
import re
from pathlib import Path as LocalPath

from sandbox.databricks_cli import variables
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.client import ApiError
from sandbox.databricks_cli.diagnostics import Diagnostic, Failed
from sandbox.databricks_cli.globs import is_pattern, matching
from sandbox.databricks_cli.libraries import is_local_library, without_extras
from sandbox.databricks_cli.side_by_side import each
from sandbox.databricks_cli.values import NOWHERE, Holder, Json, Location, Path, find, located, place
from sandbox.databricks_cli.workspace_files import Folder, delete, make_folder

_FOLDER = ".internal"
_UPLOADS_AT_ONCE = 5
_WHEEL = r"(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl"

_TASK = ("resources", "jobs", "*", "tasks", "*")
_LIBRARY_LISTS = ((*_TASK, "libraries"), (*_TASK, "for_each_task", "task", "libraries"))
_DEPENDENCY_LISTS = (
    ("resources", "jobs", "*", "environments", "*", "spec", "dependencies"),
    ("resources", "pipelines", "*", "environment", "dependencies"),
)


def prepare(bundle: Bundle) -> None:
    """Give every artifact a folder, and files to look for after its build."""
    if (
        bundle.config.get("artifacts") is None
        and (bundle.root / "setup.py").is_file()
        and _local_wheels(bundle)
    ):
        bundle.config["artifacts"] = {"python_artifact": {"type": "whl"}}
    for name in sorted(bundle.config.get("artifacts") or {}):
        artifact = bundle.config["artifacts"][name]
        if not artifact:
            at = place(bundle.config["artifacts"])
            raise Failed("Artifact not properly configured", "please specify artifact properties", at)
        written = place(artifact)
        folder = LocalPath(written.file).parent if written else bundle.root
        artifact["path"] = str(bundle.root / (artifact.get("path") or "."))
        artifact["path"] = os.path.normpath(artifact["path"])
        files = [
            located({"source": os.path.normpath(folder / f["source"])}, place(f))
            for f in artifact.get("files") or []
        ]
        if artifact.get("type") == "whl":
            if not artifact.get("build") and not files:
                artifact["build"] = "python3 setup.py bdist_wheel"
            files = files or [{"source": str(LocalPath(artifact["path"], "dist", "*.whl"))}]
        if not artifact.get("build") and not files:
            raise Failed("misconfigured artifact: please specify 'build' or 'files' property")
        artifact["files"] = files
        if files and not artifact.get("build"):
            _expand(artifact, name)


def _local_wheels(bundle: Bundle) -> bool:
    return any(
        is_local_library(str(library.get(kind) or ""))
        for pattern in _LIBRARY_LISTS
        for container, key, _ in find(bundle.config, pattern)
        for library in container[key] or []
        for kind in ("whl", "jar")
    )


def _expand(artifact: Json, name: str) -> None:
    found: list[dict[str, str]] = []
    for index, file in enumerate(artifact["files"]):
        matches = _latest(matching(LocalPath(file["source"])))
        if not matches:
            path: Path = ("artifacts", name, "files", index, "source")
            raise _Unmatched(f"{file['source']}: no matching files", path, place(file) or NOWHERE)
        found += [{"source": match} for match in matches]
    artifact["files"] = found


class _Unmatched(Failed):
    def __init__(self, summary: str, path: Path, at: Location | None) -> None:
        super().__init__(summary, at=at)
        self.path = path


def _latest(files: list[str]) -> list[str]:
    """Of several wheels of one package only the newest version, by a rough comparison of versions."""
    best: dict[str, str] = {}
    for file in files:
        match = re.fullmatch(_WHEEL, LocalPath(file).name)
        key = match["name"] if match else file
        if key not in best or (match and _version(file) > _version(best[key])):
            best[key] = file
    return list(best.values())


def _version(file: str) -> list[tuple[int, int, str]]:
    match = re.fullmatch(_WHEEL, LocalPath(file).name)
    chunks = re.findall(r"\d+|[a-zA-Z]+", match["version"]) if match else []
    return [(1, int(chunk), "") if chunk.isdigit() else (0, 0, chunk) for chunk in chunks]


def build(bundle: Bundle) -> dict[str, None]:
    """Run the builds and point the configuration at the workspace; return the local files to upload.

    Raises:
        Failed: a build failed, or a pattern matches nothing.
    """
    for name in sorted(bundle.config.get("artifacts") or {}):
        artifact = bundle.config["artifacts"][name]
        if artifact.get("build"):
            _run(bundle, name, artifact)
            try:
                _expand(artifact, name)
            except _Unmatched as error:
                bundle.log.add(Diagnostic("Error", error.summary, path=error.path, at=error.at))
                bundle.log.stop_if_errors()
    variables.resolve_settings(bundle)
    variables.resolve_resources(bundle, ("artifacts",))
    _expand_libraries(bundle)
    return _point_to_workspace(bundle)


def _run(bundle: Bundle, name: str, artifact: dict[str, Json]) -> None:
    import shutil  # noqa: PLC0415 - only here, and slow to load
    import subprocess  # noqa: PLC0415

    bundle.log.progress(f"Building {name}...")
    shell = artifact.get("executable") or ("bash" if shutil.which("bash") else "sh")
    artifact["executable"] = shell
    done = subprocess.run(
        [shell, "-ec", artifact["build"]],
        cwd=artifact["path"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        output = done.stdout.decode("utf-8", "replace")
        raise Failed(f"build failed {name}, error: exit status {done.returncode}, output: {output}")


def _expand_libraries(bundle: Bundle) -> None:
    """Put the files that a pattern matches in place of the pattern."""
    for patterns, expand in (
        (_LIBRARY_LISTS, _expanded_libraries),
        (_DEPENDENCY_LISTS, _expanded_dependencies),
    ):
        for pattern in patterns:
            for container, key, path in list(find(bundle.config, pattern)):
                items = expand(bundle, container[key] or [], path)
                container[key] = located(items, place(container[key]))
    bundle.log.stop_if_errors()


def _expanded_libraries(bundle: Bundle, libraries: list[Json], path: Path) -> list[Json]:
    items: list[Json] = []
    for index, library in enumerate(libraries):
        kind = next((k for k in ("whl", "jar") if library.get(k)), "")
        if kind and is_local_library(library[kind]):
            found = _matches(bundle, library[kind], (*path, index, kind))
            items += [located({kind: match}, place(library)) for match in found]
        else:
            items.append(library)
    return items


def _expanded_dependencies(bundle: Bundle, dependencies: list[Json], path: Path) -> list[Json]:
    items: list[Json] = []
    for index, text in enumerate(dependencies):
        if is_local_library(text):
            file, extras = without_extras(text)
            items += [located(m + extras, place(text)) for m in _matches(bundle, file, (*path, index))]
        else:
            items.append(text)
    return items


def _matches(bundle: Bundle, pattern: str, path: Path) -> list[str]:
    found = _latest(matching(bundle.root / pattern))
    if not found:
        what = (
            f"no files match pattern: {pattern}" if is_pattern(pattern) else f"file doesn't exist {pattern}"
        )
        bundle.log.add(Diagnostic("Error", what, path=path, at=place(pattern)))
    return [f"./{LocalPath(os.path.relpath(file, bundle.root)).as_posix()}" for file in found]


def _point_to_workspace(bundle: Bundle) -> dict[str, None]:
    remote = posixpath.join(bundle.workspace("artifact_path"), _FOLDER)
    uploads: dict[str, None] = {}
    holders: list[Holder] = [
        holder
        for pattern in _LIBRARY_LISTS
        for kind in ("whl", "jar")
        for holder in find(bundle.config, (*pattern, "*", kind))
    ]
    holders += [holder for pattern in _DEPENDENCY_LISTS for holder in find(bundle.config, (*pattern, "*"))]
    for container, key, _ in holders:
        text = container[key]
        if isinstance(text, str) and is_local_library(text):
            file, extras = without_extras(text)
            source = os.path.normpath(bundle.root / file)
            uploads[source] = None
            container[key] = located(posixpath.join(remote, LocalPath(source).name) + extras, place(text))
    for container, key, _ in find(bundle.config, ("artifacts", "*", "files", "*")):
        source = container[key]["source"]
        uploads[source] = None
        container[key]["remote_path"] = posixpath.join(remote, LocalPath(source).name)
    return uploads


def upload(bundle: Bundle, files: dict[str, None]) -> None:
    """Empty the remote folder of built files and fill it again: the old wheels are gone in between.

    Raises:
        Failed: the folder cannot be made or a file cannot be put there.
    """
    folder = Folder(bundle.api, posixpath.join(bundle.workspace("artifact_path"), _FOLDER))
    with contextlib.suppress(ApiError):  # the real command does not care either
        delete(bundle.api, folder.root, recursive=True)
    try:
        make_folder(bundle.api, folder.root)
    except ApiError as error:
        raise Failed(
            f"unable to create directory for {folder.root}: {error.message}", error.detail
        ) from error
    for file in sorted(files):
        bundle.log.progress(f"Uploading {LocalPath(os.path.relpath(file, bundle.root)).as_posix()}...")
    outcomes = each(lambda file: _upload(folder, file), sorted(files), at_once=_UPLOADS_AT_ONCE)
    failures = [outcome for outcome in outcomes if outcome is not None]
    if failures:
        raise failures[0]


def _upload(folder: Folder, file: str) -> Failed | None:
    name = LocalPath(file).name
    try:
        folder.write(name, LocalPath(file).read_bytes(), overwrite=True)
    except OSError:
        return Failed(f"unable to open {file}: no such file or directory")
    except Failed as error:
        return Failed(f"unable to import {name}: {error.summary}", error.detail)
    return None
