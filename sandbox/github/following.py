"""What becomes of pull requests when branches move, however they were moved.

Sources: docs.github.com "About pull request merges" (merged indirectly), "About branches" (a deleted branch
closes its pull requests; after a merge those based on it are retargeted), "Available rules" (stale reviews).
"""

from sandbox.github.bare import ZERO, BareRepository
from sandbox.github.hub import Hub
from sandbox.github.records import Pull, Repository


def follow(hub: Hub, repository: Repository, actor: str) -> None:
    """Bring the pull requests in line with the branches as they are now; `actor` moved the branches."""
    git = hub.git(repository.slug)
    branches = git.branches()
    gone = set(repository.branches) - set(branches)
    back = set(branches) - set(repository.branches)
    for pull in repository.pulls:
        if pull.state == "open":
            _follow_open(hub, repository, pull, branches, actor)
        elif pull.head_repo:
            continue
        elif pull.head_ref in gone:
            hub.note(repository, pull, "head_ref_deleted", actor)
        elif pull.head_ref in back and pull.merged_at is None:
            hub.note(repository, pull, "head_ref_restored", actor)
    if branches != repository.branches:
        repository.pushed_at = hub.now()
    repository.branches = branches
    if repository.parent:
        follow(hub, hub.state.repositories[repository.parent], actor)


def head_of(hub: Hub, repository: Repository, branch: str, fork: str | None) -> str | None:
    """The commit of a pull request's branch, brought here where it is a fork's."""
    git = hub.git(repository.slug)
    if fork is None:
        return git.branches().get(branch)
    return git.bring(hub.git(fork), branch) if fork in hub.state.repositories else None


def _follow_open(hub: Hub, repository: Repository, pull: Pull, branches: dict[str, str], actor: str) -> None:
    git = hub.git(repository.slug)
    head = head_of(hub, repository, pull.head_ref, pull.head_repo)
    if pull.head_repo and pull.head_repo not in hub.state.repositories:
        head = pull.head_sha  # what came from a fork stays when that is deleted
    base = branches.get(pull.base_ref) or _retarget(hub, repository, pull, branches, actor)
    if base is None:
        close(hub, repository, pull, actor)
    elif git.is_ancestor(pull.head_sha, base):
        _merged_elsewhere(hub, repository, pull, base, actor)
    elif head is None:
        hub.note(repository, pull, "head_ref_deleted", actor)
        close(hub, repository, pull, actor)
    elif head != pull.head_sha:
        _move_head(hub, repository, pull, head, actor)
        if git.is_ancestor(head, base):
            close(hub, repository, pull, actor)


def _retarget(
    hub: Hub, repository: Repository, pull: Pull, branches: dict[str, str], actor: str
) -> str | None:
    """Aim at the base of the merged pull request whose branch was ours; give its commit."""
    merged = [p for p in repository.pulls if p.head_name == pull.base_ref and p.merged_at is not None]
    if not merged or merged[-1].base_ref not in branches:
        return None
    old, pull.base_ref = pull.base_ref, merged[-1].base_ref
    pull.base_sha = branches[pull.base_ref]
    hub.note(repository, pull, "automatic_base_change_succeeded", actor, old_base=old, new_base=pull.base_ref)
    return pull.base_sha


def _move_head(hub: Hub, repository: Repository, pull: Pull, head: str, actor: str) -> None:
    git = hub.git(repository.slug)
    forced = not git.is_ancestor(pull.head_sha, head)
    pull.head_sha = head
    pull.base_sha = git.branches()[pull.base_ref]
    pull.updated_at = hub.now()
    keep_head_ref(git, pull)
    if forced:
        hub.note(repository, pull, "head_ref_force_pushed", actor, commit_id=head)
    _dismiss_stale(hub, repository, pull, actor)


def _dismiss_stale(hub: Hub, repository: Repository, pull: Pull, actor: str) -> None:
    protection = repository.protections.get(pull.base_ref)
    if protection is None or not protection.dismiss_stale:
        return
    for review in repository.reviews:
        if review.number == pull.number and review.state == "APPROVED":
            review.state = "DISMISSED"
            details = {"state": "approved", "review_id": review.id, "dismissal_message": None}
            hub.note(repository, pull, "review_dismissed", actor, dismissed_review=details)


def _merged_elsewhere(hub: Hub, repository: Repository, pull: Pull, base: str, actor: str) -> None:
    """Its commits are in the base: merged, even if nobody pressed the button."""
    git = hub.git(repository.slug)
    path = git.history(base, "--first-parent", "--ancestry-path", f"^{pull.head_sha}")
    mark_merged(hub, repository, pull, path[-1] if path else pull.head_sha, actor)


def mark_merged(hub: Hub, repository: Repository, pull: Pull, commit: str, actor: str) -> None:
    pull.merged_at = hub.now()
    pull.merged_by = actor
    pull.merge_commit_sha = commit
    hub.note(repository, pull, "merged", actor, commit_id=commit)
    close(hub, repository, pull, actor, commit_id=commit)


def close(hub: Hub, repository: Repository, pull: Pull, actor: str, commit_id: str | None = None) -> None:
    pull.state = "closed"
    pull.closed_at = hub.now()
    hub.note(repository, pull, "closed", actor, commit_id=commit_id)


def keep_head_ref(git: BareRepository, pull: Pull) -> None:
    """`refs/pull/N/head` keeps the head reachable after its branch is gone."""
    name = f"refs/pull/{pull.number}/head"
    git.update_ref(name, pull.head_sha, git.ref(name) or ZERO)
