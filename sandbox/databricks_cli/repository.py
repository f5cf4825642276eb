"""Reads what git knows about a folder from its files, without starting git."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.diagnostics import Log
from sandbox.databricks_cli.values import Map, merge


class Details(NamedTuple):
    """What is checked out in a worktree. Empty where it could not be found out: a detached HEAD has no branch."""

    worktree: Path | None = None
    branch: str = ""
    commit: str = ""
    origin_url: str = ""


def read(folder: Path, log: Log) -> Details:
    """Return what git says about `folder`; no repository is no error."""
    worktree = next((f for f in (folder, *folder.parents) if (f / ".git").exists()), None)
    if worktree is None:
        return Details()
    if not os.environ.get("HOME"):
        log.line("Warn: failed to read .git: unable to load user specific gitconfig: $HOME is not set")
        return Details(worktree)
    try:
        own, common = _folders(worktree)
        head = (own / "HEAD").read_text("utf-8").strip()
    except OSError as error:
        log.line(f"Warn: failed to read .git: {error}")
        return Details(worktree)
    reference = head.removeprefix("ref: ") if head.startswith("ref: ") else ""
    branch = reference.removeprefix("refs/heads/")
    commit = _commit(reference, own, common) if reference else head
    return Details(worktree, branch, commit, _origin(common))


def _folders(worktree: Path) -> tuple[Path, Path]:
    """The folder of this worktree's HEAD, and the one that all worktrees share."""
    dot_git = worktree / ".git"
    if dot_git.is_dir():
        return dot_git, dot_git
    own = Path(worktree, dot_git.read_text("utf-8").removeprefix("gitdir: ").strip())
    shared = own / "commondir"
    return own, Path(own, shared.read_text("utf-8").strip()) if shared.exists() else own


def _commit(reference: str, own: Path, common: Path) -> str:
    for folder in (own, common):
        if (folder / reference).is_file():
            return (folder / reference).read_text("utf-8").strip()
    packed = common / "packed-refs"
    if packed.is_file():
        for line in packed.read_text("utf-8").splitlines():
            if line.endswith(f" {reference}"):
                return line.split(" ")[0]
    return ""


def _origin(common: Path) -> str:
    """The address of `origin`, without a password that somebody wrote into it."""
    try:
        lines = (common / "config").read_text("utf-8").splitlines()
    except OSError:
        return ""
    section = url = ""
    for line in map(str.strip, lines):
        name, _, value = line.partition("=")
        if line.startswith("["):
            section = line
        elif section == '[remote "origin"]' and name.strip().lower() == "url":
            url = value.strip()
    return re.sub(r"^(https?://)[^@/]*@", r"\1", url)


def note(bundle: Bundle) -> None:
    """Write branch, commit and origin into the configuration; what the configuration says stays."""
    found = read(bundle.root, bundle.log)
    bundle.worktree = found.worktree or bundle.root
    known = {
        "actual_branch": found.branch,
        "branch": found.branch,
        "commit": found.commit,
        "origin_url": found.origin_url,
        "bundle_root_path": Path(os.path.relpath(bundle.root, bundle.worktree)).as_posix(),
    }
    configured = (bundle.config.get("bundle") or Map()).get("git") or Map()
    details = {k: v for k, v in known.items() if v and (k == "actual_branch" or not configured.get(k))}
    bundle.config["bundle"]["git"] = merge(configured, details)
