"""Before step 4: whether a freeze keeps releases away from staging now."""

import logging
from datetime import timedelta

from tasks.rules.freezes import Frozen, frozen
from tasks.rules.release import STAGING, Release
from tasks.rules.waiting import Waiting
from tasks.standing import deployed_records
from tasks.step import ensure
from tasks.systems import clock
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)


@ensure("look whether staging is frozen")
def staging_freeze(release: Release) -> Waiting | None:
    """What the run waits for while a freeze keeps releases away from staging; None where it may go on.

    A commit that was rehearsed already needs no staging any more.
    """
    freezes, target = release.settings.freezes, release.target(STAGING)
    holds = frozen(freezes, target=target, kind=release.kind, now=clock.now())
    if holds is None or _rehearsed(release):
        return None
    log.info("staging is frozen (%s) until %s", holds.name, holds.until)
    return _until(release, holds)


def _rehearsed(release: Release) -> bool:
    head = Mirror(release.repository).fetch().branches().get(release.branch)
    return head is not None and bool(deployed_records(GitHubRepo(release.repository), STAGING, head))


def _until(release: Release, holds: Frozen) -> Waiting:
    deadline = holds.until + timedelta(days=release.settings.approval.within_days)
    return Waiting(
        repository=release.repository,
        version=release.name,
        branch=release.branch,
        number=0,
        question=f"staging-{holds.until:%Y%m%d-%H%M}",
        missing=f"staging is frozen ({holds.name}) until {holds.until:%Y-%m-%d %H:%M UTC}",
        deadline=deadline,
        remind_at=deadline,
        wake_at=holds.until,
        seen="",
    )
