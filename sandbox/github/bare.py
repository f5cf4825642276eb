"""One bare repository, asked and changed with the `git` command.

Objects never change, so what is said about them by SHA is remembered; refs are read anew each time.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sandbox.github.objects import (
    Commit,
    FileChange,
    GitFailed,
    MergeTree,
    Person,
    Tag,
    parse_commit,
    parse_tag,
)
from sandbox.github.ref_files import refs_in

T = TypeVar("T")

ZERO = "0" * 40
_SHA = re.compile(r"[0-9a-f]{40}")
_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}")


class RefMoved(Exception):
    """A ref was not where it was expected to be; nothing was changed."""


def environment(home: Path) -> dict[str, str]:
    """Return variables under which git sees nobody's settings but the repository's own."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        # Folders that another user owns are served as well, as when a sandbox was copied.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }


class BareRepository:
    """A bare repository at `path`. With `refs_then`, one whose refs are as they were at some moment."""

    def __init__(
        self, path: Path, refs_then: dict[str, str] | None = None, memory: dict[Any, Any] | None = None
    ) -> None:
        self.path = path
        self.refs_then = refs_then
        self.memory: dict[Any, Any] = {} if memory is None else memory

    @classmethod
    def create(cls, path: Path, default_branch: str) -> "BareRepository":
        path.mkdir(parents=True)
        self = cls(path)
        # Without a template: nobody needs examples of hooks.
        self.run("init", "--quiet", "--bare", "--template=", "--initial-branch", default_branch, ".")
        for key, value in {
            "http.receivepack": "true",
            "uploadpack.allowFilter": "true",
            "uploadpack.allowAnySHA1InWant": "true",
            "receive.hideRefs": "refs/pull",
            "core.logAllRefUpdates": "false",
            "gc.auto": "0",
            "receive.autogc": "false",
        }.items():
            self.run("config", key, value)
        return self

    def at_this_moment(self) -> "BareRepository":
        return BareRepository(self.path, self.refs(), self.memory)

    # -- running git

    def call(
        self, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        env = environment(self.path) | dict(variables or {})
        return subprocess.run(
            ["git", *arguments], cwd=self.path, env=env, input=stdin, capture_output=True, check=False
        )

    def run(self, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None) -> str:
        """Return what a git command prints, without the last line end.

        Raises:
            GitFailed: it did not exit with 0.
        """
        done = self.call(*arguments, stdin=stdin, variables=variables)
        if done.returncode:
            raise GitFailed(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode(errors="replace").rstrip("\n")

    def once(self, key: tuple[str, ...], compute: Callable[[], T]) -> T:
        if key not in self.memory:
            self.memory[key] = compute()
        found: T = self.memory[key]
        return found

    # -- refs

    def refs(self) -> dict[str, str]:
        """Full ref name -> SHA it holds (of the tag object, for an annotated tag)."""
        if self.refs_then is not None:
            return self.refs_then
        return refs_in(self.path)

    def ref(self, name: str) -> str | None:
        return self.refs().get(name)

    def branches(self) -> dict[str, str]:
        return {
            n.removeprefix("refs/heads/"): s for n, s in self.refs().items() if n.startswith("refs/heads/")
        }

    def tags(self) -> dict[str, str]:
        return {n.removeprefix("refs/tags/"): s for n, s in self.refs().items() if n.startswith("refs/tags/")}

    def update_ref(self, name: str, new: str, old: str = ZERO) -> None:
        """Move a ref from `old` to `new` in one step. Zeros mean absent: create it, or delete it.

        Raises:
            RefMoved: the ref was not at `old`.
        """
        options = ["-d", name, old] if new == ZERO else [name, new, old]
        if self.call("update-ref", *options).returncode:
            raise RefMoved(f"{name} is not at {old}")

    def bring(self, other: "BareRepository", branch: str) -> str | None:
        """The commit of another repository's branch, which is here, too, from now on; None where there is none."""
        sha = other.ref(f"refs/heads/{branch}")
        if sha is not None and self.type_of(sha) is None:
            self.run("fetch", "--quiet", "--no-write-fetch-head", str(other.path), f"refs/heads/{branch}")
        return sha

    def name_is_valid(self, name: str) -> bool:
        return self.call("check-ref-format", name).returncode == 0

    # -- objects

    def type_of(self, sha: str) -> str | None:
        """commit, tag, tree or blob; None when there is no such object."""
        key = ("type", sha)
        if key not in self.memory:
            done = self.call("cat-file", "-t", sha)
            if done.returncode:
                return None
            self.memory[key] = done.stdout.decode().strip()
        return str(self.memory[key])

    def peel(self, sha: str) -> str | None:
        """The commit that an object is or points to."""
        kind = self.type_of(sha)
        if kind == "tag":
            return self.peel(self.tag(sha).object)
        return sha if kind == "commit" else None

    def resolve(self, name: str) -> str | None:
        """The commit a person means by a branch, a tag, `heads/x`, `tags/x` or a SHA (short ones too)."""
        refs = self.refs()
        for prefix in ("refs/heads/", "refs/tags/", "refs/", ""):
            if found := refs.get(prefix + name):
                return self.peel(found)
        if name == "HEAD":
            return refs.get(self.run("symbolic-ref", "HEAD"))
        if _SHA.fullmatch(name):
            return self.peel(name)
        if _SHORT_SHA.fullmatch(name):
            done = self.call("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")
            return done.stdout.decode().strip() or None
        return None

    def commit(self, sha: str) -> Commit:
        return self.commits([sha])[0]

    def commits(self, shas: list[str]) -> list[Commit]:
        """Return commits in the order asked for, reading all unknown ones with one command."""
        missing = [sha for sha in shas if ("commit", sha) not in self.memory]
        if missing:
            self._read_commits(missing)
        return [self.memory["commit", sha] for sha in shas]

    def _read_commits(self, shas: list[str]) -> None:
        data = self.call("cat-file", "--batch", stdin="\n".join(shas).encode()).stdout
        at = 0
        for sha in shas:
            end = data.index(b"\n", at)
            header = data[at:end].decode().split()
            if header[1:2] != ["commit"]:
                raise GitFailed(f"{sha} is not a commit")
            size = int(header[2])
            self.memory["commit", sha] = parse_commit(sha, data[end + 1 : end + 1 + size])
            at = end + 1 + size + 1

    def tag(self, sha: str) -> Tag:
        return self.once(("tag", sha), lambda: parse_tag(sha, self.call("cat-file", "tag", sha).stdout))

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `old` is contained in `new`; a commit contains itself."""
        key = ("ancestor", old, new)
        return self.once(key, lambda: self.call("merge-base", "--is-ancestor", old, new).returncode == 0)

    def merge_base(self, one: str, other: str) -> str | None:
        key = ("base", one, other)
        return self.once(
            key, lambda: self.call("merge-base", one, other).stdout.decode().split("\n")[0] or None
        )

    def ahead_behind(self, base: str, head: str) -> tuple[int, int]:
        """How many commits only `head` has, and how many only `base` has."""

        def compute() -> tuple[int, int]:
            behind, ahead = self.run("rev-list", "--left-right", "--count", f"{base}...{head}").split()
            return int(ahead), int(behind)

        return self.once(("ahead", base, head), compute)

    def between(self, base: str, head: str) -> list[str]:
        """Commits of `head` that `base` lacks, oldest first."""
        key = ("between", base, head)
        return self.once(
            key, lambda: self.run("rev-list", "--reverse", "--topo-order", f"{base}..{head}").split()
        )

    def history(self, sha: str, *options: str, path: str = "") -> list[str]:
        """Commits reachable from `sha`, newest first; `options` are those of `git rev-list`."""
        key = ("history", sha, *options, path)
        tail = ["--", path] if path else []
        return self.once(key, lambda: self.run("rev-list", *options, sha, *tail).split())

    def changes(self, base: str, head: str) -> list[FileChange]:
        """Files that differ from `base` (a commit or a tree) to `head`, renames found."""
        return self.once(("changes", base, head), lambda: self._changes(base, head))

    def _changes(self, base: str, head: str) -> list[FileChange]:
        raw = self.run("diff-tree", "-r", "-M", "--no-abbrev", "--raw", "-z", base, head).split("\0")
        patch = self.run("diff-tree", "-r", "-M", "--no-color", "-p", base, head)
        counts = self.run("diff-tree", "-r", "-M", "--numstat", base, head).splitlines()
        sections = re.split(r"^diff --git .*\n", patch, flags=re.MULTILINE)[1:]
        changes = []
        fields = iter(raw)
        for number, meta in enumerate(f for f in fields if f.startswith(":")):
            *_, old, new, status = meta.split()
            names = [next(fields) for _ in range(2 if status[0] in "RC" else 1)]
            added, removed, _ = counts[number].split("\t", 2)
            hunk = sections[number] if number < len(sections) else ""
            changes.append(
                FileChange(
                    filename=names[-1],
                    previous=names[0] if len(names) > 1 else None,
                    status=_STATUS.get(status[0], "changed"),
                    sha=old if new == ZERO else new,
                    additions=0 if added == "-" else int(added),
                    deletions=0 if removed == "-" else int(removed),
                    patch=hunk[hunk.index("@@") :] if "@@" in hunk else "",
                )
            )
        return changes

    def changes_of(self, sha: str) -> list[FileChange]:
        """What one commit changed against its first parent."""
        parents = self.commit(sha).parents
        return self.changes(parents[0] if parents else EMPTY_TREE, sha)

    # -- making commits

    def merge_tree(self, base: str, head: str) -> MergeTree:
        """Merge two commits without touching any ref.

        Raises:
            GitFailed: they have no common ancestor.
        """
        return self.once(("merge", base, head), lambda: self._merge_tree(base, head))

    def _merge_tree(self, base: str, head: str) -> MergeTree:
        done = self.call("merge-tree", "--write-tree", "--name-only", "--no-messages", base, head)
        if done.returncode not in {0, 1}:
            raise GitFailed(done.stderr.decode(errors="replace").strip())
        tree, *names = done.stdout.decode(errors="replace").split("\n")
        return MergeTree(tree, tuple(n for n in names if n) if done.returncode else ())

    def commit_tree(
        self, tree: str, parents: list[str], message: str, *, author: Person, committer: Person
    ) -> str:
        options = [option for parent in parents for option in ("-p", parent)]
        variables = author.variables("AUTHOR") | committer.variables("COMMITTER")
        return self.run("commit-tree", tree, *options, stdin=message.encode(), variables=variables)


EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
