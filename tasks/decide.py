"""After a deploy or a smoke job of production went wrong: it is told, and people decide what becomes of the release."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from tasks.adopt import by_root, ensure_adopted, foreign
from tasks.evidence import chain_of, note
from tasks.known_state import recorded_in, recorded_of
from tasks.notify import notify
from tasks.propose import ensure_comment
from tasks.rules.errors import ReleaseError
from tasks.rules.evidence import RETRIED, STOPPED
from tasks.rules.news import half_way
from tasks.rules.outcomes import ABANDONED, Stopped, stopped
from tasks.rules.release import PRODUCTION, BundleRuns, Release
from tasks.rules.stops_text import abandoned_comment, stop_description, stopped_comment
from tasks.rules.waiting import Waiting
from tasks.running import commits_of, running_bundles
from tasks.standing import current_pull_request, seen_on_github
from tasks.step import ensure
from tasks.systems import clock
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

log = logging.getLogger(__name__)


@ensure("look for a stop in production")
def stop_in_production(release: Release) -> Stopped | None:
    """What stopped this release half way in production, as long as nobody has decided what becomes of it."""
    return stopped(chain_of(release.repository, release.name))


@ensure("tell that production stopped half way")
def ensure_stop_told(release: Release, commit: str, problem: str, *, after: int = 0) -> None:
    """The evidence and the pull request say where production stopped, and that somebody must decide.

    Args:
        release: what stopped.
        commit: what was being deployed.
        problem: why.
        after: the number of the stop whose answer led to nothing: it is asked anew, also where the problem is the same.
    """
    facts: dict[str, object] = {"commit": commit, "problem": problem, **({"after": after} if after else {})}
    chain = note(release.repository, release.name, STOPPED, facts)
    stop = stopped(chain)
    if stop is not None:
        page = _tell(release, stopped_comment(release, stop, runs=_running(release, commit)))
        notify(release, half_way(release, stop, page))


@ensure("ask what becomes of it")
def waiting_for_decision(release: Release, stop: Stopped, missing: str) -> tuple[Waiting, str]:
    """What the run waits for, and what people read above the form."""
    hub, mirror = GitHubRepo(release.repository), Mirror(release.repository).fetch()
    pull = current_pull_request(hub, release.branch, release.settings.branches.production, None)
    number = pull.number if pull else 0
    seen = (
        seen_on_github(hub, mirror, number=number, branch=release.branch, name=release.name) if number else ""
    )
    deadline = clock.now() + timedelta(days=release.settings.approval.within_days)
    waiting = Waiting(
        repository=release.repository,
        version=release.name,
        branch=release.branch,
        number=number,
        question=question_of(stop),
        missing=f"production stopped half way: retry, roll back or abandon {release.version}",
        deadline=deadline,
        remind_at=deadline,
        seen=seen,
    )
    return waiting, stop_description(release, stop, runs=_running(release, stop.commit), missing=missing)


def question_of(stop: Stopped) -> str:
    """What one such question is about: this stop, not one before it."""
    return f"stopped-{stop.commit[:12]}-{stop.number}"


@ensure("look what went to production since")
def overtaken_by(release: Release, stop: Stopped) -> str:
    """The version that production runs instead by now and that contains this one; "" where there is none."""
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    recorded = recorded_of(hub.newest_successful_deployment(PRODUCTION))
    if recorded is None or recorded.adopted or recorded.commit == stop.commit:
        return ""
    if not mirror.is_ancestor(stop.commit, recorded.commit):
        return ""
    versions = (
        release.settings.version_of_tag(tag) for tag, at in mirror.tags().items() if at == recorded.commit
    )
    return str(next((v for v in versions if v is not None), recorded.commit[:12]))


@ensure("retry")
def ensure_retried(release: Release, reason: str) -> None:
    """The evidence says that somebody lets it try again."""
    note(release.repository, release.name, RETRIED, {"reason": reason})


@ensure("abandon")
def ensure_abandoned(release: Release, stop: Stopped, reason: str, overtaken: str = "") -> None:
    """The release is over: evidence, GitHub's record of production and the pull request say what is really there.

    Raises:
        TryAgain: GitHub does not show it yet, or the workspace does not answer.
    """
    mirror, hub = Mirror(release.repository).fetch(), GitHubRepo(release.repository)
    runs = _running(release, stop.commit)
    if not overtaken:
        facts = {"by": hub.me, "reason": f"{release.version} was abandoned: {reason}"}
        _ensure_truth(mirror, hub, stop, runs, facts)
    named = {"reason": reason or overtaken, "runs": list(commits_of(runs))}
    note(release.repository, release.name, ABANDONED, named)
    _tell(release, abandoned_comment(release, reason, runs=runs, overtaken_by=overtaken))


def _ensure_truth(
    mirror: Mirror, hub: GitHubRepo, stop: Stopped, runs: tuple[BundleRuns, ...], facts: Mapping[str, str]
) -> None:
    """GitHub's record names what production was left at; of several bundles some may be at the release's commit."""
    others = foreign(runs, recorded_in(mirror, hub.newest_successful_deployment(PRODUCTION)))
    if others:
        ensure_adopted(mirror, hub, stop.commit if stop.commit in others else others[0], facts, by_root(runs))


def _running(release: Release, commit: str) -> tuple[BundleRuns, ...]:
    """What production says that it runs; nothing where it does not say."""
    mirror = Mirror(release.repository)
    try:
        return running_bundles(mirror, release.settings, commit, release.target(PRODUCTION))
    except ReleaseError as error:
        log.warning("what production runs could not be read: %s", error.problem)
        return ()


def _tell(release: Release, text: str) -> str:
    """The release's pull request says this; returns its page, "" where there is none."""
    hub = GitHubRepo(release.repository)
    pull = current_pull_request(hub, release.branch, release.settings.branches.production, None)
    if pull is not None:
        ensure_comment(release, hub, pull.number, text)
    return pull.url if pull else ""
