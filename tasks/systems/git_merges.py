"""What git says about a merge that nobody has made: which files conflict, and whose commits changed them.

Source: git-merge-tree(1), `--write-tree`, since git 2.38; an older git does not know it.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tasks.systems.git_repo import Commit, Mirror

log = logging.getLogger(__name__)

_CLEAN, _CONFLICT = 0, 1


@dataclass(frozen=True)
class Merges:
    """Merges in a mirror, as of its last fetch."""

    mirror: Mirror

    def conflicts(self, ours: str, theirs: str) -> tuple[str, ...] | None:
        """The files that would conflict if `theirs` was merged into `ours`; None where this git cannot say."""
        options = ("--write-tree", "--name-only", "--no-messages", "-z")
        status, said = self._asked("merge-tree", *options, ours, theirs)
        if status not in {_CLEAN, _CONFLICT}:
            log.info("this git does not say what would conflict (it ended with %d)", status)
            return None
        # First the tree that would be made, then the files.
        return tuple(name for name in said.split("\0")[1:] if name)

    def merged(self, ours: str, theirs: str) -> str | None:
        """A commit that merges `theirs` into `ours`, made here only; None where they conflict, or this git cannot.

        The same two make the same commit.
        """
        status, said = self._asked("merge-tree", "--write-tree", "--no-messages", "-z", ours, theirs)
        if status != _CLEAN:
            return None
        who = ("-c", "user.name=dabflow", "-c", "user.email=dabflow@localhost")
        tree, parents = said.split("\0")[0], ("-p", ours, "-p", theirs)
        times = {
            f"GIT_{who}_DATE": f"{self.mirror.commit(theirs).time} +0000" for who in ("AUTHOR", "COMMITTER")
        }
        message = f"Merge {theirs} into {ours}"
        _, commit = self._asked(*who, "commit-tree", tree, *parents, "-m", message, environment=times)
        return commit.strip()

    def base(self, one: str, other: str) -> str | None:
        """The commit that both come from; None where there is none."""
        status, said = self._asked("merge-base", one, other)
        return said.strip() if status == 0 else None

    def changes_of(self, path: str, *, after: str, upto: str, most: int) -> tuple[list[Commit], int]:
        """The newest commits of `upto` since `after` that changed a file, merges left out, and how many there are."""
        span = (f"{after}..{upto}", "--", path)
        status, said = self._asked("log", "--no-merges", "--format=%H", *span)
        found = said.split() if status == 0 else []
        return [self.mirror.commit(sha) for sha in found[:most]], len(found)

    def brought_by(self, commit: str, upto: str) -> Iterator[str]:
        """The first lines of the merges that brought a commit into what became `upto`, the first one first."""
        options = ("--merges", "--ancestry-path", "--reverse", "--format=%P%x09%s")
        status, said = self._asked("log", *options, f"{commit}..{upto}", "--")
        for line in said.splitlines() if status == 0 else []:
            parents, _, subject = line.partition("\t")
            # Otherwise it is a merge of something else into the commit's own branch.
            if not self.mirror.is_ancestor(commit, parents.split()[0]):
                yield subject

    def _asked(self, *command: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        # Contents that are not here are fetched meanwhile, so nobody else may write to the mirror.
        with self.mirror.alone():
            git = self.mirror.command()
            git.update_environment(**(environment or {}))
            status, said, _ = git.execute(["git", *command], with_extended_output=True, with_exceptions=False)
        return int(status), str(said)
