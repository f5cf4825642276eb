"""What people are told in a chat or by mail: short, plain, with where to read it and how to answer."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.rules.chat_text import address, plain
from tasks.rules.drift import Look
from tasks.rules.drift_text import drift_line, drift_lines
from tasks.rules.endings import Ended, How, ended_heading, next_after, readable
from tasks.rules.errors import ReleaseError
from tasks.rules.gate import Judgement
from tasks.rules.outcomes import Stopped
from tasks.rules.phases import Phase
from tasks.rules.release import Proposal, Release
from tasks.rules.settings_words import About
from tasks.rules.syncs import Synced
from tasks.rules.texts import question_key
from tasks.rules.versions import Version
from tasks.rules.waiting import Waiting

_MOST_NAMES = 5  # resources that are named one by one
_MOST_LINES = 10  # of what was changed by hand
_LONGEST = 600  # characters of a line that says what went wrong


@dataclass(frozen=True)
class News:
    """One thing that happened. `key` tells it from every other one of the same release, so that it is told once."""

    about: About
    key: str
    title: str
    lines: tuple[str, ...]

    @property
    def body(self) -> str:
        return "\n".join(self.lines)


def approval_wanted(release: Release, proposal: Proposal, judgement: Judgement) -> News:
    """Somebody must approve: who asks, what production gets and loses, where to read it, how to answer."""
    name, destroyed = release.name, proposal.plan.destructive
    by_name = " --destroys KEY, once for each" if destroyed else ""
    back = f" (back from {release.withdraws})" if release.withdraws else ""
    return News(
        "approval",
        question_key(proposal),
        f"{plain(release.title)} waits for approval",
        _lines(
            ("Asked for by", _asked(release)),
            ("Production gets", f"{plain(proposal.plan.line)}{back}"),
            ("Destroyed there", _names(destroyed)),
            ("Still missing", plain("; ".join(judgement.missing))),
            ("Read and review", address(proposal.url)),
            (
                "Answer",
                f"dabflow approve {name} --reason TEXT{by_name}; or dabflow reject {name} --reason TEXT",
            ),
            ("Run", address(release.run_url)),
        ),
    )


def reminder_of(release: Release, waiting: Waiting, pull_url: str) -> News:
    """The deadline comes near, and nobody has decided."""
    return News(
        "reminder",
        f"reminder-{waiting.deadline.isoformat()}",
        f"{plain(release.title)} waits for approval only until {readable(waiting.deadline)}",
        _lines(
            ("Still missing", plain(waiting.missing)),
            ("Read and review", address(pull_url)),
            ("Answer", f"dabflow approve {release.name} --reason TEXT"),
            ("Run", address(release.run_url)),
        ),
    )


def in_production(release: Release, line: str, pull_url: str) -> News:
    """Production runs it, and it was tested there. `line` is what it got, "" where that is not known any more."""
    return News(
        "production",
        f"production-{release.version}",
        f"production of {plain(release.repository)} runs {release.version}",
        _lines(
            ("Asked for by", _asked(release)),
            ("Production got", plain(line)),
            ("Read", address(pull_url)),
            ("Run", address(release.run_url)),
        ),
    )


def back_in_production(release: Release, proposal: Proposal, gone: Sequence[Version]) -> News:
    """Production runs an older version again."""
    return News(
        "production",
        f"production-{release.version}",
        f"production of {plain(release.repository)} runs {release.version} again",
        _lines(
            ("Asked for by", _asked(release)),
            ("Withdrawn", ", ".join(map(str, gone))),
            ("Production got", plain(proposal.plan.line)),
            ("Read", address(proposal.url)),
            ("Run", address(release.run_url)),
        ),
    )


def half_way(release: Release, stop: Stopped, pull_url: str) -> News:
    """Production stopped half way, and somebody must decide."""
    return News(
        "stopped",
        f"half-way-{stop.commit}-{stop.number}",
        f"{plain(release.title)} stopped half way in production",
        _lines(
            ("What is so", plain(stop.problem, _LONGEST)),
            ("Decide", f"dabflow decide {release.name} retry|roll-back|abandon --reason TEXT"),
            ("Read", address(pull_url)),
            ("Run", address(release.run_url)),
        ),
    )


def stopped(release: Release, error: ReleaseError, pull_url: str) -> News:
    """A run stopped at an error that says what to do."""
    return _stopped(release, error.problem, error.remedy, pull_url)


def ended(release: Release, phase: Phase, how: Ended, pull_url: str) -> News:
    """A run ended that could not say so itself; one that said it is the same news as what it said."""
    if how.how is How.FAILED and how.remedy:
        return _stopped(release, how.told, how.remedy, pull_url)
    return News(
        "stopped",
        f"{how.how.value}-{how.since.isoformat() if how.since else hashed(how.run_url)}",
        f"{plain(release.title)}: {plain(ended_heading(release, phase, how))}",
        _lines(
            ("What is so", plain(how.told, _LONGEST) if how.how in {How.CRASHED, How.FAILED} else ""),
            ("Next", plain(next_after(release, phase, how), _LONGEST)),
            ("Read", address(pull_url)),
            ("Run", address(how.run_url)),
        ),
    )


def rejected(release: Release, proposal: Proposal, reason: str) -> News:
    """Somebody said no: nothing of it goes to production."""
    return News(
        "stopped",
        f"rejected-{question_key(proposal)}",
        f"{plain(release.title)} was rejected",
        _lines(
            ("Why", plain(reason)),
            ("Read", address(proposal.url)),
            ("Run", address(release.run_url)),
        ),
    )


def conflict(release: Release, synced: Synced) -> News:
    """Something does not get into a branch without people."""
    sync = synced.sync
    obstacle = synced.obstacle.value.replace(" ", "-") if synced.obstacle else ""
    return News(
        "conflict",
        f"conflict-{sync.commit}-into-{sync.into}-{obstacle}",
        f"{plain(release.title)}: {plain(sync.what)} does not get into {plain(sync.into)} by itself",
        _lines(
            ("What is so", plain(synced.missing, _LONGEST)),
            ("Resolve", address(synced.url)),
            ("Run", address(release.run_url)),
        ),
    )


def drift_found(repository: str, look: Look, run_url: str) -> News:
    """Something was changed by hand on a target."""
    lines = [plain(line, 160) for line in drift_lines(look)]
    more = [f"and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
    since = look.since.isoformat() if look.since else ""
    return News(
        "drift",
        f"drift-{look.fingerprint}-{since}",
        f"{plain(look.environment)} of {plain(repository)} was changed by hand",
        (
            *_lines(("What is so", plain(drift_line(look), _LONGEST))),
            *lines[:_MOST_LINES],
            *more,
            *_lines(
                ("See it", f"dabflow drift {plain(look.target)}"),
                ("Next", "the next release sets it back; what is to stay goes into the bundle"),
                ("Run", address(run_url)),
            ),
        ),
    )


def hashed(text: str) -> str:
    """A short name for a long text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stopped(release: Release, problem: str, remedy: str, pull_url: str) -> News:
    return News(
        "stopped",
        f"stopped-{hashed(' '.join(problem.split()))}",
        f"{plain(release.title)} stopped",
        _lines(
            ("What is so", plain(problem, _LONGEST)),
            ("What to do", plain(remedy, _LONGEST)),
            ("Read", address(pull_url)),
            ("Run", address(release.run_url)),
        ),
    )


def _asked(release: Release) -> str:
    why = f": {plain(release.reason)}" if release.reason else ""
    return f"{plain(release.requested_by) or 'somebody unknown'}{why}"


def _names(keys: Sequence[str]) -> str:
    shown = [plain(key, 120) for key in keys[:_MOST_NAMES]]
    more = [f"and {len(keys) - _MOST_NAMES} more"] if len(keys) > _MOST_NAMES else []
    return ", ".join([*shown, *more])


def _lines(*facts: tuple[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}: {value}" for name, value in facts if value)
