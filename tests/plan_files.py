"""Plans that the real `databricks` command printed, version 1.14 of 21 August 2026."""

import json
from pathlib import Path
from typing import Any

from tasks.rules import digests
from tasks.rules.plans import Plan
from tasks.rules.release import ProductionPlan

FOLDER = Path(__file__).parent / "rules" / "plans"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))
SUBJECT = digests.Subject(
    commit="c" * 40,
    tree="e" * 40,
    cli_version="1.14.0",
    target="prod",
    host="https://prod.example",
    deployer="11111111-2222-3333-4444-555555555555",
    roots={".": "/Workspace/.bundle/lakehouse/prod"},
    variables={".": {"catalog": "lakehouse"}},
)


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def json_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text_of(name))
    return found


def plan_of(name: str) -> Plan:
    return Plan.of_json(text_of(name))


def made_up(**entries: dict[str, Any]) -> Plan:
    """A plan of our own; `jobs__x` stands for the key `resources.jobs.x`."""
    plan = {f"resources.{key.replace('__', '.')}": entry for key, entry in entries.items()}
    return Plan.of_object(
        {"plan_version": 2, "cli_version": "1.14.0", "lineage": "x", "serial": 1, "plan": plan}
    )


def bound(*plans: dict[str, Any], subject: digests.Subject = SUBJECT, **more: Any) -> ProductionPlan:
    """Plans as the command printed them, one for each root of the subject, as something that can be approved."""
    canonical = {
        bundle: digests.kept(plan, commit=subject.commit)
        for bundle, plan in zip(subject.roots, plans, strict=True)
    }
    text = {"markdown": "what production gets\n", "line": "1 to create"}
    return ProductionPlan(
        digest=digests.digest(subject, canonical), subject=subject, plans=canonical, **{**text, **more}
    )
