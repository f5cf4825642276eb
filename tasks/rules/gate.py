"""Whether a candidate may go to production: one question, about one commit and one plan.

    block         somebody stopped this release; nothing passes
    head, base    the pull request still carries what was asked about
    reviews       verified people, enough of them from each group
    form          the decision, and by name what will be destroyed
    time          soaked on staging, no freeze

Everything is looked up again each time; nothing that a run remembers opens the gate.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from tasks.rules.evidence import Block
from tasks.rules.freezes import Frozen
from tasks.rules.outcomes import Hold, Stopped
from tasks.rules.overrides import Override
from tasks.rules.places import Place, places
from tasks.rules.reviews import Reviewed

Decision = Literal["approve", "reject", "recheck"]

_SEPARATORS = re.compile(r"[\s,;]+")
_WHEN = "%Y-%m-%d %H:%M UTC"


class Verdict(StrEnum):
    """What the gate says: go on, wait, stop for good, look at the new head first, or stop until people mend it."""

    APPROVED = "approved"
    WAITING = "waiting"
    REJECTED = "rejected"
    MOVED = "moved"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Judgement:
    """A verdict with what explains it to people.

    `missing` is what is still wanted, one thing a line; `wake_at` is when time alone may bring it; `seen` is the
    fingerprint of what GitHub showed right before.
    """

    verdict: Verdict
    because: str
    missing: tuple[str, ...] = ()
    wake_at: datetime | None = None
    remedy: str = ""
    seen: str = ""


@dataclass(frozen=True)
class Asked:
    """What the question is about.

    `destructive` are the keys of what the plan destroys, `protected` those of them that production forbids to destroy.
    """

    commit: str
    base: str
    destructive: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposed:
    """What GitHub says about the pull request now.

    `approved_before`: dabflow merged it, and the evidence holds the approval of this very plan.
    `merged_by`: the person who merged by hand instead. `overtaken`: the base has commits that the head lacks.
    """

    state: str
    head: str
    base: str
    approved_before: bool = False
    merged_by: str | None = None
    overtaken: bool = False


@dataclass(frozen=True)
class Policy:
    """`kind` is github, prefect or both; `wanted` is how many verified reviews are needed, from whom."""

    kind: str
    wanted: tuple[Place, ...] = (Place(None, 1),)
    override_from: str | None = None


@dataclass(frozen=True)
class People:
    """Whose reviews count, who is in which team, and who overrides what with which reason."""

    reviewed: Reviewed = field(default_factory=lambda: Reviewed((), (), ()))
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True)
class Said:
    """One answer in the form; `destroys` is what was typed as the list of what will be destroyed."""

    decision: Decision
    reason: str = ""
    destroys: str = ""

    @property
    def named(self) -> frozenset[str]:
        """The keys that were typed, with or without `resources.`, in any order."""
        typed = (word.strip("`'\"") for word in _SEPARATORS.split(self.destroys))
        return frozenset(_whole_key(word) for word in typed if word)


@dataclass(frozen=True)
class Against:
    """What stands against a deploy at this moment, whatever people approved.

    A block by somebody, another release that stopped half way in production, a freeze, too short a time on staging
    (until then), or versions that were withdrawn and held all that this one holds. `over`: this very version was
    withdrawn, abandoned or released by another run.
    """

    block: Block | None = None
    half_way: Stopped | None = None
    frozen: Frozen | None = None
    soak_until: datetime | None = None
    holds: tuple[Hold, ...] = ()
    over: str = ""


def judge(
    asked: Asked,
    policy: Policy,
    proposed: Proposed,
    *,
    people: People,
    said: Sequence[Said] = (),
    against: Against = Against(),
) -> Judgement:
    """Say what may happen to the candidate, given everything that people said so far."""
    final = _over(against) or _final(asked, proposed, said)
    if final is not None:
        return final
    wanted = [] if proposed.approved_before else _wanted(asked, policy, proposed, people, said)
    if wanted and proposed.merged_by and _reviews_wanted(policy, people):
        return _merged_without_approval(proposed, _reviews_wanted(policy, people))
    late, wake_at = _time_wanted(policy, people, against)
    missing = (
        *_blocked(against.block),
        *_half_way(against.half_way),
        *_held(against.holds),
        *_elsewhere(asked, proposed),
        *wanted,
        *late,
    )
    if missing:
        # While people are wanted, too, the end of a freeze alone changes nothing.
        only_time = len(missing) == len(late)
        return Judgement(Verdict.WAITING, "; ".join(missing), missing, wake_at if only_time else None)
    if proposed.approved_before:
        return Judgement(Verdict.APPROVED, "approved and merged before")
    return Judgement(Verdict.APPROVED, _by_whom(policy, people))


def _whole_key(word: str) -> str:
    """`jobs.export` is `resources.jobs.export`; of several bundles, `ingest:jobs.export` `ingest:resources.jobs.export`."""
    bundle, colon, key = word.rpartition(":")
    return f"{bundle}{colon}{key if key.startswith('resources.') else f'resources.{key}'}"


def _over(against: Against) -> Judgement | None:
    if not against.over:
        return None
    return Judgement(
        Verdict.STOPPED,
        f"this version was {against.over} by now: this run brings nothing to production",
        remedy="start it again if its way back into develop is left; else release the next version",
    )


def _final(asked: Asked, proposed: Proposed, said: Sequence[Said]) -> Judgement | None:
    rejected = next((answer for answer in said if answer.decision == "reject"), None)
    if rejected is not None and proposed.state != "merged":
        return Judgement(Verdict.REJECTED, rejected.reason or "rejected in the form, without a reason")
    if proposed.state == "closed":
        return Judgement(Verdict.REJECTED, "its pull request was closed without a merge")
    if proposed.head != asked.commit:
        return Judgement(Verdict.MOVED, f"the release branch moved on to {proposed.head[:12]}")
    if proposed.overtaken:
        return Judgement(Verdict.MOVED, f"{asked.base} has commits that {asked.commit[:12]} lacks")
    return None


def _blocked(block: Block | None) -> list[str]:
    return [f"{block.by} blocked this release: {_one_line(block.reason)}"] if block else []


def _held(holds: Sequence[Hold]) -> list[str]:
    return [
        f"it holds nothing that {hold.version} did not, which was withdrawn for {hold.to} ({_one_line(hold.reason)}):"
        f" push a commit that mends it, or lift the hold: `dabflow unhold {hold.version} --reason TEXT`"
        for hold in holds
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _half_way(other: Stopped | None) -> list[str]:
    if other is None:
        return []
    if other.version.startswith("rollback-"):
        return [
            f"{other.version} stopped half way in production: first it is retried, or production goes further back"
        ]
    if other.retried:
        return [f"{other.version} stopped half way in production, and is tried again: that has to end first"]
    choices = f"retry, roll back or abandon it (`dabflow decide {other.version}`)"
    return [f"{other.version} stopped half way in production: first somebody decides to {choices}"]


def _elsewhere(asked: Asked, proposed: Proposed) -> list[str]:
    if proposed.base == asked.base:
        return []
    return [f"the pull request now goes into `{proposed.base}`: set its base back to `{asked.base}`"]


def _wanted(
    asked: Asked, policy: Policy, proposed: Proposed, people: People, said: Sequence[Said]
) -> list[str]:
    """What people still have to say."""
    by_review = _reviews_wanted(policy, people)
    if policy.kind == "prefect" and proposed.merged_by:
        by_review = [f"{proposed.merged_by} merged by hand; the form still decides"] if not said else []
    return [*_protected(asked), *by_review, *_form_wanted(asked, policy, said)]


def _protected(asked: Asked) -> list[str]:
    if not asked.protected:
        return []
    remedy = "first release a version that only lifts the protection, then one that destroys"
    return [f"production protects {_keys(asked.protected)} (`prevent_destroy`): {remedy}"]


def _reviews_wanted(policy: Policy, people: People) -> list[str]:
    if policy.kind == "prefect":
        return []
    reviewed = people.reviewed
    open_places = places(policy.wanted, reviewed.approved_by, people.members)
    wanted = [f"approving reviews: {', '.join(open_places)}"] if open_places else []
    if wanted and reviewed.ignored:
        wanted[-1] += f" (not counted: {', '.join(reviewed.ignored)})"
    if reviewed.blocked_by:
        wanted.insert(0, f"{', '.join(reviewed.blocked_by)} asked for changes")
    return wanted


def _form_wanted(asked: Asked, policy: Policy, said: Sequence[Said]) -> list[str]:
    approvals = [answer for answer in said if answer.decision == "approve"]
    if any(answer.named == frozenset(asked.destructive) for answer in approvals):
        return []
    if policy.kind == "github" and not asked.destructive:
        return []
    if approvals:
        return [_misnamed(asked, approvals[-1])]
    if asked.destructive:
        return [
            f"nobody has approved in the form yet, with the names of what is destroyed: {_keys(asked.destructive)}"
        ]
    return ["nobody has approved in the form yet"]


def _misnamed(asked: Asked, answer: Said) -> str:
    destructive = frozenset(asked.destructive)
    left_out, too_much = sorted(destructive - answer.named), sorted(answer.named - destructive)
    wrong = [
        *([f"left out {_keys(left_out)}"] if left_out else []),
        *([f"named {_keys(too_much)}, which this plan does not destroy"] if too_much else []),
    ]
    exactly = f"name exactly {_keys(asked.destructive)}" if asked.destructive else "name nothing"
    return f"the approval in the form {' and '.join(wrong)}: {exactly}"


def _time_wanted(policy: Policy, people: People, against: Against) -> tuple[list[str], datetime | None]:
    """What only time, or somebody who may override it, brings; and when."""
    overridden = {override.what for override in people.overrides}
    wanted, until = [], []
    if against.soak_until and "soak" not in overridden:
        until.append(against.soak_until)
        wanted.append(
            f"staging must have run this commit until {against.soak_until:{_WHEN}}{_or(policy, 'soak')}"
        )
    if against.frozen and "freeze" not in overridden:
        until.append(against.frozen.until)
        wanted.append(
            f"production is frozen ({against.frozen.name}) until {against.frozen.until:{_WHEN}}{_or(policy, 'freeze')}"
        )
    return wanted, max(until, default=None)


def _or(policy: Policy, what: str) -> str:
    """How somebody may go on all the same."""
    if policy.override_from is None:
        return ""
    return f", or somebody of {policy.override_from} writes `/override {what} REASON` in a review"


def _merged_without_approval(proposed: Proposed, wanted: Sequence[str]) -> Judgement:
    return Judgement(
        Verdict.STOPPED,
        f"{proposed.merged_by} merged the pull request by hand, and it is not approved: {'; '.join(wanted)}",
        tuple(wanted),
        remedy="nothing was deployed. Let the missing people review the merged pull request, then retry this run;"
        " or revert the merge",
    )


def _by_whom(policy: Policy, people: People) -> str:
    if policy.kind == "prefect":
        return "approved by the form"
    return f"approved by {', '.join(people.reviewed.approved_by)}"


def _keys(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)
