"""How a run of a release ended that could not say so itself, in words for people."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from shlex import quote

from tasks.rules.markdown import fenced, limited, prose
from tasks.rules.phases import Phase
from tasks.rules.release import Release
from tasks.rules.rollback_text import again
from tasks.rules.texts import marker, words_of
from tasks.rules.waiting import Waiting

REJECTED = "Rejected"  # the name of the state in which a rejected run ends; it has told everything itself
_REMEDY = "\n  what to do: "  # as `ReleaseError` writes it
_EXCEPTION = "Flow run encountered an exception: "  # as Prefect 3.8 and 3.9 write it
_KIND = re.compile(r"^\w+: ")
_PRECISION = timedelta(minutes=1)  # two clocks


class How(StrEnum):
    """What ended a run."""

    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run of a release that ended badly; `message` is Prefect's, `waiting` its newest question, if it asked one.

    `since` is when it ended, in UTC. `while_waiting`: no process of it ran then, so none of its code could tell anybody.
    """

    repository: str
    version: str
    how: How
    run_url: str
    message: str = ""
    while_waiting: bool = False
    waiting: Waiting | None = None
    since: datetime | None = None

    @property
    def title(self) -> str:
        return f"{self.repository} {self.version}"

    @property
    def problem(self) -> str:
        """What was so, as the run's own error says it."""
        return self.message.removeprefix(_EXCEPTION).partition(_REMEDY)[0].strip()

    @property
    def told(self) -> str:
        """What the pull request says if the run told it there itself: its problem, without the kind of error."""
        return _KIND.sub("", self.problem)

    @property
    def remedy(self) -> str:
        """What somebody is to do, as the run's own error says it; "" if it does not."""
        return self.message.partition(_REMEDY)[2].strip()


@dataclass(frozen=True, kw_only=True)
class RunState:
    """A state of a run in Prefect: the type and the name of it, since when; and the type of the state before."""

    kind: str
    name: str
    message: str
    since: datetime
    before: str

    @property
    def while_waiting(self) -> bool:
        return self.before == "PAUSED"


def how_it_ended(state: RunState, deadline: datetime | None) -> How | None:
    """What ended a run that may have waited until `deadline`; None where it ended well, was rejected, or goes on."""
    if state.kind == "CRASHED":
        return How.CRASHED
    if state.kind == "CANCELLED":
        return None if state.name == REJECTED else How.CANCELLED
    if state.kind != "FAILED":
        return None
    if not state.while_waiting:
        return How.FAILED
    # Only Prefect's clock fails a suspended run by itself; before its time, somebody did.
    early = deadline is not None and state.since < deadline - _PRECISION
    return How.CANCELLED if early else How.EXPIRED


def ended_comment(release: Release, phase: Phase, ended: Ended) -> str:
    """The control comment about a run that ended: what is so, and what somebody does next."""
    lines = [
        marker(release),
        f"### {release.title}: {ended_heading(release, phase, ended)}",
        "",
        f"**Next:** {prose(next_after(release, phase, ended))}",
        "",
        _what_happened(ended),
        "",
        f"[Run in Prefect]({ended.run_url})",
    ]
    return limited("\n".join(lines) + "\n", rest="see the run's log")


def ended_line(ended: Ended) -> str:
    """The same in one short line, for a deployment's status."""
    return {
        How.EXPIRED: "nobody approved it in time",
        How.CANCELLED: "its run was cancelled",
        How.CRASHED: "its run was killed",
        How.FAILED: "its run has failed",
    }[ended.how]


def reminder_marker(release: Release, deadline: datetime) -> str:
    """The first line of our reminder: one for each deadline."""
    return f"<!-- dabflow-reminder:{release.key} {deadline.isoformat()} -->"


def reminder(release: Release, waiting: Waiting) -> str:
    """What people read on the pull request when the deadline comes near."""
    return (
        f"{reminder_marker(release, waiting.deadline)}\n"
        f"**{release.title} waits for approval until {readable(waiting.deadline)}.**"
        f" Still missing: {prose(waiting.missing)}.\n\n"
        "After that its run ends, and nothing of it goes to production. It can be started again at any time.\n\n"
        f"[Run in Prefect]({release.run_url})\n"
    )


def readable(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def ended_heading(release: Release, phase: Phase, ended: Ended) -> str:
    """How it ended and how far it had come, in a few words."""
    words, _ = words_of(release, phase)
    if phase is Phase.REJECTED:
        return words
    how = ended.how.value if ended.how in {How.EXPIRED, How.CANCELLED} else "stopped"
    return f"{how}, {'not approved' if phase <= Phase.PROPOSED else words}"


def next_after(release: Release, phase: Phase, ended: Ended) -> str:
    """What somebody does next."""
    if phase is Phase.REJECTED:
        return words_of(release, phase)[1]
    if ended.how is How.FAILED and ended.remedy:
        return ended.remedy
    begins = f"`{_command(release)}` goes on where it was"
    if phase > Phase.PROPOSED:
        return f"start it again: {begins}"
    if ended.how in {How.CRASHED, How.FAILED}:
        return f"start it again: {begins}, and asks for approval anew"
    wanted = f"start it again if it is still wanted: {begins}, and asks for approval anew"
    return wanted if release.withdraws else f"{wanted}. If it is not, close this pull request"


def _command(release: Release) -> str:
    """What somebody types to start the same again."""
    if release.withdraws:
        return again(release)
    if release.fix is None:
        return f"dabflow release --version {release.version}"
    fix = release.fix
    return f"dabflow hotfix {f'--pr {fix.number}' if fix.number else f'--branch {quote(fix.branch)}'}"


def _what_happened(ended: Ended) -> str:
    waiting = ended.waiting
    missing = f" Still missing: {prose(waiting.missing)}." if waiting and ended.while_waiting else ""
    match ended.how:
        case How.EXPIRED:
            until = f" by {readable(waiting.deadline)}" if waiting else " in time"
            return f"Nobody approved it{until}.{missing}"
        case How.CANCELLED:
            when = " while it waited for approval" if ended.while_waiting else ""
            return f"Its run was cancelled in Prefect{when}.{missing}"
        case How.CRASHED:
            return f"Its run ended without a word: its process was killed, or its worker was lost.\n\n{_quoted(ended)}"
        case How.FAILED:
            return f"Its run has failed.\n\n{_quoted(ended)}"


def _quoted(ended: Ended) -> str:
    return fenced(ended.told)
