"""What an approval is bound to, as one number: anything else deserves another question.

The plan as the CLI prints it holds things that move by themselves (ids, times, the serial of the state,
whether a pipeline runs). Its canonical form leaves them out and keeps what would be done. Values that look secret are
replaced by a fingerprint there, so that the canonical form may be stored, still tells one secret from another, and
still has the digest that was approved.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from tasks.rules.redaction import REDACTED, redacted

FORM = 2

# A wheel with `dynamic_version` gets the nanoseconds of its build: lakehouse-0.1.0+179000000-py3-none-any.whl
_BUILD_TIME = re.compile(r"\+\d+(?=-[^/\\\s]*\.whl\b)", re.ASCII)
_OWN_COMMIT = "(the released commit)"
_VALUES = ("old", "new", "remote")
_SECRETS = "secrets"
_RUNS = "job_runs"
# Such a run gets a new number in each plan: what the CLI 1.14 does about `lifecycle.triggers: [{on_bundle_deploy: true}]`.
_EACH_TIME = "(a new run with each deploy)"
_LOCAL = ".lifecycle"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHORT = 12
_SHORTEST_SECRET = 6

Canonical = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is approved, beside the plan: this commit, by this CLI, on this target, as this identity.

    `roots` and `variables` are by bundle folder. A variable that looks secret is there as its fingerprint.
    """

    commit: str
    tree: str
    cli_version: str
    target: str
    host: str
    deployer: str
    roots: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def kept(plan_json: Mapping[str, Any], *, commit: str = "") -> Canonical:
    """Return what is equal exactly if two plans would do the same; it may be stored and shown.

    Left out: all that the workspace answered (`remote_state`, `id`), differences that the CLI skips, lineage
    and serial of the state, the build time in a wheel's name. Kept: the remote value of a field that would be
    overwritten, so that drift which moves after an approval asks again.

    Args:
        plan_json: what `databricks bundle plan -o json` printed.
        commit: the commit that was planned. Where a bundle writes it into a job, the release's merge commit writes
            its own, with the same tree: both read the same here.
    """
    entries: Mapping[str, Mapping[str, Any]] = plan_json["plan"]
    found = {
        "plan_version": plan_json["plan_version"],
        "cli_version": plan_json["cli_version"],
        "plan": {key: _entry(key, entry) for key, entry in entries.items()},
    }
    plain: Canonical = _plain(found, commit)
    return plain


def canonical(plan_json: Mapping[str, Any], *, commit: str = "") -> bytes:
    """Return the bytes that are equal exactly if two plans would do the same."""
    return json_bytes(kept(plan_json, commit=commit))


def digest(subject: Subject, plans: Mapping[str, Canonical]) -> str:
    """Return the SHA-256, in hex, of a subject and its canonical plans (by bundle folder)."""
    whole = {
        "form": FORM,
        **asdict(subject),
        "host": normal_host(subject.host),
        "plans": plans,
    }
    return hashlib.sha256(json_bytes(whole)).hexdigest()


def short(digest_hex: str) -> str:
    """Return the first 12 digits: enough for people to tell two plans apart, not enough to bind to."""
    return digest_hex[:_SHORT]


def normal_host(host: str) -> str:
    """Return the host as it is compared: `HTTPS://Prod.Example/` is `https://prod.example`."""
    return host.strip().rstrip("/").lower()


def variables_of(validate_json: Mapping[str, Any]) -> dict[str, object]:
    """Return the value of each variable of `databricks bundle validate -o json`, by name; secrets as fingerprints."""
    variables: Mapping[str, Mapping[str, Any]] = validate_json.get("variables") or {}
    return {
        name: redacted(name, variable.get("value", variable.get("default")), fingerprint)
        for name, variable in variables.items()
    }


def secrets_of(validate_json: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values of variables that look secret, longest first: a bundle may write them anywhere.

    Very short ones are left out: hiding each `a` of a plan would hide the plan.
    """
    found: set[str] = set()

    def noted(secret: str) -> str:
        found.add(secret)
        return secret

    variables: Mapping[str, Mapping[str, Any]] = validate_json.get("variables") or {}
    for name, variable in variables.items():
        redacted(name, variable.get("value", variable.get("default")), noted)
    return tuple(sorted((s for s in found if len(s) >= _SHORTEST_SECRET), key=lambda s: (-len(s), s)))


def holds_secrets(variables: Mapping[str, object]) -> bool:
    """Whether any of the variables (see `variables_of`) is there as a fingerprint."""
    return REDACTED[:-1] in json.dumps(variables)


@lru_cache(maxsize=4096)
def fingerprint(secret: str) -> str:
    """Return what stands for a secret: equal for equal ones. Slow on purpose, so that guessing is slow, too."""
    found = hashlib.scrypt(
        secret.encode("utf-8", "surrogatepass"), salt=b"dabflow", n=2**14, r=8, p=1, dklen=8
    )
    return f"{REDACTED[:-1]} {found.hex()})"


def json_bytes(value: object) -> bytes:
    """Return the canonical JSON of a value: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def _entry(key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: entry[name] for name in ("action", "gone", "depends_on") if name in entry}
    if "new_state" in entry:
        found["new_state"] = redacted(_place(key, "new_state"), entry["new_state"], fingerprint)
    changes: Mapping[str, Mapping[str, Any]] = entry.get("changes") or {}
    real = {
        path: _change(key, path, change) for path, change in changes.items() if change.get("action") != "skip"
    }
    whole = {**found, "changes": real}
    return _without_trigger(whole) if _kind(key) == _RUNS else whole


def _change(key: str, path: str, change: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: redacted(_place(key, path), value, fingerprint) if name in _VALUES else value
        for name, value in change.items()
    }


def _place(key: str, path: str) -> str:
    """Where a value stands, for those who look for secrets: all of a `secrets` resource is one."""
    return f"secret.{path}" if _kind(key) == _SECRETS else path


def _kind(key: str) -> str:
    return key.split(".")[1]


def _without_trigger(value: Any, name: str = "") -> Any:  # noqa: ANN401 - other people's JSON
    match value:
        case str():
            return _UUID.sub(_EACH_TIME, value) if _LOCAL in name else value
        case dict():
            return {key: _without_trigger(inner, f"{name}.{key}") for key, inner in value.items()}
        case list():
            return [_without_trigger(inner, name) for inner in value]
        case _:
            return value


def _plain(value: Any, commit: str) -> Any:  # noqa: ANN401 - other people's JSON
    """Return the value without the build time in a wheel's name and without the commit's own number."""
    match value:
        case str():
            text = _BUILD_TIME.sub("+", value) if ".whl" in value else value
            return text.replace(commit, _OWN_COMMIT) if commit else text
        case Mapping():
            return {key: _plain(inner, commit) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner, commit) for inner in value]
        case _:
            return value
