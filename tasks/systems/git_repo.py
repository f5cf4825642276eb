"""Git: one bare mirror per repository and worker, and throw-away worktrees of it.

The mirror is fetched incrementally and without file contents (`--filter=blob:none`) where the server allows
it; what a worktree needs is fetched when it is checked out. Nothing clones a repository twice.
"""

import base64
import fcntl
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import git

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems import connections

log = logging.getLogger(__name__)

_HEADS_AND_TAGS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Commit:
    """One commit as a release sees it: who, when (seconds since 1970, UTC) and what it says."""

    sha: str
    parents: tuple[str, ...]
    author: str
    time: int
    message: str


class Mirror:
    """A bare mirror of `repository` (owner/name), as of its last `fetch`."""

    def __init__(self, repository: str) -> None:
        self.repository = repository
        self.url = f"{connections.github_url()}/{repository}.git"
        host = (urlsplit(self.url).netloc).replace(":", "_")
        self.path = connections.home() / "mirrors" / host / f"{repository}.git"

    def fetch(self) -> "Mirror":
        """Bring the mirror up to what the server has now.

        Raises:
            TryAgain: the server did not answer; nothing may be concluded about what it holds.
        """
        with self._alone():
            try:
                self._git().fetch("--prune", "--force", "--no-auto-gc", "origin", *_HEADS_AND_TAGS)
            except git.GitCommandError as error:
                raise TryAgain(
                    f"git could not read {self.url}: {_last_line(error)}",
                    "check that GitHub answers and that the token may read the repository, then retry",
                ) from error
        return self

    def branches(self) -> dict[str, str]:
        """Every branch and the commit it points to."""
        return self._refs("refs/heads/")

    def tags(self) -> dict[str, str]:
        """Every tag and the commit it points to, annotated ones peeled."""
        lines = self._git().for_each_ref(
            "--format=%(refname:lstrip=2) %(objectname) %(*objectname)", "refs/tags/"
        )
        rows = [line.split(" ") for line in str(lines).splitlines()]
        return {name: peeled or sha for name, sha, peeled in rows}

    def default_branch(self) -> str:
        """The branch that GitHub shows first.

        Raises:
            TryAgain: the server did not answer.
        """
        try:
            answer = str(self._git().ls_remote("--symref", "origin", "HEAD"))
        except git.GitCommandError as error:
            raise TryAgain(f"git could not ask {self.url} for its default branch", "retry") from error
        named = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", answer, re.MULTILINE)
        if named is None:
            raise NeedsHuman(f"{self.repository} has no default branch", "push a first branch to it")
        return named[1]

    def tree(self, commit: str) -> str:
        return str(self._git().rev_parse(f"{commit}^{{tree}}"))

    def commit(self, sha: str) -> Commit:
        return next(self._commits("-1", sha))

    def first_parent_commits(self, *, after: str | None, upto: str) -> list[Commit]:
        """The commits on the main line after `after` (None: from the beginning), newest first."""
        return list(self._commits("--first-parent", upto, *([f"^{after}"] if after else [])))

    def commits(self, *, after: str | None, upto: str) -> list[Commit]:
        """Every commit that `upto` has and `after` has not, newest first."""
        return list(self._commits(upto, *([f"^{after}"] if after else [])))

    def is_ancestor(self, ancestor: str, of: str) -> bool:
        """Whether `of` contains `ancestor`.

        Raises:
            NeedsHuman: one of the two is not in the repository.
        """
        try:
            self._git().merge_base("--is-ancestor", ancestor, of)
        except git.GitCommandError as error:
            if error.status == 1:
                return False
            raise NeedsHuman(
                f"{self.repository} does not have both {ancestor[:12]} and {of[:12]}",
                "was history rewritten? restore the missing commit, then retry",
            ) from error
        return True

    def read(self, commit: str, path: str) -> str | None:
        """The text of a file at a commit, or None where the commit has no such file."""
        if not str(self._git().ls_tree(commit, "--", path)):
            return None
        with self._alone():
            return str(self._git().show(f"{commit}:{path}"))

    def changed_files(self, before: str, after: str) -> list[str]:
        """Paths whose content differs between two commits."""
        return str(self._git().diff("--name-only", "--no-renames", before, after)).splitlines()

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """A folder with the files of `commit`, HEAD detached; gone afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="worktree-", dir=self._beside("worktrees")))
        tree = folder / "files"
        try:
            with self._alone():
                self._git().worktree("add", "--detach", str(tree), commit)
            yield tree
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self._alone():
                self._git().worktree("prune")

    def _commits(self, *what: str) -> Iterator[Commit]:
        text = str(self._git().log("--format=%H%x00%P%x00%aN%x00%ct%x00%B%x1e", *what, "--"))
        for entry in text.split("\x1e"):
            if entry.strip():
                sha, parents, author, time, message = entry.strip("\n").split("\x00", 4)
                yield Commit(sha, tuple(parents.split()), author, int(time), message.strip())

    def _refs(self, prefix: str) -> dict[str, str]:
        lines = self._git().for_each_ref("--format=%(refname:lstrip=2) %(objectname)", prefix)
        return dict(cast("tuple[str, str]", tuple(line.split(" "))) for line in str(lines).splitlines())

    def _git(self) -> git.Git:
        """The git command in the mirror, with the token in its environment only."""
        if not (self.path / "HEAD").exists():
            self._create()
        command = git.Git(str(self.path))
        command.update_environment(**credentials(self.url))
        return command

    def _create(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        git.Repo.init(str(self.path), bare=True, initial_branch="main")
        with git.Repo(str(self.path)).config_writer() as config:
            config.set_value('remote "origin"', "url", self.url)
            # A partial mirror: contents come when a worktree or a look at a file needs them.
            config.set_value('remote "origin"', "promisor", "true")
            config.set_value('remote "origin"', "partialclonefilter", "blob:none")
            config.set_value("gc", "auto", "0")

    def _beside(self, name: str) -> Path:
        folder = self.path.parent / f"{self.path.stem}.{name}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time writes to the mirror; git's own ref locks fail instead of waiting."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with (self.path.parent / f"{self.path.stem}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def credentials(url: str) -> dict[str, str]:
    """The environment with which git speaks to `url`: the token is in no URL, argument or file.

    Source: measured with git 2.39 (environment-scoped config, git >= 2.31).
    """
    token = base64.b64encode(f"x-access-token:{connections.github_token()}".encode()).decode()
    parts = urlsplit(url)
    scope = f"{parts.scheme}://{parts.netloc}/"
    settings = [
        (f"http.{scope}.extraHeader", ""),  # drops what another tool left in a config file
        (f"http.{scope}.extraHeader", f"Authorization: Basic {token}"),
        ("credential.helper", ""),
        ("http.followRedirects", "false"),
        ("core.hooksPath", os.devnull),
    ]
    environment = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def is_sha(text: str) -> bool:
    return _SHA.fullmatch(text) is not None


def _last_line(error: git.GitCommandError) -> str:
    """What git said last, without GitPython's frame around it."""
    lines = [line for line in str(error.stderr).strip("\n '").splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"git ended with {error.status}"
