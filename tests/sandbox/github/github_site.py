"""A running GitHub, the real client and real git."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from github import Auth, Github
from github.Repository import Repository

from sandbox.github.server import GitHub
from sandbox.serving import Served

SLUG = "acme/lakehouse"


@dataclass
class Work:
    """A clone in which somebody works."""

    folder: Path
    email: str

    def git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run_git(*arguments, cwd=self.folder, email=self.email, check=check)

    def commit(self, file: str, text: str, message: str = "chore: change") -> str:
        """Write a file, commit it, and give the commit."""
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.git("add", file)
        self.git("commit", "--quiet", "-m", message)
        return self.head()

    def head(self, name: str = "HEAD") -> str:
        return self.git("rev-parse", name).stdout.strip()

    def branch(self, name: str, start: str = "HEAD") -> None:
        self.git("checkout", "--quiet", "-B", name, start)

    def push(self, *refs: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.git("push", "origin", *refs, check=check)


def run_git(
    *arguments: str, cwd: Path, email: str = "ravi@acme.example", check: bool = True
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd),
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "somebody",
        "GIT_AUTHOR_EMAIL": email,
        "GIT_COMMITTER_NAME": "somebody",
        "GIT_COMMITTER_EMAIL": email,
    }
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        pytest.fail(f"git {' '.join(arguments)}: {done.stderr}")
    return done


@dataclass
class Site:
    """A GitHub that answers at `url`, with one repository: `main` and `develop` at one commit."""

    home: Path
    hub: GitHub
    served: Served
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.served.url

    def token(self, login: str) -> str:
        return self.hub.accounts[login].token

    def repo(self, login: str = "dabflow-bot") -> Repository:
        return self.client(login).get_repo(SLUG)

    def client(self, login: str) -> Github:
        return Github(
            auth=Auth.Token(self.token(login)),
            base_url=self.url,
            per_page=100,
            api_version="2022-11-28",
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def http(self, login: str = "dabflow-bot") -> httpx.Client:
        headers = {"authorization": f"Bearer {self.token(login)}"}
        self.clients.append(httpx.Client(base_url=self.url, headers=headers))
        return self.clients[-1]

    def git_url(self, login: str) -> str:
        return f"{self.url.replace('://', f'://x:{self.token(login)}@')}/{SLUG}.git"

    def clone(self, login: str = "ravi") -> Work:
        folder = self.home / f"work-{login}-{len(list(self.home.iterdir()))}"
        run_git("clone", "--quiet", self.git_url(login), str(folder), cwd=self.home)
        return Work(folder, f"{login}@acme.example")

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.served.stop()
