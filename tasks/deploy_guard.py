"""What must hold before production is touched, and after: nothing is done that was not approved."""

from collections.abc import Collection, Mapping
from typing import Any

from tasks.rules import digests
from tasks.rules.differences import beyond
from tasks.rules.errors import NeedsHuman
from tasks.rules.release import ProductionPlan, Validated

_MOST = 20  # sentences of one error


def insist_on_approval(approved: ProductionPlan | None) -> ProductionPlan:
    """Return what was approved; without that, production is not touched.

    Raises:
        NeedsHuman: nothing was, or it would destroy what is protected.
    """
    if approved is None:
        raise NeedsHuman(
            "nobody approved what production would get", "start the release again: it asks for the approval"
        )
    if approved.protected:
        raise NeedsHuman(
            f"the release would destroy what is protected: {', '.join(approved.protected)}",
            "first release only the lifting of the protection (`prevent_destroy: false`), then what destroys it",
        )
    return approved


def insist_on_nothing_more(
    approved: ProductionPlan, subject: digests.Subject, plans: Mapping[str, Mapping[str, Any]]
) -> None:
    """Insist that what a deploy would do now was approved; a rest of it may be left.

    Args:
        approved: what people saw and approved.
        subject: what would be deployed now, where to, by what and as whom.
        plans: what `databricks bundle plan -o json` prints now, by bundle folder.

    Raises:
        NeedsHuman: it is more, or something else; the text names it.
    """
    canonical = {bundle: digests.kept(plan, commit=subject.commit) for bundle, plan in plans.items()}
    now = ProductionPlan(
        digest=digests.digest(subject, canonical), subject=subject, plans=canonical, markdown="", line=""
    )
    more = beyond(approved, now)
    if more:
        raise NeedsHuman(
            f"{subject.target} would get something else than what was approved, so it was not deployed:\n"
            + _listed(more),
            "find out who changed it and undo that, then retry; or start the release again: it shows the plan as"
            " it is now and asks for another approval",
        )


def insist_on_written(bundle: Validated, expected: Collection[str], written: Collection[str]) -> None:
    """Insist that the state that a deploy wrote knows exactly the resources that were planned.

    Raises:
        NeedsHuman: it knows more or less.
    """
    more = [f"`{key}` is there and was not planned" for key in sorted(set(written) - set(expected))]
    less = [f"`{key}` was planned and is not there" for key in sorted(set(expected) - set(written))]
    if more or less:
        raise NeedsHuman(
            f"{bundle.target} was deployed, but its state does not hold what was planned:\n"
            + _listed([*more, *less]),
            "look at who else deploys there, and at the output of this deploy in the log; then retry",
        )


def _listed(sentences: list[str]) -> str:
    shown = [f"  {sentence}" for sentence in sentences[:_MOST]]
    return "\n".join([*shown, *([f"  and {len(sentences) - _MOST} more"] if len(sentences) > _MOST else [])])
