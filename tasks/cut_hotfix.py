"""Step 2 of a hotfix: its branch, with the fix on top of what production runs."""

import logging

from tasks.evidence import note
from tasks.fix import Onto, lacking, put_onto
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.fixes import asked_facts
from tasks.rules.release import Fix, Release
from tasks.systems.git_push import NotTaken, push
from tasks.systems.git_repo import Mirror

log = logging.getLogger(__name__)


def create_hotfix(release: Release, mirror: Mirror, fix: Fix) -> str:
    """The hotfix's branch is on GitHub, and holds the fix; returns its head.

    What it brings is noted before it is there: whoever finds the branch knows whose it is.

    Raises:
        NeedsHuman: the fix conflicts with what production runs, or somebody else made a branch of that name.
        TryAgain: GitHub does not show it yet.
    """
    onto = Onto(_tag_at(release, mirror), release.source, release.branch)
    made = put_onto(mirror, fix, onto)
    note(release.repository, release.name, "asked", asked_facts(release))
    refused = _pushed(release, mirror, made)
    head = mirror.fetch().branches().get(release.branch)
    if head is None:
        raise refused or TryAgain(
            f"GitHub does not show {release.branch} yet", "nothing now: the step looks again by itself"
        )
    if head != made:
        insist_on_fix_inside(release, mirror, head)
    return head


def insist_on_fix_inside(release: Release, mirror: Mirror, head: str) -> None:
    """Insist that a branch that is there already holds what the hotfix brings; a release brings nothing of its own.

    Raises:
        NeedsHuman: it does not.
    """
    if release.fix and lacking(mirror, release.fix.commits, head):
        raise NeedsHuman(
            f"{release.branch} is there, at {head[:12]}, and does not hold {release.fix.title}",
            f"find out whose it is; rename or delete {release.branch}, then start the hotfix again",
        )


def _pushed(release: Release, mirror: Mirror, commit: str) -> NotTaken | None:
    """Push the branch if there is none yet; what GitHub said if it did not take it: a look decides."""
    try:
        push(mirror, f"refs/heads/{release.branch}", commit, seen=None)
    except NotTaken as error:
        log.info("%s", error.problem)
        return error
    return None


def _tag_at(release: Release, mirror: Mirror) -> str:
    """The name of the release's tag at which the hotfix is cut."""
    named = (name for name, commit in mirror.tags().items() if commit == release.source)
    return next((name for name in named if release.settings.version_of_tag(name)), release.source)
