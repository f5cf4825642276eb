"""What the doctor can find: one catalogue of names, each with why it matters and what mends it.

An error stops a release, now or later. A warning lets it through and makes it less safe, or tiresome. A note is worth
knowing. What is fine is said, too, so that nobody has to guess what was looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tasks.rules.errors import ReleaseError
from tasks.rules.findings_catalogue import CATALOGUE

Severity = Literal["error", "warning", "note", "ok"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note", "ok")
SCHEMA_VERSION = 1
_EXIT = {"error": 2, "warning": 1}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `what` is so, `why` it matters, and what mends it (`fix`).

    area: git, databricks, prefect, github, release.yaml, or `target NAME`.
    name: in the catalogue; what programs go by.
    """

    area: str
    name: str
    severity: Severity
    what: str
    why: str = ""
    fix: str = ""


def found(name: str, what: str, *, area: str = "", **filled: str) -> Finding:
    """The catalogue's finding, with what is so; `filled` goes into its fix, `area` is its own if left out."""
    kind = CATALOGUE[name]
    fix = kind.fix.format(**filled)
    return Finding(area or kind.area, name, kind.severity, what, kind.why, fix)


def fine(area: str, what: str) -> Finding:
    """Something is as it should be."""
    return Finding(area, "fine", "ok", what)


def stopped(name: str, error: ReleaseError, *, area: str = "") -> Finding:
    """The catalogue's finding, for something that could not be looked at: its own problem and remedy."""
    kind = CATALOGUE[name]
    return Finding(area or kind.area, name, kind.severity, error.problem, kind.why, error.remedy)


def not_looked(area: str, what: str, because: str) -> Finding:
    """Something was not looked at, and why; the reason is a finding of its own."""
    return Finding(area, "not-looked", "note", f"{what}: not looked at, because {because}")


def exit_code(findings: Iterable[Finding]) -> int:
    """0: nothing worse than a note; 1: warnings; 2: errors."""
    return max((_EXIT.get(finding.severity, 0) for finding in findings), default=0)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By area as they came, in each area the worst first."""
    listed = list(findings)
    areas = list(dict.fromkeys(finding.area for finding in listed))
    return sorted(listed, key=lambda f: (areas.index(f.area), SEVERITIES.index(f.severity)))


def as_json(repository: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """The findings for programs; see docs/reference/doctor.md."""
    return {
        "schema_version": SCHEMA_VERSION,
        "repository": repository,
        "exit_code": exit_code(findings),
        "findings": [asdict(finding) for finding in in_order(findings)],
    }
