"""What the evidence says about approvals that were given before."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tasks.rules import digests
from tasks.rules.differences import beyond
from tasks.rules.evidence import Chain
from tasks.rules.release import ProductionPlan


def shown_facts(plan: ProductionPlan, number: int) -> dict[str, Any]:
    """What is noted when a plan is shown: enough to compare any later one with it."""
    return {"digest": plan.digest, "number": number, "subject": asdict(plan.subject), "plans": plan.plans}


def approved_before(chain: Chain, plan: ProductionPlan) -> bool:
    """Whether this very plan was approved, or one of which it is the rest after a deploy that was killed half way.

    An approval that led to a version that was withdrawn since, or to a rollback that has ended, counts no more.
    """
    now = chain.now
    approved = now.last("approved")
    shown = now.last("shown", digest=approved.facts["digest"]) if approved else None
    kept = _plan(shown.facts) if shown else None
    return kept is not None and not beyond(kept, plan)


def _plan(facts: Mapping[str, Any]) -> ProductionPlan | None:
    """The plan that was noted; None if it does not have the digest that it is said to have."""
    subject, plans = digests.Subject(**facts["subject"]), facts["plans"]
    if digests.digest(subject, plans) != facts["digest"]:
        return None
    return ProductionPlan(digest=facts["digest"], subject=subject, plans=plans, markdown="", line="")
