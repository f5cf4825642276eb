"""The plan of production as one thing: what people read, and what their approval is bound to."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.rules import digests
from tasks.rules.bundle_text import LEFT, LeftBehind, bundles_section, left_behind_section, unchanged_section
from tasks.rules.markdown import GITHUB_LIMIT
from tasks.rules.pages import Section, fitting, whole
from tasks.rules.plan_text import About, confirmed_by, plan_line, plan_sections
from tasks.rules.plans import Plan
from tasks.rules.release import ProductionPlan

ROOM = GITHUB_LIMIT - 8_000  # characters; the rest is for what else stands in a comment or a form
_STAYS = "no longer released, and still deployed"
REST = "the whole plan is an artifact of the run in Prefect"


def bound_plan(
    subject: digests.Subject,
    printed: Mapping[str, Mapping[str, Any]],
    pages: Sequence[tuple[Plan, About]],
    *,
    gate_changes: tuple[str, ...] = (),
    left_behind: Sequence[LeftBehind] = (),
    characters: int = ROOM,
) -> ProductionPlan:
    """Return what production would get.

    Args:
        subject: what would be deployed, where to, by what and as whom.
        printed: what `databricks bundle plan -o json` printed, by bundle folder.
        pages: each bundle's plan and what is said beside it, in the order in which they are deployed.
        gate_changes: what the release changes about its own gate.
        left_behind: the bundles that are still deployed and no longer released.
        characters: how long the text that fits a comment may be.
    """
    canonical = {bundle: digests.kept(plan, commit=subject.commit) for bundle, plan in printed.items()}
    sections = [
        bundles_section(pages),
        *(left_behind_section(left) for left in left_behind),
        *(section for plan, about in pages for section in _sections(plan, about)),
    ]
    destructive = [(change, about) for plan, about in pages for change in plan.destructive]
    return ProductionPlan(
        digest=digests.digest(subject, canonical),
        subject=subject,
        plans=canonical,
        markdown=fitting(sections, characters, rest=REST),
        page=whole(sections),
        line="; ".join(
            [*(_line(*page) for page in pages), *(f"{left.bundle}: {_STAYS}" for left in left_behind)]
        ),
        destructive=tuple(confirmed_by(change.key, about) for change, about in destructive),
        protected=tuple(
            confirmed_by(change.key, about)
            for change, about in destructive
            if about.protection.holds(change.key)
        ),
        gate_changes=gate_changes,
        unchanged=tuple(about.bundle for _, about in pages if about.unchanged),
    )


def _sections(plan: Plan, about: About) -> list[Section]:
    return [unchanged_section(about)] if about.unchanged else plan_sections(plan, about)


def _line(plan: Plan, about: About) -> str:
    if about.unchanged:
        return f"{about.bundle}: {LEFT}"
    line = plan_line(plan, about.affected)
    return f"{about.bundle}: {line}" if about.several else line
