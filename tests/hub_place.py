"""A served sandbox GitHub with one repository, real git to play the people, and what it was asked."""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.github.server import GitHub
from sandbox.serving import Served, listening_socket

SLUG = "acme/lakehouse"


def git(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What git prints; a test fails where git does."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ravi",
        "GIT_AUTHOR_EMAIL": "ravi@acme.example",
        "GIT_COMMITTER_NAME": "Ravi",
        "GIT_COMMITTER_EMAIL": "ravi@acme.example",
        **(env or {}),
    }
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


@dataclass(frozen=True)
class Place:
    """A GitHub at `url`; `work` is ravi's clone of its repository, `develop` checked out."""

    hub: GitHub
    url: str
    work: Path

    def token(self, login: str) -> str:
        return self.hub.accounts[login].token

    def git(self, *arguments: str) -> str:
        return git(*arguments, cwd=self.work)

    def commit(self, file: str, text: str, message: str = "chore: change") -> str:
        """Write, commit and push a file on the branch that is checked out; the new commit."""
        (self.work / file).parent.mkdir(parents=True, exist_ok=True)
        (self.work / file).write_text(text, encoding="utf-8")
        self.git("add", file)
        self.git("commit", "--quiet", "--message", message)
        self.push("HEAD")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, start: str = "develop") -> None:
        self.git("checkout", "--quiet", "-B", name, start)

    def push(self, *refs: str) -> None:
        basic = base64.b64encode(f"x:{self.token('ravi')}".encode()).decode()
        key = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader"}
        env = {**key, "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}"}
        git("push", "--quiet", f"{self.url}/{SLUG}.git", *refs, cwd=self.work, env=env)

    def arm(self, kind: str, path: str, **fault: Any) -> None:
        """Let requests go wrong: see `sandbox.control.Fault`."""
        body = {"kind": kind, "path": path, **fault}
        httpx.post(f"{self.url}/_sandbox/faults", json=body).raise_for_status()

    def asked(self, *, writes: bool = False) -> list[str]:
        """Every request so far, method and path."""
        requests = httpx.get(f"{self.url}/_sandbox/requests").json()
        reads = {"GET", "HEAD"} if writes else set()
        return [f"{r['method']} {r['path']}" for r in requests if r["method"] not in reads]


@contextmanager
def served_place(folder: Path) -> Iterator[Place]:
    """The place of a folder, answering."""
    hub = GitHub.open(folder / "github")
    served = Served(hub.app, listening_socket()).start()
    try:
        yield Place(hub, served.url, folder / "work")
    finally:
        served.stop()
