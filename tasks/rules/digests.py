"""What an approval is bound to, as one number: anything else deserves another question.

The plan as the CLI prints it holds things that move by themselves (ids, times, the serial of the state,
whether a pipeline runs). Its canonical form leaves them out and keeps what would be done.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# A wheel with `dynamic_version` gets the nanoseconds of its build: lakehouse-0.1.0+179000000-py3-none-any.whl
_BUILD_TIME = re.compile(r"\+\d+(?=-[^/\\\s]*\.whl\b)", re.ASCII)
_KEPT = ("action", "gone", "depends_on", "new_state")
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Subject:
    """What is approved, beside the plan: this commit, by this CLI, on this target, as this identity."""

    commit: str
    tree: str
    cli_version: str
    target: str
    host: str
    deployer: str


def canonical(plan_json: Mapping[str, Any]) -> bytes:
    """Return the bytes that are equal exactly if two plans would do the same.

    Left out: all that the workspace answered (`remote_state`, `id`), differences that the CLI skips, lineage
    and serial of the state, the order of keys, the build time in a wheel's name. Kept: the remote value of
    a field that would be overwritten, so that drift which moves after an approval asks again.
    """
    return _bytes(_kept(plan_json))


def digest(subject: Subject, plans: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the SHA-256, in hex, of a subject and its plans (by bundle folder)."""
    host = subject.host.strip().rstrip("/").lower()
    whole = {
        "form": 1,
        **asdict(subject),
        "host": host,
        "plans": {folder: _kept(plan) for folder, plan in plans.items()},
    }
    return hashlib.sha256(_bytes(whole)).hexdigest()


def short(digest_hex: str) -> str:
    """Return the first 12 digits: enough for people to tell two plans apart, not enough to bind to."""
    return digest_hex[:_SHORT]


def _kept(plan_json: Mapping[str, Any]) -> dict[str, Any]:
    entries: Mapping[str, Mapping[str, Any]] = plan_json["plan"]
    return {
        "plan_version": plan_json["plan_version"],
        "cli_version": plan_json["cli_version"],
        "plan": {key: _entry(entry) for key, entry in entries.items()},
    }


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: entry[name] for name in _KEPT if name in entry}
    changes: Mapping[str, Mapping[str, Any]] = entry.get("changes") or {}
    real = {path: change for path, change in changes.items() if change.get("action") != "skip"}
    return {**kept, "changes": real}


def _bytes(value: object) -> bytes:
    text = json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", "surrogatepass")


def _plain(value: object) -> object:
    """Return the value with the build time taken out of every wheel's name."""
    match value:
        case str():
            return _BUILD_TIME.sub("+", value)
        case Mapping():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _:
            return value
