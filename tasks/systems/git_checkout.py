"""The working copy of a repository that somebody sits in front of: what its git says. Nothing is changed in it."""

import re
from collections.abc import Iterable
from pathlib import Path

import git

from tasks.rules.errors import NeedsHuman

_REMOTE = "origin"
# https://github.com/owner/name.git, git@github.com:owner/name, ssh://git@github.com/owner/name.git
_SLUG = re.compile(r"[:/](?P<slug>[^/:]+/[^/:]+?)(?:\.git)?/?$")


class Checkout:
    """The working copy that `folder` lies in.

    Raises:
        NeedsHuman: on being made: there is none.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._repo = git.Repo(folder, search_parent_directories=True)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            raise NeedsHuman(
                f"{folder} is not in a working copy of a git repository",
                "clone your repository, and go there",
            ) from error
        if self._repo.bare:
            raise NeedsHuman(f"{folder} is a bare repository", "clone it with its files, and go there")
        self.folder = Path(self._repo.working_dir)

    def slug(self) -> str:
        """The repository's owner/name, read off the address of `origin`; "" where there is none."""
        if _REMOTE not in [remote.name for remote in self._repo.remotes]:
            return ""
        found = _SLUG.search(self._repo.remote(_REMOTE).url)
        return found["slug"] if found else ""

    def head(self) -> str:
        """The commit that is checked out.

        Raises:
            NeedsHuman: there is no commit yet.
        """
        try:
            return self._repo.head.commit.hexsha
        except ValueError as error:
            raise NeedsHuman(f"{self.folder} has no commit yet", "commit your bundle and push it") from error

    def changed(self) -> bool:
        """Whether files differ from the commit that is checked out; files that git does not know do not count."""
        return self._repo.is_dirty()

    def branches(self) -> dict[str, str]:
        """Every branch and its commit: as the server had it at the last fetch, or where it is only here."""
        here = {head.name: head.commit.hexsha for head in self._repo.heads}
        there = {
            name.removeprefix(f"{_REMOTE}/"): commit
            for name, commit in self._refs(f"refs/remotes/{_REMOTE}/", 2)
            if name != f"{_REMOTE}/HEAD"
        }
        return here | there

    def default_branch(self) -> str:
        """The branch that people get who clone it; the one that is checked out where nobody said; "" if none is."""
        for name in (f"refs/remotes/{_REMOTE}/HEAD", "HEAD"):
            try:
                found = str(self._repo.git.symbolic_ref(name)).removeprefix(f"refs/remotes/{_REMOTE}/")
            except git.GitCommandError:
                continue
            return found.removeprefix("refs/heads/")
        return ""

    def tags(self) -> list[str]:
        return [name for name, _ in self._refs("refs/tags/", 2)]

    def tags_outside(self, commit: str) -> list[str]:
        """The tags that are not in the history of a commit."""
        return str(self._repo.git.tag("--no-merged", commit)).split()

    def contains(self, commit: str, *, inside: str) -> bool:
        """Whether `commit` is in the history of the commit `inside`."""
        return self._repo.is_ancestor(self._repo.commit(commit), self._repo.commit(inside))

    def files(self, *endings: str) -> list[Path]:
        """The files that git knows of and whose path ends so, below the working copy's folder."""
        names = str(self._repo.git.ls_files("-z")).split("\0")
        return sorted(Path(name) for name in names if name.endswith(endings))

    def _refs(self, below: str, strip: int) -> Iterable[tuple[str, str]]:
        lines = str(
            self._repo.git.for_each_ref(f"--format=%(refname:lstrip={strip}) %(objectname)", below)
        ).splitlines()
        return [(name, commit) for name, _, commit in (line.rpartition(" ") for line in lines)]
