"""A fix in git: which commits it is made of, whether a commit has them already, and how they are put on top of it.

Commits are made in a throw-away worktree of the mirror. Who wrote them and when they were committed stays, the
committer is dabflow: the same commits on top of the same one are the same new commits, wherever they are made.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from tasks.rules.errors import TryAgain
from tasks.systems.git_repo import Commit, Mirror

# As `git cherry-pick -x` writes it.
_PICKED = re.compile(r"^\(cherry picked from commit ([0-9a-f]{40})\)$", re.MULTILINE)
_TWO = 2
_COMMITTER = {"NAME": "dabflow", "EMAIL": "dabflow@users.noreply.github.com"}
_PLAIN = ("-c", "commit.gpgSign=false", "-c", "rerere.enabled=false")


class Conflict(Exception):
    """A commit does not go on top of another one by itself; `files` are those that both have changed."""

    def __init__(self, commit: str, files: tuple[str, ...]) -> None:
        super().__init__(commit, files)
        self.commit = commit
        self.files = files


def fetch_pull(mirror: Mirror, number: int) -> None:
    """The mirror has the head of a pull request, also of a fork or of a branch that is gone.

    Raises:
        TryAgain: the server did not answer.

    Source: docs.github.com, "Checking out pull requests locally": refs/pull/N/head stays for good.
    """
    name = f"refs/pull/{number}/head"
    fetched = _run(mirror, None, "fetch", "--no-write-fetch-head", "--no-auto-gc", "origin", name)
    if fetched[0]:
        raise TryAgain(f"git could not read {name} of {mirror.url}: {_last(fetched)}", "retry")


def oldest_first(mirror: Mirror, commits: Collection[str], head: str) -> list[Commit]:
    """Those of the commits that `head` contains, parents before their children."""
    if not commits:
        return []
    known = [mirror.commit(sha) for sha in commits]
    outside = {parent for commit in known for parent in commit.parents} - set(commits)
    lines = _said(mirror, "rev-list", "--topo-order", "--reverse", head, *[f"^{sha}" for sha in outside])
    by_sha = {commit.sha: commit for commit in known}
    return [by_sha[sha] for sha in lines.split() if sha in by_sha]


def not_in(mirror: Mirror, commits: Sequence[str], head: str) -> list[str]:
    """Those of the commits that `head` neither contains nor names as what one of its own was picked from."""
    if not commits:
        return []
    outside = set(_said(mirror, "rev-list", *commits, f"^{head}").split())
    left = [sha for sha in commits if sha in outside]
    if not left:
        return []
    picks = _said(mirror, "log", "--format=%B", "--fixed-strings", "--grep=(cherry picked from commit ", head)
    named = set(_PICKED.findall(picks))
    return [sha for sha in left if sha not in named]


def own_changes(mirror: Mirror, merge: Commit) -> tuple[str, ...]:
    """The files in which a merge commit holds something that git's own merge of its parents would not.

    Of more than two parents git makes no merge to compare with: everything it brought counts.
    """
    how = ["--remerge-diff"] if len(merge.parents) == _TWO else ["-m", "--first-parent"]
    names = _said(mirror, "show", "--format=", "--name-only", "-z", "--no-renames", *how, merge.sha)
    return tuple(dict.fromkeys(name for name in names.split("\0") if name.strip()))


def picked(mirror: Mirror, commits: Sequence[str], onto: str) -> str:
    """Pick the commits onto another one, in this order; returns the last one made.

    What changes nothing there is left out; `onto` itself comes back where that is so of all.

    Raises:
        Conflict: a commit does not go there by itself.
        TryAgain: the server did not give the files.
    """
    with mirror.worktree(onto) as folder:
        for sha in commits:
            _pick(mirror, folder, sha)
        return _said(mirror, "rev-parse", "HEAD", folder=folder)


def merged(mirror: Mirror, head: str, onto: str, message: str) -> str:
    """Merge a commit into another one by a merge commit; returns that one, or `onto` if it contains `head`.

    Raises:
        Conflict: the two do not merge by themselves.
        TryAgain: the server did not give the files.
    """
    if mirror.is_ancestor(head, onto):
        return onto
    when = max(mirror.commit(head).time, mirror.commit(onto).time)
    with mirror.worktree(onto) as folder:
        command = ("merge", "--quiet", "--no-ff", "--no-edit", "-m", message, head)
        done = _run(mirror, folder, *_PLAIN, *command, when=when, author=True)
        if done[0]:
            raise _stopped(mirror, folder, head, done)
        return _said(mirror, "rev-parse", "HEAD", folder=folder)


def _pick(mirror: Mirror, folder: Path, sha: str) -> None:
    when = mirror.commit(sha).time
    done = _run(mirror, folder, *_PLAIN, "cherry-pick", "-x", sha, when=when)
    if done[0] == 0:
        return
    nothing_left = _run(mirror, folder, "diff", "--quiet", "HEAD")[0] == 0
    if not nothing_left or not _is_picking(mirror, folder):
        raise _stopped(mirror, folder, sha, done)
    _said(mirror, "cherry-pick", "--skip", folder=folder)


def _is_picking(mirror: Mirror, folder: Path) -> bool:
    return _run(mirror, folder, "rev-parse", "--quiet", "--verify", "CHERRY_PICK_HEAD")[0] == 0


def _stopped(mirror: Mirror, folder: Path, sha: str, done: tuple[int, str, str]) -> Exception:
    names = _said(mirror, "diff", "--name-only", "--diff-filter=U", "-z", folder=folder)
    files = tuple(sorted({name for name in names.split("\0") if name}))
    if files:
        return Conflict(sha, files)
    return TryAgain(
        f"git could not bring {sha[:12]} in: {_last(done)}", "check that GitHub answers, then retry"
    )


def _run(
    mirror: Mirror, folder: Path | None, *command: str, when: int | None = None, author: bool = False
) -> tuple[int, str, str]:
    """Run git; returns its exit code, what it said, and its errors. `when` dates what it commits."""
    git = mirror.command(folder)
    roles = ("COMMITTER", "AUTHOR") if author else ("COMMITTER",)
    who = _COMMITTER if when is None else {**_COMMITTER, "DATE": f"{when} +0000"}
    for role in roles:
        git.update_environment(**{f"GIT_{role}_{key}": value for key, value in who.items()})
    whole = [str(git.GIT_PYTHON_GIT_EXECUTABLE), *command]
    # Contents that are not here are fetched meanwhile, so nobody else may write to the mirror.
    with mirror.alone():
        return git.execute(whole, with_extended_output=True, with_exceptions=False)


def _said(mirror: Mirror, *command: str, folder: Path | None = None) -> str:
    done = _run(mirror, folder, *command)
    if done[0]:
        what = f"git {command[0]} in {mirror.repository}"
        raise TryAgain(f"{what}: {_last(done)}", "check that GitHub answers, then retry")
    return done[1]


def _last(done: tuple[int, str, str]) -> str:
    lines = (done[2] or done[1]).strip().splitlines()
    return lines[-1] if lines else f"it ended with {done[0]}"
