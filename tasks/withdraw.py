"""After a rollback: GitHub calls latest what production runs again, and what it replaced is withdrawn and held."""

import logging

from tasks.evidence import chain_in, note
from tasks.notify import notify
from tasks.propose import ensure_comment
from tasks.record import ensure_nothing_asked
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.evidence import ROLLED_BACK, WITHDRAWN
from tasks.rules.names import Named
from tasks.rules.news import back_in_production
from tasks.rules.outcomes import RESTORED, may_go_again
from tasks.rules.phases import Phase
from tasks.rules.release import Proposal, Release
from tasks.rules.rollback_text import Page, standing_page, withdrawn_line, withdrawn_page
from tasks.rules.rollbacks import withdrawn_by
from tasks.rules.texts import control_comment
from tasks.rules.versions import Version
from tasks.standing import holds
from tasks.step import ensure
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo, ReleaseRecord

log = logging.getLogger(__name__)


@ensure("withdraw {release.withdraws}")
def ensure_withdrawn(release: Release, proposal: Proposal) -> tuple[Version, ...]:
    """Every newer release is marked as withdrawn and held; the latest is what production runs. Returns the withdrawn.

    What GitHub calls the latest release is never one that production does not run, also in between.

    Raises:
        NeedsHuman: the release that production runs again is no longer published.
        TryAgain: GitHub does not show a step of it yet.
    """
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    found = {version: r for r in hub.releases() if (version := release.settings.version_of_tag(r.tag))}
    ensure_latest(release, hub, found.get(release.version))
    if may_go_again(chain_in(mirror, release.version)):
        note(release.repository, release.version, RESTORED, {"rollback": release.name})
    gone = _newer(release, mirror, found)
    for version in gone:
        if version in found:
            _ensure_marked(release, hub, found[version], proposal.url or release.run_url)
        facts = {"to": str(release.version), "by": release.requested_by, "reason": release.reason}
        note(release.repository, version, WITHDRAWN, {**facts, "rollback": release.name})
    return gone


@ensure("tell that production was rolled back")
def ensure_told_of_rollback(release: Release, proposal: Proposal, gone: tuple[Version, ...]) -> None:
    """The pull request of the withdrawn version says what happened and what comes next, and so does the evidence."""
    hub = GitHubRepo(release.repository)
    ensure_nothing_asked(release, hub, "approved, and deployed")
    text = control_comment(release, Phase.PUBLISHED, proposal=proposal, note=withdrawn_line(release, gone))
    ensure_comment(release, hub, proposal.number, text)
    facts = {
        "tag": release.tag,
        "commit": proposal.candidate.commit,
        "withdrawn": [str(version) for version in gone],
        "by": release.requested_by,
        "reason": release.reason,
    }
    notify(release, back_in_production(release, proposal, gone))
    # The last thing that is done: from here on the rollback is finished.
    note(release.repository, release.name, ROLLED_BACK, facts)


def _newer(release: Release, mirror: Mirror, found: dict[Version, ReleaseRecord]) -> tuple[Version, ...]:
    published = [v for v, record in found.items() if not record.draft]
    tagged = [v for tag in mirror.tags() if (v := release.settings.version_of_tag(tag)) is not None]
    return withdrawn_by(Named(release.version, release.withdraws), published, tagged, holds(mirror))


def ensure_latest(release: Release, hub: GitHubRepo, found: ReleaseRecord | None) -> None:
    """The release that production runs is no prerelease, not called withdrawn, and the latest one."""
    if found is None or found.draft:
        raise NeedsHuman(
            f"production runs {release.version}, but GitHub has no published release of it any more",
            f"publish the release of the tag {release.tag} again, then retry",
        )
    page = standing_page(Page(found.name, found.body))
    stands = page == Page(found.name, found.body) and not found.prerelease
    if stands and hub.latest_release() == release.tag:
        return
    hub.edit_release(found, name=page.name, body=page.body, prerelease=False, latest=True)
    if hub.latest_release() != release.tag:
        raise TryAgain(
            f"GitHub does not call {release.tag} the latest release yet", "nothing now: it is looked at again"
        )
    log.info("%s is the latest release again", release.tag)


def _ensure_marked(release: Release, hub: GitHubRepo, found: ReleaseRecord, link: str) -> None:
    """The release's page says that it was withdrawn; a draft stays a draft."""
    now = Page(found.name, found.body)
    page = withdrawn_page(now, release, link)
    if page == now and found.prerelease:
        return
    hub.edit_release(found, name=page.name, body=page.body, prerelease=True)
    log.info("%s is marked as withdrawn", found.tag)
