"""Step 11: the published GitHub release, which means that production runs it."""

import logging
import time

from tasks.evidence import attachment_name, chain_of
from tasks.propose import notes_of
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.evidence import Chain
from tasks.rules.notes import with_unchanged
from tasks.rules.release import Release
from tasks.rules.rollback_text import Page, is_withdrawn
from tasks.step import ensure
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo, ReleaseRecord
from tasks.unchanged import version_at
from tasks.withdraw import ensure_latest

log = logging.getLogger(__name__)

_LOOK_AFTER_SECONDS = (0, 0.5, 1, 2, 4)  # what was just made is not always shown at once


@ensure("publish")
def ensure_published(release: Release, commit: str) -> str:
    """The release of the tag is published as the latest one, with its evidence attached; returns its page.

    Raises:
        NeedsHuman: the tag no longer points at what production runs, or other evidence is attached to the draft.
        TryAgain: GitHub does not show it yet.
    """
    hub = GitHubRepo(release.repository)
    found = hub.release(release.tag)
    if found is not None and not found.draft:
        if is_withdrawn(Page(found.name, found.body)):
            ensure_latest(release, hub, found)
        return _published(release, hub, commit)
    chain = chain_of(release.repository, release.name)
    name, body = str(release.version), _notes(release, chain, commit)
    if found is None:
        hub.draft_release(release.tag, name=name, body=body, at=commit)
        found = _shown(hub, release.tag)
    if found.draft:
        # Before it is published: from then on GitHub may keep the files as they are for good.
        _ensure_attached(release, hub, found, chain)
        hub.publish_release(found, name=name, body=body)
    return _published(release, hub, commit)


def _shown(hub: GitHubRepo, tag: str) -> ReleaseRecord:
    """The draft that was just made. GitHub takes several of one tag, so it is given time to show it before a retry.

    Raises:
        TryAgain: it does not show it.
    """
    for seconds in _LOOK_AFTER_SECONDS:
        time.sleep(seconds)
        found = hub.release(tag)
        if found is not None:
            return found
    raise TryAgain("GitHub does not show the draft release yet", "nothing now: it is looked at again")


def _notes(release: Release, chain: Chain, commit: str) -> str:
    """The release notes, and which of its bundles were not deployed because nothing of them changed."""
    deployed = chain.now.last("deployed", commit=commit)
    left = deployed.facts.get("unchanged", {}) if deployed else {}
    versions = {str(folder): version_at(release, str(at)) for folder, at in left.items()}
    return with_unchanged(notes_of(release, commit), versions)


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


def _ensure_attached(release: Release, hub: GitHubRepo, draft: ReleaseRecord, chain: Chain) -> None:
    """The draft has everything noted so far as a file; what an earlier run attached is replaced if it is shorter."""
    name = attachment_name(release.name)
    if not chain.entries:
        return
    content, found = chain.to_bytes(), hub.attachment(draft, name)
    if found == content:
        return
    if found is not None:
        if not chain.continues(_attached(found, name)):
            raise _other_evidence(name)
        hub.detach(draft, name)
    hub.attach(draft, name, content)
    if hub.attachment(draft, name) != content:
        raise TryAgain(f"GitHub does not show {name} yet", "nothing now: it is looked at again")
    log.info("%s is attached to the draft of %s", name, release.tag)


def _attached(content: bytes, name: str) -> Chain:
    try:
        return Chain.of_bytes(content)
    except NeedsHuman as error:
        raise _other_evidence(name) from error


def _other_evidence(name: str) -> NeedsHuman:
    return NeedsHuman(
        f"{name} on the draft release is not how the evidence of this release began",
        "find out which of the two was changed, and by whom; delete the file from the draft, then retry",
    )
