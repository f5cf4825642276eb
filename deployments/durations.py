"""How long each part of a release took, from its steps."""

from collections.abc import Sequence
from datetime import datetime

from deployments.runs import Step

# The parts as the picture in flows/standard_release.py has them, and how the names of their steps begin.
_PARTS = [
    ("plan and cut", ("plan", "cut")),
    ("examine", ("validate", "check", "plan production")),
    ("rehearse on staging", ("deploy staging", "smoke staging")),
    ("propose", ("open the pull request",)),
    ("approve", ("look at the approval", "compare")),
    ("merge and tag", ("merge", "tag")),
    ("production", ("deploy production", "smoke production")),
    ("publish", ("publish",)),
    ("back-merge", ("back-merge",)),
]


def part_of(name: str) -> str:
    """The part that a step belongs to, "" for one that only tells people something."""
    fitting = [(len(start), part) for part, starts in _PARTS for start in starts if _begins(name, start)]
    return max(fitting)[1] if fitting else ""


def by_part(steps: Sequence[Step]) -> list[tuple[str, float]]:
    """Seconds per part, in order; steps side by side count once, and so do looks again after a suspension."""
    spans: dict[str, list[tuple[datetime, datetime]]] = {part: [] for part, _ in _PARTS}
    for step in steps:
        if (part := part_of(step.name)) and step.started and step.ended:
            spans[part].append((step.started, step.ended))
    return [(part, _covered(spans[part])) for part, _ in _PARTS if spans[part]]


def _begins(name: str, start: str) -> bool:
    return name == start or name.startswith(start + " ")


def _covered(spans: list[tuple[datetime, datetime]]) -> float:
    """Seconds in at least one of the spans."""
    total, upto = 0.0, None
    for began, ended in sorted(spans):
        start = began if upto is None else max(began, upto)
        total += max(0.0, (ended - start).total_seconds())
        upto = ended if upto is None else max(upto, ended)
    return total
