"""Bundles that a release no longer has, and that production still runs: nobody takes them away, so people are told."""

import logging

from tasks.bundles import bundle_clis, deployer_of, validated, workspace_of
from tasks.known_state import folders_at
from tasks.rules.bundle_text import LeftBehind
from tasks.rules.errors import ReleaseError
from tasks.rules.known_state import Recorded
from tasks.rules.release import Candidate, Release, Validated
from tasks.standing import settings_at
from tasks.systems.git_repo import Mirror
from tasks.unchanged import version_at

log = logging.getLogger(__name__)


def left_behind(
    release: Release, bundles: tuple[Validated, ...], recorded: Recorded | None
) -> tuple[LeftBehind, ...]:
    """What is deployed there of bundles that the last release had and this one has not.

    A rollback also looks at the version that it withdraws, which may have stopped half way.

    Raises:
        TryAgain: the workspace does not answer.
    """
    mirror = Mirror(release.repository)
    tags = mirror.tags()
    withdrawn = tags.get(release.settings.tag(release.withdraws)) if release.withdraws else None
    commits = [commit for commit in (recorded.commit if recorded else None, withdrawn) if commit]
    found: dict[str, LeftBehind] = {}
    for commit in dict.fromkeys(commits):
        gone = (
            (folders_at(mirror, commit) or frozenset()) - {bundle.bundle for bundle in bundles} - found.keys()
        )
        for folder in sorted(gone):
            left = _left(release, folder, commit, bundles)
            if left is not None:
                found[folder] = left
    return tuple(found.values())


def _left(release: Release, folder: str, commit: str, bundles: tuple[Validated, ...]) -> LeftBehind | None:
    """What a bundle of an older commit has on the target; None where that is nothing, or is released from elsewhere."""
    mirror, target, version = Mirror(release.repository), bundles[0].target, version_at(release, commit)
    settings = settings_at(mirror, commit).model_copy(update={"bundles": (folder,)})
    try:
        with bundle_clis(release, Candidate(commit, mirror.tree(commit), settings), target) as clis:
            root = validated(clis[0], deployer=deployer_of(target)).root_path
        if root in {bundle.root_path for bundle in bundles}:
            return None
        ids = workspace_of(target).state_ids(root)
    except ReleaseError as error:
        log.warning(
            "what %s of %s has on %s could not be looked up: %s", folder, version, target, error.problem
        )
        return LeftBehind(folder, target, version, unknown=" ".join(error.problem.split())[:300])
    if not ids:
        return None
    log.warning("%s is no longer released, and %s still has %d resources of it", folder, target, len(ids))
    return LeftBehind(folder, target, version, root, ids)
