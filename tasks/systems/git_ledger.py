"""A ref on GitHub that is only added to: each commit holds the files of the one before, changed or more of them.

The commits are made in the bare mirror with git's plumbing, and pushed only if the ref is still where the writer
saw it. They belong to no branch: no pull request, protection or workflow knows them.
"""

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import git

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.git_push import NotTaken, push
from tasks.systems.git_repo import Mirror

__all__ = ["Addition", "Ledger", "NotTaken"]

T = TypeVar("T")

log = logging.getLogger(__name__)

_TRIES = 5  # the first may be made without a look
_NAME, _EMAIL = "dabflow", "dabflow@users.noreply.github.com"


@dataclass(frozen=True)
class Addition:
    """A commit to come: files that are new or changed, its time and its message."""

    files: Mapping[str, bytes]
    at: datetime
    message: str


class Ledger:
    """The ref `name` (its full name) of a mirror, as of the mirror's last fetch."""

    def __init__(self, mirror: Mirror, name: str) -> None:
        self.mirror = mirror
        self.name = name

    @property
    def head(self) -> str | None:
        """The commit that the ref is at, None where there is no such ref.

        Raises:
            NeedsHuman: it holds something else than a commit.
        """
        found = self.mirror.ref(self.name)
        if found and found.kind != "commit":
            raise NeedsHuman(
                f"{self.name} is not at a commit ({found.sha[:12]})",
                "find out who pushed it; move it away, then retry",
            )
        return found.sha if found else None

    def history(self, head: str) -> list[str]:
        """The commits up to `head`, oldest first."""
        return [c.sha for c in reversed(self.mirror.first_parent_commits(after=None, upto=head))]

    def kept_at(self, name: str) -> str | None:
        """The newest commit that brought the file `name` as it is now, None where there is no such file."""
        head = self.head
        if head is None or self.mirror.read_bytes(head, name) is None:
            return None
        return str(self.mirror.command().log("-1", "--format=%H", head, "--", name))

    def ensure(self, added_to: Callable[[str | None], tuple[T, Addition | None]]) -> T:
        """The ref holds what `added_to` wants to add to the commit it is at; returns what it says beside that.

        An addition is taken only right on top of the commit that it was made for, so GitHub is asked where the ref is
        only when that was not taken, the answer was lost, or nothing is to be added.

        Args:
            added_to: given the commit that the ref is at (None: there is no such ref), what to add: None where it
                holds that already.

        Raises:
            TryAgain: GitHub did not answer.
            NotTaken: others write all the time, or a rule of the repository forbids it.
            NeedsHuman: our token may not write.
        """
        looked, left = False, _TRIES
        while True:
            head = self.head
            said, addition = added_to(head)
            if addition is not None:
                try:
                    self.append(addition.files, after=head, at=addition.at, message=addition.message)
                except (TryAgain, NotTaken) as error:
                    # The answer was lost, or somebody else was quicker: a look decides.
                    left -= 1
                    if not left:
                        raise
                    log.info("%s", error.problem)
                else:
                    log.info("noted in %s: %s", self.name, addition.message)
                    return said
            elif looked:
                return said
            self.mirror.fetch()
            looked = True

    def append(self, files: Mapping[str, bytes], *, after: str | None, at: datetime, message: str) -> str:
        """The ref is at a new commit that holds `files` and what `after` held; returns that commit.

        The same arguments make the same commit. `after` is where the ref was seen, None where there was none.

        Raises:
            NotTaken: the ref is elsewhere by now, or a rule of the repository forbids it.
            NeedsHuman: our token may not write.
            TryAgain: no answer; it may have been done all the same.
        """
        try:
            commit = self._commit(self._tree(files, after), after, at, message)
        except git.GitCommandError as error:
            raise NeedsHuman(
                f"git could not add to what {self.name} holds ({after})",
                "see what it is; dabflow did not push it",
            ) from error
        push(self.mirror, self.name, commit, seen=after)
        return commit

    def _tree(self, files: Mapping[str, bytes], after: str | None) -> str:
        known = str(self.mirror.command().ls_tree("-z", after)).split("\0") if after else []
        lines = [line for line in known if line and line.partition("\t")[2] not in files]
        lines += [f"100644 blob {self._blob(content)}\t{name}" for name, content in files.items()]
        # What was kept before may not be here: contents come to a mirror when somebody reads them.
        return self._fed("\0".join([*lines, ""]).encode(), "mktree", "-z", "--missing")

    def _blob(self, content: bytes) -> str:
        return self._fed(content, "hash-object", "-w", "--stdin")

    def _fed(self, stdin: bytes, *command: str) -> str:
        with tempfile.TemporaryFile() as file:
            file.write(stdin)
            file.seek(0)
            whole = [git.Git.GIT_PYTHON_GIT_EXECUTABLE, *command]
            return str(self.mirror.command().execute(whole, istream=file))

    def _commit(self, tree: str, after: str | None, at: datetime, message: str) -> str:
        command, moment = self.mirror.command(), f"{int(at.timestamp())} +0000"
        for role in ("AUTHOR", "COMMITTER"):
            who = {"NAME": _NAME, "EMAIL": _EMAIL, "DATE": moment}
            command.update_environment(**{f"GIT_{role}_{key}": value for key, value in who.items()})
        parents = ["-p", after] if after else []
        return str(command.commit_tree(tree, *parents, "-m", message))
