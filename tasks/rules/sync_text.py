"""What people read about a commit on its way into a branch: its pull request, our comment there, what a run waits for.

Nothing here depends on who brings it: two releases may meet on one pull request, and must say the same.
"""

from collections.abc import Sequence

from tasks.rules.conflicts import Clashes, Origin, Side
from tasks.rules.markdown import code, escaped, limited, prose
from tasks.rules.release import Release
from tasks.rules.settings import BackMergeMode
from tasks.rules.syncs import Against, Obstacle, Sync, Synced

_SHORT = 12
_NO_CLASHES = Clashes()
_WHY = "only from the commits git, and dabflow, can tell that nothing is lost"


def sync_marker(repository: str, sync: Sync) -> str:
    """The first line of our comment on its pull request."""
    return _marker(repository, sync.branch)


def sync_title(sync: Sync) -> str:
    return f"Back-merge {sync.what} into {sync.into}"


def sync_message(sync: Sync) -> str:
    return f"#{sync.number} from {sync.branch}"


def sync_body(sync: Sync) -> str:
    return (
        f"`{sync.into}` must contain {sync.what}, so that no fix is lost. Merging or closing this releases nothing.\n\n"
        f"Merge it with a merge commit, not by squash or rebase: {_WHY}.\n"
    )


def obstacle_comment(
    repository: str, sync: Sync, found: Against, *, mode: BackMergeMode, clashes: Clashes = _NO_CLASHES
) -> str:
    """What stands against the merge, and what somebody does about it."""
    head = [sync_marker(repository, sync), f"### {sync.what} waits for you before it is in `{sync.into}`", ""]
    return limited("\n".join([*head, *_told(sync, found, mode, clashes)]).rstrip() + "\n")


def done_comment(repository: str, sync: Sync) -> str:
    return (
        f"{sync_marker(repository, sync)}\n`{sync.into}` contains {sync.what}: nothing is left to do here.\n"
    )


def moot_comment(repository: str, branch: str, into: str) -> str:
    """What people read on a pull request into the branch of a release that was shipped meanwhile."""
    text = f"`{into}` was released, with all that production had: nothing is left to do here."
    return f"{_marker(repository, branch)}\n{text}\n"


def under_way_comment(repository: str, sync: Sync) -> str:
    return f"{sync_marker(repository, sync)}\nNothing waits for you here any more.\n"


def lost_comment(repository: str, sync: Sync, *, again: int, merge_commits: bool) -> str:
    """What people read on a merged pull request that did not bring the commit."""
    why = (
        f"It was squashed or rebased: the files came, the commits did not. But {_WHY}, and the next merge would meet"
        " the same changes again, as conflicts."
    )
    lines = [
        sync_marker(repository, sync),
        f"### This was merged, and `{sync.into}` still does not contain {sync.what}",
        "",
        why,
        "",
        f"**Next:** #{again} brings the commits themselves; it must be merged with a merge commit.",
    ]
    if not merge_commits:
        lines += ["", _allow(sync, f"#{again}")]
    return "\n".join(lines) + "\n"


def missing(sync: Sync, found: Against) -> str:
    """The same in a line."""
    names = _names(found.names)
    why = {
        Obstacle.CONFLICT: f"has a conflict{f' in {names}' if names else ''}: resolve it as its comment says",
        Obstacle.NO_MERGE_COMMITS: "needs a merge commit, and this repository allows none: its comment says what to do",
        Obstacle.FAILING: f"is kept by a check that failed ({names}): mend it on `{sync.branch}`, or run it again",
        Obstacle.PEOPLE: "waits for somebody to merge it, with a merge commit",
        Obstacle.CHECKS: f"waits for required checks ({names}); dabflow then merges it",
        Obstacle.REFUSED: f"cannot be merged: {found.said}",
    }
    return f"`{sync.into}` lacks {sync.what}: #{sync.number} {why[found.obstacle]}"


def sync_waiting_description(release: Release, synced: Sequence[Synced]) -> str:
    """What people read about a run that waits until commits have got where they must be."""
    # The link beside the line: Prefect's form shows what is inside of one as it is written.
    lines = [f"- {prose(one.missing)} ([#{one.sync.number}]({one.url}))" for one in synced if not one.done]
    head, foot = f"## {release.title} waits", "It goes on by itself; nobody needs to answer here."
    return "\n".join([head, "", *lines, "", foot]) + "\n"


def contained_line(brought: Sequence[Synced]) -> str:
    """Which branches contain it already; "" where none does."""
    names = ", ".join(f"`{synced.sync.into}`" for synced in brought if synced.done)
    return f"In {names} already." if names else ""


def _marker(repository: str, branch: str) -> str:
    return f"<!-- dabflow:{repository}:{branch} -->"


def _told(sync: Sync, found: Against, mode: BackMergeMode, clashes: Clashes) -> list[str]:
    match found.obstacle:
        case Obstacle.CONFLICT:
            return _conflict(sync, mode, clashes)
        case Obstacle.NO_MERGE_COMMITS:
            return [_allow(sync, "this pull request")]
        case Obstacle.FAILING:
            remedy = f"mend it by a push to `{sync.branch}`, or run the check again"
            return [
                f"A required check failed: {_names(found.names)}.",
                "",
                f"**Next:** {remedy}. {_then(mode)}",
            ]
        case Obstacle.PEOPLE | Obstacle.CHECKS:
            return [f"{prose(missing(sync, found))}."]
        case Obstacle.REFUSED:
            return [
                f"dabflow could not merge it: {escaped(found.said)}.",
                "",
                f"**Next:** see what this pull request says about merging, and mend that. {_then(mode)}",
            ]


def _conflict(sync: Sync, mode: BackMergeMode, clashes: Clashes) -> list[str]:
    return [
        f"It conflicts with `{sync.into}`{':' if clashes.files else '.'}",
        "",
        *_clashes(sync, clashes),
        f"**Next:** resolve it on `{sync.branch}`. {_then(mode)}",
        "",
        "```sh",
        f"git fetch origin && git switch {sync.branch}",
        f"git merge origin/{sync.into}   # resolve, then commit",
        f"git push origin {sync.branch}",
        "```",
        "",
        "Production does not wait for this.",
    ]


def _then(mode: BackMergeMode) -> str:
    if mode == "merge":
        return "dabflow sees it and merges this pull request by itself."
    return "Then merge this pull request with a merge commit."


def _allow(sync: Sync, pull: str) -> str:
    return (
        "This repository allows no merge commits, and nothing else can bring it there. **Next:** allow merge commits"
        f" (settings of the repository, or the rules of `{sync.into}`) and merge {pull} with one; or somebody who may"
        f" push to `{sync.into}` merges the branch there: `git merge --no-ff origin/{sync.branch}`."
    )


def _clashes(sync: Sync, clashes: Clashes) -> list[str]:
    lines = []
    for clash in clashes.files:
        lines += [
            f"- {code(clash.path)}",
            f"  - {sync.what}: {_side(clash.incoming)}",
            f"  - `{sync.into}`: {_side(clash.there)}",
        ]
    if clashes.more:
        lines.append(f"- and {clashes.more:,} more: `git merge` names them all")
    return [*lines, ""] if lines else []


def _side(side: Side) -> str:
    if not side.origins:
        return "no commit of its own"
    listed = "; ".join(map(_origin, side.origins))
    return f"{listed}; and {side.more:,} more" if side.more else listed


def _origin(origin: Origin) -> str:
    by = f"#{origin.number} " if origin.number else ""
    subject = origin.subject.removesuffix(f" (#{origin.number})")
    return f"{by}{escaped(subject)} ({origin.commit[:_SHORT]})"


def _names(names: Sequence[str], most: int = 3) -> str:
    listed = ", ".join(map(code, names[:most]))
    return f"{listed} and {len(names) - most:,} more" if len(names) > most else listed
