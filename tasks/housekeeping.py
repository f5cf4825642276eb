"""What is done for releases whose run cannot do it: it waits, suspended, or it has ended without a word.

Each step looks before it acts, so that a second one about the same thing writes nothing.
"""

import logging
from datetime import datetime

from tasks.evidence import chain_in, note
from tasks.notify import notify
from tasks.propose import ensure_comment
from tasks.record import ensure_nothing_asked, ensure_state, open_records
from tasks.rules import news
from tasks.rules.endings import Ended, How, ended_comment, ended_line, reminder, reminder_marker
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.fixes import noted_fix
from tasks.rules.names import named
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, STAGING, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.settings_words import Kind
from tasks.rules.texts import marker
from tasks.rules.waiting import Waiting
from tasks.standing import (
    kind_of,
    phase_of_release,
    production_settings,
    pull_request_of,
    seen_on_github,
)
from tasks.step import ensure
from tasks.sync import seen_of
from tasks.systems import clock, connections
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.scrub import Scrubber

log = logging.getLogger(__name__)

_NO_LONGER_ASKED = frozenset({How.EXPIRED, How.CANCELLED})


def now() -> datetime:
    """The present moment, in UTC, as the gate has it."""
    return clock.now()


@ensure("look at {waiting.repository} {waiting.version}")
def seen_now(waiting: Waiting) -> str:
    """The fingerprint of what GitHub shows now about a release that waits."""
    if waiting.syncs:
        return seen_of(waiting.syncs, Mirror(waiting.repository).fetch(), GitHubRepo(waiting.repository))
    if not waiting.number:  # it waits for time alone, before there is a pull request
        return waiting.seen
    return seen_on_github(
        GitHubRepo(waiting.repository),
        Mirror(waiting.repository).fetch(),
        number=waiting.number,
        branch=waiting.branch,
        name=waiting.version,
    )


@ensure("remind people of {waiting.repository} {waiting.version}")
def ensure_reminded(waiting: Waiting, run_url: str) -> None:
    """The open pull request has one comment that says until when it can be approved, and what is missing.

    Raises:
        TryAgain: GitHub does not show the comment yet.
    """
    hub, mirror = GitHubRepo(waiting.repository), Mirror(waiting.repository)
    if not waiting.number:
        return
    release, pull = (
        _release(mirror, waiting.version, _settings(mirror), run_url),
        hub.pull_request(waiting.number),
    )
    if not release.withdraws and pull.state != "open":
        return
    first_line = reminder_marker(release, waiting.deadline)
    if not hub.comment(waiting.number, first_line):
        hub.add_comment(waiting.number, reminder(release, waiting))
        if not hub.comment(waiting.number, first_line):
            raise TryAgain("GitHub does not show the reminder yet", "nothing now: it is looked at again")
        log.info("reminded people of #%d", waiting.number)
    notify(release, news.reminder_of(release, waiting, pull.url))


@ensure("tell GitHub how {ended.title} ended")
def ensure_told(ended: Ended) -> None:
    """GitHub says how the run ended and what somebody does next, and none of its deployments seems to go on.

    The pull request stays as it is: only people close it. What the run told there itself stays, too.
    """
    mirror, hub = Mirror(ended.repository).fetch(), GitHubRepo(ended.repository)
    release = _release(mirror, ended.version, production_settings(mirror), ended.run_url)
    phase = phase_of_release(release, mirror, hub)
    if phase >= Phase.PUBLISHED:
        log.info("%s is %s by now: nothing to tell", release.title, phase.words)
        return
    _note(release, ended)
    _close_records(release, hub, ended, phase)
    pull = pull_request_of(release, mirror, hub)
    if pull is not None and not _told_by_itself(release, hub, pull.number, ended):
        text = Scrubber(connections.known_secrets()).text(ended_comment(release, phase, ended))
        ensure_comment(release, hub, pull.number, text)
    notify(release, news.ended(release, phase, ended, pull.url if pull else ""))


def _note(release: Release, ended: Ended) -> None:
    """The evidence says that nobody decided. A crash or a failure decides nothing: the release goes on."""
    if ended.how not in _NO_LONGER_ASKED:
        return
    facts: dict[str, object] = {"reason": ended_line(ended), "run": ended.run_url}
    if ended.waiting is not None:
        waiting = ended.waiting
        facts |= {"number": waiting.number, "question": waiting.question, "missing": waiting.missing}
        facts |= {"deadline": waiting.deadline.isoformat()}
    note(release.repository, release.name, ended.how.value, facts)


def _close_records(release: Release, hub: GitHubRepo, ended: Ended, phase: Phase) -> None:
    """What expired, was cancelled or rejected is asked no longer; a deployment that was cut off has not succeeded.

    A run that failed or crashed still asks: started again it goes on, with the reviews that it has.
    Of staging an inactive record means that it once was a success: there, and where something may have been
    deployed, it is an error.
    """
    if ended.how in _NO_LONGER_ASKED or phase is Phase.REJECTED:
        ensure_nothing_asked(release, hub, ended_line(ended))
    for environment in (STAGING, PRODUCTION):
        for record in open_records(release, hub, environment, asks=False):
            ensure_state(release, hub, record, "error", ended_line(ended))


def _told_by_itself(release: Release, hub: GitHubRepo, number: int, ended: Ended) -> bool:
    """Whether the control comment has the error with which the run stopped: then it also has its remedy."""
    found = hub.comment(number, marker(release))
    return ended.how is How.FAILED and found is not None and bool(ended.told) and ended.told in found[1]


def _settings(mirror: Mirror) -> ReleaseSettings:
    """Those of the production branch; a mistake in them keeps nobody from being reminded on GitHub."""
    try:
        return production_settings(mirror)
    except NeedsHuman as error:
        log.warning("nobody is notified: %s", error.problem)
        return ReleaseSettings()


def _release(mirror: Mirror, name: str, settings: ReleaseSettings, run_url: str) -> Release:
    about = named(name)
    kind: Kind = "rollback" if about.withdraws else kind_of(mirror, settings, about.version)
    asked = chain_in(mirror, name).last("asked") if kind == "hotfix" else None
    return Release(
        mirror.repository,
        about.version,
        Phase.PLANNED,
        settings,
        source="",
        requested_by="",
        reason="",
        run_url=run_url,
        kind=kind,
        fix=noted_fix(asked.facts) if asked else None,
        withdraws=about.withdraws,
    )
