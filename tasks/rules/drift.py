"""What somebody changed by hand on a target, as far as a plan of what is deployed there shows it.

Drift is a field that the bundle leaves alone and that has another value in the workspace, a resource that the state
knows and the workspace does not have any more, and a bundle at a commit that no release left there. What a plan would
change besides is no drift: a deploy that did not end well has left it.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self

from tasks.rules.affected import Affected
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import canonical
from tasks.rules.plans import FieldChange, Plan, ResourceChange
from tasks.rules.redaction import redacted

_LONGEST = 200  # characters of one value


@dataclass(frozen=True)
class FieldDrift:
    """A field that somebody changed. `deployed` is what the bundle says, `now` what the workspace has; secrets hidden.

    None stands for a field that is not there.
    """

    path: str
    deployed: object
    now: object


@dataclass(frozen=True)
class ResourceDrift:
    """A resource that somebody changed or deleted; `key` is as in a plan, `resources.jobs.daily_report`."""

    key: str
    what: Literal["changed", "deleted"]
    fields: tuple[FieldDrift, ...] = ()


@dataclass(frozen=True)
class BundleLook:
    """One bundle on the target: the commit that it names there, and what was changed since by hand.

    `problem` says why its resources could not be looked at. `instead` is the commit that the last release left there,
    where somebody deployed another one by hand. `besides` are resources that are not as that commit describes them
    although nobody changed them by hand.
    """

    bundle: str
    commit: str
    resources: tuple[ResourceDrift, ...] = ()
    besides: tuple[str, ...] = ()
    instead: str = ""
    problem: str = ""

    @property
    def drifted(self) -> bool:
        return bool(self.resources or self.instead)


@dataclass(frozen=True)
class Look:
    """What a look at one target has shown, at a moment (UTC); `problem` says why it could not be looked at.

    `since` is when this drift was seen first, None where there is none.
    """

    environment: str
    target: str
    at: datetime
    version: str = ""
    bundles: tuple[BundleLook, ...] = ()
    problem: str = ""
    since: datetime | None = None

    @property
    def drifted(self) -> bool:
        return any(bundle.drifted for bundle in self.bundles)

    @property
    def unknown(self) -> str:
        """Why it is not known whether all of it is as it was deployed, "" where it is."""
        return self.problem or "; ".join(f"{b.bundle}: {b.problem}" for b in self.bundles if b.problem)

    @property
    def fingerprint(self) -> str:
        """A short text that differs as soon as other things were changed by hand."""
        found = [(b.bundle, b.commit, b.instead, [asdict(r) for r in b.resources]) for b in self.bundles]
        return hashlib.sha256(canonical(found)).hexdigest()[:16]

    def after(self, before: "Look | None") -> "Look":
        """The same look, which knows since when the drift is there.

        Args:
            before: what the look before has shown; None where there was none.
        """
        if not self.drifted:
            return self
        same = before is not None and before.drifted and before.fingerprint == self.fingerprint
        return replace(self, since=before.since if same and before else self.at)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values; keys stay as they are."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "bundles": [_bundle_json(bundle) for bundle in self.bundles],
            "drift": self.drifted,
            "environment": self.environment,
            "problem": self.unknown or None,
            "since": self.since.isoformat(timespec="seconds") if self.since else None,
            "target": self.target,
            "version": self.version or None,
        }

    @classmethod
    def of_json(cls, stored: object) -> Self:
        """Read what `to_json` wrote.

        Raises:
            NeedsHuman: it is no such thing.
        """
        try:
            found = dict(stored)  # type: ignore[call-overload]  # anything may have been stored
            bundles = tuple(_bundle_of(bundle) for bundle in found["bundles"])
            problem = (found["problem"] or "") if not any(b.problem for b in bundles) else ""
            return cls(
                environment=str(found["environment"]),
                target=str(found["target"]),
                at=_moment(found["at"]),
                version=found["version"] or "",
                bundles=bundles,
                problem=problem,
                since=_moment(found["since"]) if found["since"] else None,
            )
        except (TypeError, ValueError, KeyError) as error:
            raise NeedsHuman(
                "what the last look for drift has kept cannot be read", "look again: dabflow drift"
            ) from error


def changed_by_hand(plan: Plan, known: Collection[str]) -> tuple[ResourceDrift, ...]:
    """What somebody changed or deleted since the deploy, sorted by key.

    Args:
        plan: of the very commit that is deployed.
        known: the keys of what the target's state knows.
    """
    deleted = set(Affected(known=frozenset(known)).deleted_by_hand(plan))
    changed = [ResourceDrift(r.key, "changed", _fields(r)) for r in plan.drifted if r.key not in deleted]
    gone = [ResourceDrift(key, "deleted") for key in deleted]
    return tuple(sorted([*changed, *gone], key=lambda drift: drift.key))


def besides(plan: Plan, drift: Collection[ResourceDrift]) -> tuple[str, ...]:
    """The keys of what a deploy of the deployed commit would change although nobody did by hand."""
    by_hand = {each.key for each in drift}
    others = (c for c in plan.changes if c.key not in by_hand and not c.starts_a_run and not c.gone)
    return tuple(change.key for change in others)


def _fields(resource: ResourceChange) -> tuple[FieldDrift, ...]:
    return tuple(
        FieldDrift(field.path, _seen(resource, field, field.new), _seen(resource, field, field.remote))
        for field in resource.drift
    )


def _seen(resource: ResourceChange, field: FieldChange, value: object) -> object:
    path = f"secret.{field.path}" if resource.kind == "secrets" else field.path
    return _cut(redacted(path, value))


def _cut(value: object) -> object:
    """The value, or the beginning of its text where that is long."""
    text = value if isinstance(value, str) else canonical(value).decode("utf-8", "replace")
    return value if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _bundle_json(bundle: BundleLook) -> dict[str, Any]:
    return {
        "besides": list(bundle.besides),
        "bundle": bundle.bundle,
        "commit": bundle.commit or None,
        "instead_of": bundle.instead or None,
        "problem": bundle.problem or None,
        "resources": [
            {
                "fields": [{"deployed": f.deployed, "now": f.now, "path": f.path} for f in each.fields],
                "key": each.key,
                "what": each.what,
            }
            for each in bundle.resources
        ],
    }


def _bundle_of(stored: Mapping[str, Any]) -> BundleLook:
    return BundleLook(
        bundle=str(stored["bundle"]),
        commit=stored["commit"] or "",
        resources=tuple(_resource_of(each) for each in stored["resources"]),
        besides=tuple(map(str, stored["besides"])),
        instead=stored["instead_of"] or "",
        problem=stored["problem"] or "",
    )


def _resource_of(stored: Mapping[str, Any]) -> ResourceDrift:
    fields = tuple(FieldDrift(str(f["path"]), f["deployed"], f["now"]) for f in stored["fields"])
    return ResourceDrift(str(stored["key"]), "deleted" if stored["what"] == "deleted" else "changed", fields)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment.astimezone(UTC)
