"""Whether a candidate may go to production: the policy, the reviews and what the form said."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from tasks.rules.reviews import Reviewed

Decision = Literal["approve", "reject", "recheck"]


class Verdict(StrEnum):
    """What the gate says: go on, wait for people, stop for good, or look at the new head first."""

    APPROVED = "approved"
    WAITING = "waiting"
    REJECTED = "rejected"
    MOVED = "moved"


@dataclass(frozen=True)
class Judgement:
    """A verdict with the sentence that explains it to people."""

    verdict: Verdict
    because: str


@dataclass(frozen=True)
class Proposed:
    """What GitHub says about the pull request now.

    `merged_by_us`: dabflow merges only what was approved, so its own merge is the approval's trace.
    `merger_approves`: a person who merged by hand and whose review would have counted.
    """

    state: str
    head: str
    merged_by_us: bool = False
    merger_approves: str | None = None


@dataclass(frozen=True)
class Policy:
    """`kind` is github, prefect or both; `count` is how many verified reviews are needed."""

    kind: str
    count: int


@dataclass(frozen=True)
class Said:
    """One answer in the form."""

    decision: Decision
    reason: str = ""


def judge(
    policy: Policy, *, commit: str, proposed: Proposed, reviewed: Reviewed, said: Sequence[Said]
) -> Judgement:
    """Say what may happen to `commit`, given everything that people said so far."""
    rejected = next((answer for answer in said if answer.decision == "reject"), None)
    if rejected is not None:
        return Judgement(Verdict.REJECTED, rejected.reason or "rejected in the form, without a reason")
    if proposed.state == "closed":
        return Judgement(Verdict.REJECTED, "its pull request was closed without a merge")
    if proposed.head != commit:
        return Judgement(Verdict.MOVED, f"the release branch moved on to {proposed.head[:12]}")
    if proposed.merged_by_us:
        return Judgement(Verdict.APPROVED, "approved and merged before")
    return _weighed(policy, proposed, reviewed, {answer.decision for answer in said})


def _weighed(
    policy: Policy, proposed: Proposed, reviewed: Reviewed, decisions: AbstractSet[Decision]
) -> Judgement:
    approvers = list(reviewed.approved_by)
    if proposed.merger_approves and proposed.merger_approves not in approvers:
        approvers.append(proposed.merger_approves)
    missing = _missing(policy, approvers, reviewed, decisions)
    if missing:
        return Judgement(Verdict.WAITING, "; ".join(missing))
    names = ", ".join(approvers) if policy.kind != "prefect" else "the form"
    return Judgement(Verdict.APPROVED, f"approved by {names}")


def _missing(
    policy: Policy, approvers: Sequence[str], reviewed: Reviewed, decisions: AbstractSet[Decision]
) -> list[str]:
    missing = []
    if policy.kind != "prefect":
        if reviewed.blocked_by:
            missing.append(f"{', '.join(reviewed.blocked_by)} asked for changes")
        if len(approvers) < policy.count:
            missing.append(_reviews_missing(policy.count, approvers, reviewed))
    if policy.kind != "github" and "approve" not in decisions:
        missing.append("nobody has approved in the form yet")
    return missing


def _reviews_missing(count: int, approvers: Sequence[str], reviewed: Reviewed) -> str:
    text = f"{len(approvers)} of {count} approving reviews of this commit"
    if reviewed.ignored:
        text += f" (not counted: {', '.join(reviewed.ignored)})"
    return text
