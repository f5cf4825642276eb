"""Whether a pull request can be merged, as GitHub says it: not at the first look."""

from dataclasses import dataclass

from sandbox.github.hub import Hub
from sandbox.github.objects import GitFailed
from sandbox.github.records import Pull, Repository
from sandbox.github.rules import merge_refusal, verdicts


@dataclass(frozen=True)
class Mergeability:
    """`mergeable` is None while it is being found out, and for a pull request that is closed."""

    mergeable: bool | None
    state: str


UNKNOWN = Mergeability(None, "unknown")


def conflicts(hub: Hub, repository: Repository, pull: Pull) -> tuple[str, ...]:
    """The files that stand against a merge; all of them when the histories are unrelated."""
    git = hub.git(repository.slug)
    base = git.ref(f"refs/heads/{pull.base_ref}")
    if base is None:
        return ("*",)
    try:
        return git.merge_tree(base, pull.head_sha).conflicts
    except GitFailed:
        return ("*",)


def look(hub: Hub, repository: Repository, pull: Pull, *, counts: bool) -> Mergeability:
    """Say what is known. A look that counts starts the computation; the next one knows its result."""
    base = hub.git(repository.slug).ref(f"refs/heads/{pull.base_ref}") or ""
    key = (repository.id, pull.number, pull.head_sha, base)
    looks = hub.looks.get(key, 0)
    if counts:
        hub.looks[key] = looks + 1
    if pull.state == "closed" or looks == 0:
        return UNKNOWN
    return known(hub, repository, pull)


def known(hub: Hub, repository: Repository, pull: Pull) -> Mergeability:
    """Compute it now."""
    if conflicts(hub, repository, pull):
        return Mergeability(mergeable=False, state="dirty")
    return Mergeability(mergeable=True, state=_clean_state(hub, repository, pull))


def _clean_state(hub: Hub, repository: Repository, pull: Pull) -> str:
    if pull.draft:
        return "draft"
    refused = merge_refusal(hub, repository, pull, pull.user)
    if refused is not None:
        return "behind" if refused.startswith("The head branch is not up to date") else "blocked"
    failing = set(verdicts(repository, pull.head_sha).values()) - {"success"}
    return "unstable" if failing else "clean"
