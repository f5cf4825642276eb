"""Copies the bundle's files to the workspace: only those that changed since the last time from this folder.

What was copied is remembered in sync-snapshots/<hash>.json by modification time, so a fresh checkout copies
everything again.
"""

import json
import os
import posixpath
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from sandbox.databricks_cli import ignoring
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.clock import written
from sandbox.databricks_cli.diagnostics import Failed
from sandbox.databricks_cli.digests import md5_of
from sandbox.databricks_cli.paths import is_notebook
from sandbox.databricks_cli.record import field, record
from sandbox.databricks_cli.side_by_side import each
from sandbox.databricks_cli.values import Json, get
from sandbox.databricks_cli.workspace_files import Folder, NoFile, delete, ensure_usable, make_folder

_UPLOADS_AT_ONCE = 8
_NEVER = "0001-01-01T00:00:00Z"


@record
class Snapshot:
    """What the workspace's folder holds, as far as this folder knows: times and names by local path."""

    times: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


class Change(NamedTuple):
    """What has to be done to bring the workspace's folder up to date; all names relative to it."""

    put: list[str]
    delete: list[str]
    make: list[str]
    remove: list[str]


def files_to_sync(bundle: Bundle) -> list[str]:
    """The local files that belong in the workspace, relative to the bundle: git's, plus include, minus exclude."""
    sync = bundle.config["sync"]
    worktree = bundle.worktree or bundle.root
    prefix = Path(os.path.relpath(bundle.root, worktree)).as_posix()
    ignorer = ignoring.Ignorer(worktree)

    def ignored(path: str, *, folder: bool) -> bool:
        return ignorer.ignores(posixpath.normpath(posixpath.join(prefix, path)), folder=folder)

    found: dict[str, None] = {}
    for start in sync.get("paths") or []:
        found.update(dict.fromkeys(_walk(bundle.root, posixpath.normpath(start), ignored)))
    include = list(sync.get("include") or [])
    if include:
        found.update(dict.fromkeys(_matching(bundle.root, include)))
    exclude = ignoring.rules(list(sync.get("exclude") or []))
    return [f for f in found if not _under(exclude, f)]


def _walk(root: Path, start: str, ignored: Callable[..., bool]) -> Iterable[str]:
    top = root / start
    if top.is_file():
        if not ignored(start, folder=False):
            yield start
        return
    if start != "." and ignored(start, folder=True):
        return
    for entry in sorted(os.scandir(top), key=lambda e: e.name):
        path = posixpath.normpath(posixpath.join(start, entry.name))
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, path, ignored)
        elif entry.is_file(follow_symlinks=False) and not ignored(path, folder=False):
            yield path


def _matching(root: Path, patterns: list[str]) -> Iterable[str]:
    wanted = ignoring.rules(patterns)
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in {".git", ".databricks"}]
        for name in files:
            path = Path(os.path.relpath(Path(folder, name), root)).as_posix()
            if _under(wanted, path):
                yield path


def _under(found: list[ignoring.Rule], path: str) -> bool:
    """Whether a rule matches the file or one of its folders; the last word wins."""
    verdict = False
    for parent in ignoring.folders_of(path):
        verdict = bool(ignoring.matches(found, parent, folder=True)) or verdict
    said = ignoring.matches(found, path, folder=False)
    return verdict if said is None else said


def snapshot_of(root: Path, files: Iterable[str]) -> Snapshot:
    """Look at the local files as they are now. Raises `Failed` when two would get one name."""
    snapshot = Snapshot()
    taken: dict[str, str] = {}
    for file in files:
        local = root / file
        remote = posixpath.splitext(file)[0] if is_notebook(local) else file
        if remote in taken:
            raise Failed(
                f"both {taken[remote]} and {file} point to the same remote file location {remote}."
                " Please remove one of them from your local project"
            )
        taken[remote] = file
        snapshot.names[file] = remote
        snapshot.times[file] = written(local.stat().st_mtime_ns)
    return snapshot


def difference(before: Snapshot, after: Snapshot) -> Change:
    """What has to be done so that the workspace, now at `before`, looks like `after`."""
    gone = [name for file, name in before.names.items() if file not in after.names]
    renamed = [name for file, name in before.names.items() if after.names.get(file, name) != name]
    put = [f for f, t in after.times.items() if f not in before.times or t > before.times[f]]
    old, new = _folders(before.names), _folders(after.names)
    make = new - old
    parents = {p for folder in make for p in ignoring.folders_of(folder)}
    return Change(put, gone + renamed, sorted(make - parents), sorted(old - new, reverse=True))


def _folders(names: Iterable[str]) -> set[str]:
    return {parent for name in names for parent in ignoring.folders_of(name)}


def snapshot_file(bundle: Bundle) -> Path:
    """Where this folder remembers what it copied; one file for each host and remote folder."""
    name = md5_of(f"{bundle.api.host}{bundle.workspace('file_path')}")[:16]
    return bundle.local_folder() / "sync-snapshots" / f"{name}.json"


def load(file: Path) -> Snapshot:
    """The remembered snapshot, or an empty one."""
    try:
        known = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return Snapshot()
    return Snapshot(known.get("last_modified_times") or {}, known.get("local_to_remote_names") or {})


def save(bundle: Bundle, snapshot: Snapshot) -> None:
    """Remember what the workspace's folder holds now."""
    content: dict[str, Json] = {
        "version": "v1",
        "host": bundle.api.host,
        "remote_path": bundle.workspace("file_path"),
        "last_modified_times": dict(sorted(snapshot.times.items())),
        "local_to_remote_names": dict(sorted(snapshot.names.items())),
        "remote_to_local_names": {v: k for k, v in sorted(snapshot.names.items())},
    }
    file = snapshot_file(bundle)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")


def remembered(bundle: Bundle, files: Iterable[dict[str, Json]]) -> Snapshot:
    """The snapshot that another checkout's file list stands for: the names are known, the times are not."""
    del bundle
    names = {
        str(f["local_path"]): posixpath.splitext(str(f["local_path"]))[0]
        if f.get("is_notebook")
        else str(f["local_path"])
        for f in files
    }
    return Snapshot(dict.fromkeys(names, _NEVER), names)


def upload(bundle: Bundle) -> tuple[list[str], int, int]:
    """Bring the workspace's folder up to date; return all files, how many were copied, how many deleted.

    Raises:
        Failed: a request failed; what was copied by then stays, the snapshot is not renewed.
    """
    bundle.log.progress(f"Uploading bundle files to {bundle.workspace('file_path')}...")
    files = files_to_sync(bundle)
    bundle.make_local_folder()
    ensure_usable(bundle.api, bundle.workspace("file_path"))
    before, after = load(snapshot_file(bundle)), snapshot_of(bundle.root, files)
    change = difference(before, after)
    if change.put or change.delete:
        _apply(bundle, change)
        save(bundle, after)
    return files, len(change.put), len(change.delete)


def _apply(bundle: Bundle, change: Change) -> None:
    folder = Folder(bundle.api, bundle.workspace("file_path"))

    def remove(name: str) -> None:
        try:
            folder.delete(name)
        except NoFile:
            return

    def remove_folder(name: str) -> None:
        try:
            delete(bundle.api, folder.path(name))
        except Failed:
            return  # not empty, or gone: the real command does not care

    _together(remove, change.delete)
    for name in change.remove:
        remove_folder(name)
    _together(lambda name: make_folder(bundle.api, folder.path(name)), change.make)
    _together(lambda name: folder.write(name, (bundle.root / name).read_bytes(), overwrite=True), change.put)


def _together(work: Callable[[str], None], names: list[str]) -> None:
    """Do the work a few at a time; after a failure nothing new is begun, and the first failure is raised."""
    failures: list[Failed] = []

    def careful(name: str) -> None:
        if failures:
            return
        try:
            work(name)
        except Failed as error:
            failures.append(error)

    each(careful, names, at_once=_UPLOADS_AT_ONCE)
    if failures:
        raise failures[0]


def check_there_are_files(bundle: Bundle) -> None:
    """Warn when nothing would be copied. Makes the remote folder if it is missing: validate is not read-only."""
    if not bundle.config["sync"].get("paths"):
        return
    files = files_to_sync(bundle)
    bundle.write_gitignore()
    ensure_usable(bundle.api, bundle.workspace("file_path"))
    if files:
        return
    exclude = get(bundle.config, "sync", "exclude")
    if exclude:
        summary = "There are no files to sync, please check your .gitignore and sync.exclude configuration"
        bundle.log.caution(summary, path=("sync", "exclude"), at=getattr(exclude, "at", None))
    else:
        bundle.log.caution("There are no files to sync, please check your .gitignore")


def check_patterns(bundle: Bundle) -> None:
    """Warn about patterns of `sync.exclude` and `sync.include` that match nothing."""
    for key in ("exclude", "include"):
        for index, pattern in enumerate(bundle.config["sync"].get(key) or []):
            if not any(_matching(bundle.root, [pattern.removeprefix("!")])):
                summary = f"Pattern {pattern} does not match any files"
                bundle.log.caution(summary, path=("sync", key, index), at=getattr(pattern, "at", None))
