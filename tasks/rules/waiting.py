"""What a run that waits for people says about itself, so that others can wake it, remind people and read it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Self

from tasks.rules.errors import NeedsHuman
from tasks.rules.syncs import Sync

WAITING_KEY = "dabflow-waiting"  # the run input under which a run says what it waits for
_TIMES = ("deadline", "remind_at", "wake_at")


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A question that a run has put to people, and what could end the waiting. Times are in UTC.

    `number` is the pull request of `branch`; `question` is the key of the question, `missing` what an approval
    still lacks, in words. After `deadline` the run expires; at `remind_at` people are reminded; at `wake_at`, if
    there is such a moment (a freeze or a soak ends), the run looks again. `seen` is the fingerprint of what GitHub
    showed when it asked. `syncs` are what must get into other branches first, each with its own pull request.
    """

    repository: str
    version: str
    branch: str
    number: int
    question: str
    missing: str
    deadline: datetime
    remind_at: datetime
    seen: str
    wake_at: datetime | None = None
    syncs: tuple[Sync, ...] = ()

    def seconds_left(self, now: datetime) -> int:
        """How long the question still stands: never less than a second, so that a late one expires at once.

        The deadline is absolute. Whoever asks again after a wake asks for what is left of it, not for all of it.
        """
        return max(1, int((self.deadline - now).total_seconds()))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        times = {name: moment.isoformat() for name in _TIMES if (moment := getattr(self, name)) is not None}
        return {**asdict(self), **times, "syncs": [asdict(sync) for sync in self.syncs]}

    @classmethod
    def of_json(cls, stored: object) -> Self:
        """Read what `to_json` wrote.

        Raises:
            NeedsHuman: it is no such thing.
        """
        try:
            found = dict(stored)  # type: ignore[call-overload]  # anything may have been stored
            times = {name: _moment(found[name]) for name in _TIMES if found[name] is not None}
            syncs = tuple(Sync(**sync) for sync in found.get("syncs", ()))
            return cls(**{**found, **times, "syncs": syncs})
        except (TypeError, ValueError, KeyError) as error:
            raise NeedsHuman(
                "what a waiting run stored about itself cannot be read",
                "cancel the run in Prefect and start the release again: it goes on where it was",
            ) from error


@dataclass(frozen=True)
class OnGitHub:
    """What GitHub shows about a release that waits, as far as a change of it matters to its approval.

    `state` and `base` are the pull request's, `head` is the commit of its branch, None where that is gone;
    `reviews` are id, state and text of each; `blocked` is who blocked the release and why, "" if nobody did; `held`
    are the versions that may not go to production again, `half_way` is another one that stopped half way there.
    `base_head` is the commit of the base as long as the pull request is open.
    """

    state: str
    base: str
    head: str | None
    reviews: Sequence[tuple[int, str, str]] = ()
    blocked: str = ""
    base_head: str | None = None
    held: Sequence[str] = ()
    half_way: str = ""


def fingerprint(seen: OnGitHub) -> str:
    """A short text that differs as soon as anything in `seen` does."""
    reviews = [repr(review) for review in sorted(seen.reviews)]
    parts = [
        seen.state,
        seen.base,
        str(seen.head),
        *reviews,
        seen.blocked,
        str(seen.base_head),
        *seen.held,
        seen.half_way,
    ]
    return sha256("\0".join(map(repr, parts)).encode()).hexdigest()[:32]


def wakes(waiting: Waiting, *, seen: str, now: datetime) -> str:
    """Why the run must look again now; "" if nothing has changed for it."""
    if waiting.wake_at is not None and waiting.wake_at <= now:
        return "the time has come that it waited for"
    return "" if waiting.seen == seen else "GitHub shows something new"


def must_remind(waiting: Waiting, now: datetime) -> bool:
    """Whether people are to be reminded of the question now."""
    return waiting.remind_at <= now < waiting.deadline


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment.astimezone(UTC)
