"""Git: one bare mirror per repository and worker, and throw-away worktrees of it.

The mirror is fetched incrementally and without file contents (`--filter=blob:none`) where the server allows
it; what a worktree needs is fetched when it is checked out. Nothing clones a repository twice.
"""

import fcntl
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import git

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems import connections
from tasks.systems.folders import reserved_folder
from tasks.systems.git_answers import Answers
from tasks.systems.git_environment import credentials, without_our_secrets
from tasks.systems.github_auth import git_token

log = logging.getLogger(__name__)

T = TypeVar("T")

_LOCK_IS_STALE_SECONDS = 60
_MANY = 25
# Beside branches and tags, the refs that hold what dabflow keeps: see git_ledger.
_FETCHED = tuple(f"+refs/{kind}/*:refs/{kind}/*" for kind in ("heads", "tags", "dabflow"))


@dataclass(frozen=True)
class Ref:
    """Where a ref points: to an object of a kind (commit, tag, tree, blob), and behind a tag to what it names."""

    sha: str
    kind: str
    peeled: str


@dataclass(frozen=True)
class Commit:
    """One commit as a release sees it: who, when (seconds since 1970, UTC) and what it says."""

    sha: str
    parents: tuple[str, ...]
    author: str
    time: int
    message: str


class Mirror:
    """A bare mirror of `repository` (owner/name), as of its last `fetch`, whoever made that.

    Beside that only a push of ours moves its refs, so what git has said once is remembered until then; what it said
    of commits, for good.
    """

    def __init__(self, repository: str) -> None:
        self.repository = repository
        self.url = f"{connections.github_url(repository)}/{repository}.git"
        host = (urlsplit(self.url).netloc).replace(":", "_")
        self.path = connections.home() / "mirrors" / host / f"{repository}.git"
        self._fetched = self.path / "dabflow-fetched"
        self._answers = Answers(self.path, self._fetched)

    def fetch(self) -> "Mirror":
        """Bring the mirror up to what the server has now.

        Raises:
            TryAgain: the server did not answer; nothing may be concluded about what it holds.
        """
        with self.moving():
            self._create_if_missing()
            try:
                self._fetch()
            except git.GitCommandError as error:
                raise TryAgain(
                    f"git could not read {self.url}: {_last_line(error)}",
                    "check that GitHub answers and that the token may read the repository, then retry",
                ) from error
        if self._holds_much():
            with suppress(git.GitCommandError):  # an earlier one that failed is told here
                # Where many fetches have left much, git packs it in the background.
                self.command()(c="gc.auto=6700").gc("--auto", "--quiet")
        return self

    def branches(self) -> dict[str, str]:
        """Every branch and the commit it points to."""
        return {name: ref.sha for name, ref in self._below("refs/heads/").items()}

    def tags(self) -> dict[str, str]:
        """Every tag and the commit it points to, annotated ones peeled."""
        return {name: ref.peeled or ref.sha for name, ref in self._below("refs/tags/").items()}

    def tags_outside(self, commit: str) -> list[str]:
        """The names of the tags whose commit `commit` does not contain."""
        options = ("--format=%(refname:lstrip=2)", f"--no-merged={commit}", "refs/tags/")
        return self._said("for-each-ref", *options).splitlines()

    def ref(self, name: str) -> Ref | None:
        """Where a ref points, by its full name; None where there is none."""
        return self.refs().get(name)

    def names_below(self, prefix: str) -> list[str]:
        """What follows `prefix` (`refs/.../`) in the full names of the refs that begin with it."""
        return list(self._below(prefix))

    def refs(self) -> dict[str, Ref]:
        """Every ref by its full name."""
        lines = self._said("for-each-ref", "--format=%(refname) %(objectname) %(objecttype) %(*objectname)")
        rows = (line.split(" ") for line in lines.splitlines())
        return {name: Ref(sha, kind, peeled) for name, sha, kind, peeled in rows}

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
        with self._explained(f"find {commit[:12]}", commit):
            return self._said_of((commit,), "rev-parse", "--verify", f"{commit}^{{tree}}")

    def commit(self, sha: str) -> Commit:
        return self._commits("-1", upto=sha)[0]

    def first_parent_commits(self, *, after: str | None, upto: str) -> list[Commit]:
        """The commits on the main line after `after` (None: from the beginning), newest first."""
        return self._commits("--first-parent", upto=upto, after=after)

    def commits(self, *, after: str | None, upto: str) -> list[Commit]:
        """Every commit that `upto` has and `after` has not, newest first."""
        return self._commits(upto=upto, after=after)

    def is_ancestor(self, ancestor: str, of: str) -> bool:
        """Whether `of` contains `ancestor`.

        Raises:
            NeedsHuman: one of the two is not in the repository.
        """
        with self._explained(f"find both {ancestor[:12]} and {of[:12]}", ancestor, of):
            return self._settled(
                ("contains", ancestor, of), lambda: self._contains(ancestor, of), ancestor, of
            )

    def _contains(self, ancestor: str, of: str) -> bool:
        try:
            self.command().merge_base("--is-ancestor", ancestor, of)
        except git.GitCommandError as error:
            if error.status == 1:
                return False
            raise
        return True

    def read(self, commit: str, path: str) -> str | None:
        """The text of a file at a commit, or None where the commit has no such file."""
        data = self.read_bytes(commit, path)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def read_bytes(self, commit: str, path: str) -> bytes | None:
        """The same as it is stored."""
        with self._explained(f"read {path} at {commit[:12]}", commit):
            return self._settled(("content", commit, path), lambda: self._content(commit, path), commit)

    def _content(self, commit: str, path: str) -> bytes | None:
        if " blob " not in str(self.command().ls_tree(commit, "--", path)):
            return None
        with self.alone():
            how = {"strip_newline_in_stdout": False, "stdout_as_string": False}
            return bytes(self.command().cat_file("blob", f"{commit}:{path}", **how))

    def changed_files(self, before: str, after: str) -> list[str]:
        """Paths whose content differs between two commits."""
        with self._explained(f"compare {before[:12]} with {after[:12]}", before, after):
            options = ("--name-only", "--no-renames", "-z")
            names = self._said_of((before, after), "diff", *options, before, after)
        return [name for name in names.split("\0") if name]

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """A folder with the files of `commit`, HEAD detached; gone afterwards.

        Raises:
            TryAgain: the server did not give the files.
        """
        self._git()
        place = self.path.parent / f"{self.path.stem}.worktrees"
        try:
            with reserved_folder(place, self.alone) as folder:
                tree = folder / "files"
                with self._explained(f"check out {commit[:12]}", commit), self.alone():
                    self.command().worktree("add", "--detach", str(tree), commit)
                yield tree
        finally:
            with self.alone():
                self.command().worktree("prune")

    def _commits(self, *options: str, upto: str, after: str | None = None) -> list[Commit]:
        without = [f"^{after}"] if after else []
        commits = [upto, *([after] if after else [])]
        with self._explained(f"list the commits of {upto[:12]}", *commits):
            how = "--format=%H%x00%P%x00%aN%x00%ct%x00%B%x1e"
            text = self._said_of(commits, "log", how, *options, upto, *without, "--")
        return [_commit(entry.strip("\n")) for entry in text.split("\x1e") if entry.strip()]

    def _below(self, prefix: str) -> dict[str, Ref]:
        return {
            name.removeprefix(prefix): ref for name, ref in self.refs().items() if name.startswith(prefix)
        }

    def _said(self, *command: str) -> str:
        self._git()
        return self._answers.until_moved(command, lambda: self._asked(command))

    def _said_of(self, commits: Sequence[str], *command: str) -> str:
        return self._settled(command, lambda: self._asked(command), *commits)

    def _settled(self, question: tuple[str, ...], ask: Callable[[], T], *commits: str) -> T:
        self._git()
        return self._answers.of_commits(question, ask, *commits)

    def _asked(self, command: tuple[str, ...]) -> str:
        return str(self.command().execute(["git", *command]))

    def _git(self) -> git.Git:
        """The git command in a mirror that was fetched at least once: an empty one would say "no branches"."""
        if not self._fetched.exists():
            self.fetch()
        return self.command()

    def command(self, folder: Path | None = None) -> git.Git:
        """The git command with the token in its environment only, and none of our other secrets there."""
        command = git.Git(str(folder or self.path))
        command.update_environment(
            **without_our_secrets(), **credentials(self.url, git_token(self.repository))
        )
        return command

    def _fetch(self) -> None:
        options = ("--prune", "--force", "--no-auto-gc")
        try:
            self.command().fetch(*options, "origin", *_FETCHED)
        except git.GitCommandError:
            if not self._unlocked():
                raise
            self.command().fetch(*options, "origin", *_FETCHED)

    def _holds_much(self) -> bool:
        """Whether to ask git if it wants to pack: it counts packs (50) and the loose objects of this one folder (27)."""
        packs, loose = self.path / "objects" / "pack", self.path / "objects" / "17"
        return len(list(packs.glob("*.pack"))) > _MANY or (
            loose.is_dir() and len(list(loose.iterdir())) > _MANY
        )

    def _unlocked(self) -> bool:
        """Remove the lock files of a git that was killed; say whether there were any."""
        before = time.time() - _LOCK_IS_STALE_SECONDS
        found = [*self.path.glob("*.lock"), *(self.path / "refs").rglob("*.lock")]
        stale = [lock for lock in found if lock.stat().st_mtime < before]
        for lock in stale:
            log.warning("removing %s, which a killed git left", lock)
            lock.unlink(missing_ok=True)
        return bool(stale)

    def _create_if_missing(self) -> None:
        """The mirror is there, whole: it is made beside its place and then moved there."""
        if (self.path / "HEAD").exists():
            return
        new = Path(tempfile.mkdtemp(prefix=f"{self.path.stem}.new-", dir=self.path.parent))
        command = self.command(new)
        command.init("--quiet", "--bare", "--template=", "--initial-branch=main")
        for key, value in {
            "remote.origin.url": self.url,
            # A partial mirror: contents come when a worktree or a look at a file needs them.
            "remote.origin.promisor": "true",
            "remote.origin.partialclonefilter": "blob:none",
            "gc.auto": "0",
        }.items():
            command.config(key, value)
        shutil.rmtree(self.path, ignore_errors=True)
        new.rename(self.path)

    @contextmanager
    def _explained(self, what: str, *commits: str) -> Iterator[None]:
        """Tell apart what the server did not answer and what is not there, when git could not do `what`.

        Raises:
            TryAgain: the server does not answer, or did not give the files of a commit.
            NeedsHuman: it answers, and one of the commits is missing.
        """
        try:
            yield
        except git.GitCommandError as error:
            problem = f"git could not {what} in {self.repository}: {_last_line(error)}"
            self.fetch()
            if all(self.has(commit) for commit in commits):
                raise TryAgain(problem, "check that GitHub answers, then retry") from error
            raise NeedsHuman(
                problem, "was history rewritten? restore the missing commit, then retry"
            ) from error

    def has(self, commit: str) -> bool:
        """Whether the commit is in the mirror itself; `--missing` keeps git from asking the server for it."""
        try:
            self._git().rev_list("--no-walk", "--missing=allow-any", commit)
        except git.GitCommandError:
            return False
        return True

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Refs may move inside: one process at a time, and afterwards git is asked anew."""
        with self.alone():
            yield
            self._fetched.touch()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time writes to the mirror; git's own ref locks fail instead of waiting."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with (self.path.parent / f"{self.path.stem}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _commit(entry: str) -> Commit:
    sha, parents, author, seconds, message = entry.split("\x00", 4)
    return Commit(sha, tuple(parents.split()), author, int(seconds), message.strip())


def _last_line(error: git.GitCommandError) -> str:
    """What git said last, without GitPython's frame around it."""
    lines = [line for line in str(error.stderr).strip("\n '").splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"git ended with {error.status}"
