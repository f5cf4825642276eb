"""A scratch repository: commits are written all at once, pushed as somebody, and checked out for a deploy."""

import base64
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


class GitFailed(RuntimeError):
    """A git command did not end well."""


@dataclass(frozen=True)
class Author:
    name: str
    email: str


@dataclass(frozen=True)
class NewCommit:
    """A commit on top of a branch, or of `parent` where the branch begins. None removes a file."""

    branch: str
    title: str
    author: Author
    date: datetime
    files: Mapping[str, str | None]
    parent: str | None = None


class Scratch:
    """A bare repository in `folder`, with the server at `url` as its remote."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", ".")

    def git(self, *arguments: str, stdin: bytes = b"", token: str | None = None) -> str:
        """Return what git prints; `token` is shown to the server only, not to the process list.

        Raises:
            GitFailed: it did not exit with 0.
        """
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self._environment(token),
            input=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise GitFailed(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode().strip()

    def _environment(self, token: str | None) -> dict[str, str]:
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }
        if token:
            variables |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"http.{self.url}.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {_basic(token)}",
            }
        return variables

    def write(self, commits: Sequence[NewCommit]) -> None:
        """Make all these commits with one command."""
        stream = b"".join(_as_stream(commit) for commit in commits)
        self.git("fast-import", "--quiet", "--force", stdin=stream)

    def push(self, *refspecs: str, token: str) -> None:
        self.git("push", "--quiet", self.url, *refspecs, token=token)

    def fetch(self, branch: str, *, token: str) -> str:
        """Get a branch of the server and return its commit."""
        self.git("fetch", "--quiet", self.url, f"+refs/heads/{branch}:refs/seen/{branch}", token=token)
        return self.git("rev-parse", f"refs/seen/{branch}")

    def check_out(self, commit: str, folder: Path) -> Path:
        """Lay out the files of a commit, its HEAD detached."""
        self.git("worktree", "add", "--quiet", "--detach", str(folder), commit)
        return folder


def _basic(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def _as_stream(commit: NewCommit) -> bytes:
    """Source: git-fast-import(1), "commit"."""
    who = f"{commit.author.name} <{commit.author.email}> {int(commit.date.timestamp())} +0000"
    parts = [
        f"commit refs/heads/{commit.branch}\nauthor {who}\ncommitter {who}\n".encode(),
        _data(commit.title),
    ]
    if commit.parent:
        parts.append(f"from {commit.parent}\n".encode())
    for path, text in commit.files.items():
        if text is None:
            parts.append(f"D {path}\n".encode())
        else:
            parts += [f"M 100644 inline {path}\n".encode(), _data(text)]
    return b"".join([*parts, b"\n"])


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%b\n" % (len(content), content)
