"""Making merge commits in a bare repository: no work tree, no half-done state."""

from sandbox.github.bare import BareRepository
from sandbox.github.objects import GitFailed, MergeTree, Person


class Conflict(Exception):
    """The two sides do not merge by themselves."""

    def __init__(self, files: tuple[str, ...]) -> None:
        super().__init__(files)
        self.files = files


def _clean(found: MergeTree) -> str:
    if found.conflicts:
        raise Conflict(found.conflicts)
    return found.tree


def merge_commit(git: BareRepository, base: str, head: str, message: str, author: Person, by: Person) -> str:
    """Return a commit with the parents `base` and `head`; no ref is touched.

    Raises:
        Conflict: they conflict, or have nothing in common.
    """
    return git.commit_tree(_merged(git, base, head), [base, head], message, author=author, committer=by)


def squash_commit(git: BareRepository, base: str, head: str, message: str, author: Person, by: Person) -> str:
    """Return one commit on `base` that holds all of `head`."""
    return git.commit_tree(_merged(git, base, head), [base], message, author=author, committer=by)


def _merged(git: BareRepository, base: str, head: str) -> str:
    try:
        return _clean(git.merge_tree(base, head))
    except GitFailed as error:
        raise Conflict(("*",)) from error


def rebased_commits(git: BareRepository, base: str, head: str, by: Person) -> str:
    """Return the last of `head`'s own commits replayed on `base`; merge commits are left out."""
    onto = base
    for commit in git.commits(git.between(base, head)):
        if len(commit.parents) == 1:
            onto = _replay(git, commit.sha, onto, by)
    return onto


def _replay(git: BareRepository, sha: str, onto: str, by: Person) -> str:
    commit = git.commit(sha)
    # A stand-in for `onto` whose parent is the commit's own parent makes that parent the merge base.
    stand_in = git.commit_tree(git.commit(onto).tree, [commit.parents[0]], "", author=by, committer=by)
    tree = _clean(git.merge_tree(stand_in, sha))
    return git.commit_tree(tree, [onto], commit.message, author=commit.author, committer=by)
