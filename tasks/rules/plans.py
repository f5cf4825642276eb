"""What a deploy would do: the plan of `databricks bundle plan -o json`, read strictly.

Source: plan version 2 of the Databricks CLI 1.14 (`bundle/deployplan/plan.go`), seen on 2026-08-21.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NoReturn, Self

from tasks.rules.errors import NeedsHuman

PLAN_VERSION = 2

# A job run is started by each deploy: a recreate of it loses nothing and comes back in every plan.
_RUNS = "job_runs"
_RIGHTS = frozenset({"permissions", "grants"})
_PARTS_BEFORE_A_RIGHT = 3  # resources.jobs.daily_report and then permissions


class Action(StrEnum):
    """What the CLI would do to one resource, or to one field of it."""

    SKIP = "skip"
    RESIZE = "resize"
    UPDATE = "update"
    UPDATE_ID = "update_id"
    CREATE = "create"
    RECREATE = "recreate"
    DELETE = "delete"


_DESTROYS = frozenset({Action.DELETE, Action.RECREATE})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that a deploy would set. None stands for a field that is not there.

    `old` is what the last deploy set, `new` what this one would set, `remote` what the workspace has now.
    """

    path: str
    old: object
    new: object
    remote: object
    reason: str | None = None
    action: Action = Action.UPDATE

    @property
    def drifted(self) -> bool:
        """Whether the bundle leaves the field alone but somebody changed it in the workspace."""
        return _same(self.old, self.new) and not _same(self.new, self.remote)

    @property
    def overwrites(self) -> bool:
        """Whether the bundle changes the field and the workspace has neither the old nor the new value.

        A field that the workspace does not show (some can only be written) says nothing.
        """
        pairs = ((self.old, self.new), (self.old, self.remote), (self.new, self.remote))
        return self.remote is not None and not any(_same(*pair) for pair in pairs)


@dataclass(frozen=True)
class ResourceChange:
    """What would happen to one resource; `fields` are those that really change."""

    key: str
    action: Action
    fields: tuple[FieldChange, ...] = ()
    gone: bool = False

    @cached_property
    def _parts(self) -> list[str]:
        return self.key.split(".")

    @property
    def kind(self) -> str:
        """`jobs`, `pipelines`, ... as in `resources.jobs.daily_report`."""
        return self._parts[1]

    @property
    def right(self) -> str | None:
        """`permissions` or `grants` if this is about who may use a resource, else None."""
        return right_of(self.key)

    @property
    def name(self) -> str:
        """The resource's key within its kind: `daily_report`."""
        return ".".join(self._parts[2:-1] if self.right else self._parts[2:])

    @property
    def creates(self) -> bool:
        return self.action is Action.CREATE

    @property
    def starts_a_run(self) -> bool:
        return self.kind == _RUNS

    @property
    def destructive(self) -> bool:
        """Whether data or history is lost: something goes away that is more than a right or a run."""
        return self.action in _DESTROYS and not (self.gone or self.right or self.starts_a_run)

    @property
    def drift(self) -> tuple[FieldChange, ...]:
        return tuple(field for field in self.fields if field.drifted)


@dataclass(frozen=True)
class Counts:
    """How many resources meet which fate. A recreate counts once, unlike in the CLI's own summary."""

    create: int = 0
    update: int = 0
    recreate: int = 0
    delete: int = 0
    unchanged: int = 0


@dataclass(frozen=True)
class Plan:
    """All that a deploy of one bundle would do to one target, sorted by key."""

    cli_version: str
    resources: tuple[ResourceChange, ...]
    lineage: str | None = None
    serial: int | None = None

    @classmethod
    def of_json(cls, text: str) -> Self:
        """Read what `databricks bundle plan -o json` printed.

        Raises:
            NeedsHuman: it is anything but a whole plan of version 2: help text printed with exit code 0, the
                plan of another engine, an action that this code does not know.
        """
        return cls.of_object(_object_in(text))

    @classmethod
    def of_object(cls, found: Mapping[str, Any]) -> Self:
        """Read a plan that is already parsed; raises like `of_json`."""
        if found.get("plan_version") != PLAN_VERSION:
            _refuse(f"plan_version is {found.get('plan_version')!r}, not {PLAN_VERSION}")
        if found.get("not_selected"):
            _refuse("it covers selected resources only")
        cli_version, entries = found.get("cli_version"), found.get("plan")
        if not isinstance(cli_version, str) or not isinstance(entries, dict):
            _refuse("cli_version or plan is missing")
        resources = tuple(_resource(key, entries[key]) for key in sorted(entries))
        return cls(cli_version, resources, _text(found, "lineage"), _number(found, "serial"))

    @cached_property
    def changes(self) -> tuple[ResourceChange, ...]:
        return tuple(resource for resource in self.resources if resource.action is not Action.SKIP)

    @property
    def kept_keys(self) -> frozenset[str]:
        """The resources that the target's state knows once the plan is carried out."""
        return frozenset(each.key for each in self.resources if each.action is not Action.DELETE)

    @cached_property
    def destructive(self) -> tuple[ResourceChange, ...]:
        return tuple(resource for resource in self.changes if resource.destructive)

    @cached_property
    def drifted(self) -> tuple[ResourceChange, ...]:
        """The resources with at least one field that somebody changed in the workspace."""
        return tuple(resource for resource in self.changes if resource.drift)

    @property
    def empty(self) -> bool:
        """Whether a deploy would change no resource. Runs that every deploy starts again do not count.

        Says nothing about code: a plan does not see changed files or wheels.
        """
        return all(change.starts_a_run and change.action is Action.RECREATE for change in self.changes)

    @property
    def creates_everything(self) -> bool:
        """Whether the CLI believes that nothing is deployed yet.

        On a target known to be deployed this must stop the release: the CLI takes a 404 on its state for an
        empty target and would make every job a second time. A plan that knows the state has its lineage: where
        that wants to create everything, everything was deleted by hand.
        """
        no_state = self.lineage is None
        return no_state and bool(self.resources) and all(each.creates for each in self.resources)

    @cached_property
    def counts(self) -> Counts:
        found = Counter(each.action for each in self.resources)
        return Counts(
            create=found[Action.CREATE],
            update=found[Action.UPDATE] + found[Action.UPDATE_ID] + found[Action.RESIZE],
            recreate=found[Action.RECREATE],
            delete=found[Action.DELETE],
            unchanged=found[Action.SKIP],
        )


def right_of(key: str) -> str | None:
    """Return `permissions` or `grants` if the key is that of a right to a resource, else None."""
    *before, last = key.split(".")
    return last if len(before) >= _PARTS_BEFORE_A_RIGHT and last in _RIGHTS else None


def protected_in(validate_json: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of the resources that a configuration protects, sorted.

    Source: `lifecycle.prevent_destroy` in `databricks bundle validate -o json`, CLI 1.14.
    """
    kinds: Mapping[str, Any] = validate_json.get("resources") or {}
    return tuple(
        sorted(
            f"resources.{kind}.{name}"
            for kind, resources in kinds.items()
            for name, resource in (resources or {}).items()
            if (resource.get("lifecycle") or {}).get("prevent_destroy") is True
        )
    )


def _refuse(why: str) -> NoReturn:
    raise NeedsHuman(
        f"`databricks bundle plan -o json` did not print a plan that can be read: {why}",
        "use a databricks CLI that prints plans of version 2, as 1.14 does: look at `databricks version`",
    )


def _object_in(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        _refuse(f"no JSON, it starts with {text.strip()[:60]!r}")
    if not isinstance(found, dict):
        _refuse("no JSON object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _resource(key: str, entry: object) -> ResourceChange:
    if not isinstance(entry, dict) or not _is_key(key):
        _refuse(f"{key!r} is not an entry of a plan")
    changes = entry.get("changes") or {}
    if not isinstance(changes, dict):
        _refuse(f"{key}: changes is not an object")
    fields = (_field(key, path, changes[path]) for path in sorted(changes))
    return ResourceChange(
        key=key,
        action=_action(key, entry),
        fields=tuple(field for field in fields if field.action is not Action.SKIP),
        gone=entry.get("gone") is True,
    )


def _is_key(key: str) -> bool:
    head, *rest = key.split(".")
    return head == "resources" and len(rest) > 1 and all(rest)


def _field(key: str, path: str, change: object) -> FieldChange:
    if not isinstance(change, dict):
        _refuse(f"{key}: the change of {path} is not an object")
    return FieldChange(
        path=path,
        old=change.get("old"),
        new=change.get("new"),
        remote=change.get("remote"),
        reason=_text(change, "reason"),
        action=_action(f"{key}: {path}", change),
    )


def _action(where: str, entry: Mapping[str, Any]) -> Action:
    try:
        return Action(str(entry.get("action")))
    except ValueError:
        _refuse(f"{where} has the unknown action {entry.get('action')!r}")


def _text(found: Mapping[str, Any], key: str) -> str | None:
    value = found.get(key)
    return value if isinstance(value, str) else None


def _number(found: Mapping[str, Any], key: str) -> int | None:
    value = found.get(key)
    return value if isinstance(value, int) else None


def _same(one: object, other: object) -> bool:
    # Python says True == 1; in JSON, and for Databricks, these are two values.
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
