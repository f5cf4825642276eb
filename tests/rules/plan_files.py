"""Plans that the real `databricks` command printed, version 1.14 of 21 August 2026."""

import json
from pathlib import Path
from typing import Any

from tasks.rules.plans import Plan

FOLDER = Path(__file__).parent / "plans"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))


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
