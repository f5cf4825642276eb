"""Step 11: the published GitHub release, which means that production runs it."""

import logging

from tasks.propose import notes_of
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.release import Release
from tasks.step import ensure
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)


@ensure("publish")
def ensure_published(release: Release, commit: str) -> str:
    """The release of the tag is published as the latest one; returns its page.

    Raises:
        NeedsHuman: the tag no longer points at what production runs.
        TryAgain: GitHub does not show it yet.
    """
    hub = GitHubRepo(release.repository)
    found = hub.release(release.tag)
    if found is not None and not found.draft:
        return found.url
    name, body = str(release.version), notes_of(release, commit)
    if found is None:
        hub.draft_release(release.tag, name=name, body=body, at=commit)
        found = hub.release(release.tag)
    if found is None:
        raise TryAgain("GitHub does not show the draft release yet", "nothing now: it is looked at again")
    if found.draft:
        hub.publish_release(found, name=name, body=body)
    return _published(release, hub, commit)


def _published(release: Release, hub: GitHubRepo, commit: str) -> str:
    found = hub.release(release.tag)
    if found is None or found.draft:
        raise TryAgain(
            "GitHub does not show the release as published yet", "nothing now: it is looked at again"
        )
    # Publishing makes a missing tag by itself, wherever it likes.
    at = Mirror(release.repository).fetch().tags().get(release.tag)
    if at != commit:
        raise NeedsHuman(
            f"the tag {release.tag} is now on {str(at)[:12]}, production runs {commit[:12]}",
            "find out who moved the tag, and put it back",
        )
    log.info("%s is published: %s", release.tag, found.url)
    return found.url
