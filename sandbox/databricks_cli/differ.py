"""Decides what has to be done to one resource. Pure: three values in, changes and an action out.

    saved    what the last deploy sent         (resources.json)
    new      what this configuration says
    remote   what the workspace has now

A change is drift when saved and new agree and only remote differs. Source: bundle/direct of the real command.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from sandbox.databricks_cli.record import record
from sandbox.databricks_cli.values import Json

Action = Literal["skip", "update", "create", "recreate", "delete"]

# The list that is the thing itself: its items are named without the field's name before them.
EMBEDDED = "__embed__"

_STRENGTH: tuple[Action, ...] = ("skip", "update", "create", "recreate", "delete")


class Step(NamedTuple):
    """One step of a path: a field, a key of a map, an index, or the item of a list that has a name of its own."""

    kind: Literal["field", "key", "index", "item"]
    name: str
    value: str = ""


Steps = tuple[Step, ...]


class Rule(NamedTuple):
    """What is special about the fields at and below `field`; `[*]` stands for any item of a list."""

    field: str
    reason: str = ""
    values: tuple[Json, ...] = ()


class Rules(NamedTuple):
    """What is special about one kind of resource.

    `type_of` gives the type of a field (notation of fields.json); `keyed` names the field by which the items
    of a list are told apart; `write_only` fields are never sent back by the API.
    """

    type_of: Callable[[str, str], str]
    root_type: str
    keyed: dict[str, str]
    recreate: tuple[Rule, ...] = ()
    ignore_remote: tuple[Rule, ...] = ()
    ignore_local: tuple[Rule, ...] = ()
    backend_defaults: tuple[Rule, ...] = ()
    write_only: frozenset[str] = frozenset()


@record
class Change:
    """A difference in one field. None stands for "not set"."""

    old: Json = None
    new: Json = None
    remote: Json = None
    action: Action = "skip"
    reason: str = ""

    def as_json(self) -> dict[str, Json]:
        shown: dict[str, Json] = {"action": self.action}
        if self.reason:
            shown["reason"] = self.reason
        values = {"old": self.old, "new": self.new, "remote": self.remote}
        return {**shown, **{name: value for name, value in values.items() if value is not None}}


def compare(saved: Json, new: Json, remote: Json, rules: Rules) -> dict[str, Change]:
    """Return every difference between the three, each with what it calls for. `remote` None: the thing is gone."""
    found: dict[Steps, Change] = {}
    for steps, old_value, new_value in _differences(saved, new, rules):
        found[steps] = Change(old_value, new_value, _at(remote, steps))
    if remote is not None:
        for steps, remote_value, new_value in _differences(remote, new, rules):
            if steps in found:
                found[steps].remote = remote_value
            else:
                found[steps] = Change(_at(saved, steps), new_value, remote_value)
    changes = {}
    for steps, change in found.items():
        _classify(steps, change, rules)
        if change.reason != "!drop":
            changes[text_of(steps)] = change
    return dict(sorted(changes.items()))


def strongest(changes: dict[str, Change]) -> Action:
    """The action that all changes together call for."""
    return max((c.action for c in changes.values()), key=_STRENGTH.index, default="skip")


def text_of(steps: Steps) -> str:
    """Write a path: `tasks[task_key='a'].timeout_seconds`."""
    text = ""
    for step in steps:
        match step.kind:
            case "field":
                text += f".{step.name}" if text else step.name
            case "key":
                text += f"['{step.name}']"
            case "index":
                text += f"[{step.name}]"
            case "item":
                text += f"[{step.name}='{step.value}']"
    return text


def same(a: Json, b: Json) -> bool:
    """Equal in type and value; true is not 1."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _differences(a: Json, b: Json, rules: Rules) -> Iterator[tuple[Steps, Json, Json]]:
    yield from _walk(a, b, (), rules.root_type, rules)


def _walk(a: Json, b: Json, steps: Steps, shape: str, rules: Rules) -> Iterator[tuple[Steps, Json, Json]]:
    if a is None or b is None:
        if a is not b:
            yield steps, a, b
    elif isinstance(a, dict) and isinstance(b, dict):
        for name in sorted({*a, *b}):
            is_map = shape.startswith("{")
            below = shape[1:] if is_map else rules.type_of(shape, name)
            step = (Step("key" if is_map else "field", name),) if name != EMBEDDED else ()
            yield from _walk(a.get(name), b.get(name), (*steps, *step), below, rules)
    elif isinstance(a, list) and isinstance(b, list):
        yield from _walk_lists(a, b, steps, shape.removeprefix("["), rules)
    elif not same(a, b):
        yield steps, a, b


def _walk_lists(
    a: list[Json], b: list[Json], steps: Steps, shape: str, rules: Rules
) -> Iterator[tuple[Steps, Json, Json]]:
    key = rules.keyed.get(_pattern_text(steps))
    if key:
        for name, pair in _paired(a, b, key):
            for one, other in pair:
                yield from _walk(one, other, (*steps, Step("item", *name)), shape, rules)
    elif len(a) != len(b):
        yield steps, a, b
    else:
        for index, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from _walk(one, other, (*steps, Step("index", str(index))), shape, rules)


Pairs = Iterator[tuple[tuple[str, str], list[tuple[Json, Json]]]]


def _paired(a: list[Json], b: list[Json], key: str) -> Pairs:
    """Items of two lists by name, whatever their order; None where one list has no such item."""
    groups: dict[tuple[str, str], tuple[list[Json], list[Json]]] = {}
    for side, items in enumerate((a, b)):
        for item in items:
            groups.setdefault(_name(item, key), ([], []))[side].append(item)
    for name, (ones, others) in groups.items():
        length = max(len(ones), len(others))
        padded = [[*side, *[None] * (length - len(side))] for side in (ones, others)]
        yield name, list(zip(*padded, strict=True))


def _name(item: Json, key: str) -> tuple[str, str]:
    for field in key.split("|"):
        if isinstance(item, dict) and item.get(field):
            return field, str(item[field])
    return key.split("|", maxsplit=1)[0], ""


def _at(value: Json, steps: Steps) -> Json:
    """The value at a path, or None."""
    for step in steps:
        if step.kind == "item" and isinstance(value, dict):
            value = value.get(EMBEDDED)
        if step.kind in {"field", "key"} and isinstance(value, dict):
            value = value.get(step.name)
        elif step.kind == "index" and isinstance(value, list) and int(step.name) < len(value):
            value = value[int(step.name)]
        elif step.kind == "item" and isinstance(value, list):
            wanted = [i for i in value if isinstance(i, dict) and str(i.get(step.name) or "") == step.value]
            value = wanted[0] if wanted else None
        else:
            return None
    return value


def _pattern_text(steps: Steps) -> str:
    return text_of(steps) if not steps else re.sub(_STAR, "[*]", text_of(steps))


_STAR = r"\[[a-z_]+='[^']*'\]|\[\d+\]"


def _classify(steps: Steps, change: Change, rules: Rules) -> None:
    """Set action and reason of a change. The order of the questions matters."""
    ignored = _rule(steps, rules.ignore_remote)
    write_only = bool(steps) and steps[0].name in rules.write_only
    untouched = same(change.old, change.new)
    if same(change.remote, change.new) and ignored is None and not write_only:
        change.reason = "remote_already_set"
    elif all(_empty(v) for v in (change.old, change.new, change.remote)) and not (
        write_only and not untouched
    ):
        change.reason = "empty"
    elif not untouched and (local := _rule(steps, rules.ignore_local)) is not None:
        change.reason = local.reason
    elif untouched and ignored is not None:
        change.reason = ignored.reason
    elif _is_backend_default(steps, change, rules):
        change.reason = "backend_default"
    elif write_only and untouched:
        change.reason = "missing_in_remote"
    elif (recreate := _rule(steps, rules.recreate)) is not None:
        change.action, change.reason = "recreate", recreate.reason
    else:
        change.action = "update"


def _rule(steps: Steps, rules: tuple[Rule, ...]) -> Rule | None:
    path = _parts(steps)
    return next((r for r in rules if _covers(r.field, path)), None)


def _parts(steps: Steps) -> tuple[str, ...]:
    return tuple("*" if s.kind in {"index", "item"} else s.name for s in steps)


def _covers(field: str, path: tuple[str, ...]) -> bool:
    wanted = tuple(field.replace("[*]", ".*").split("."))
    return path[: len(wanted)] == wanted


def _is_backend_default(steps: Steps, change: Change, rules: Rules) -> bool:
    """Whether the workspace filled in what nobody set."""
    if change.old is not None or change.new is not None or change.remote is None:
        return False
    path = _parts(steps)
    if _matches_default(path, change.remote, rules):
        return True
    entries = change.remote.items() if isinstance(change.remote, dict) and _is_map(steps, rules) else ()
    return bool(entries) and all(_matches_default((*path, k), v, rules) for k, v in entries)


def _is_map(steps: Steps, rules: Rules) -> bool:
    shape = rules.root_type
    for step in steps:
        shape = shape[1:] if shape[:1] in {"{", "["} else rules.type_of(shape, step.name)
    return shape.startswith("{")


def _matches_default(path: tuple[str, ...], remote: Json, rules: Rules) -> bool:
    return any(
        _covers(r.field, path) and (not r.values or any(same(remote, v) for v in r.values))
        for r in rules.backend_defaults
    )


def _empty(value: Json) -> bool:
    return value is None or value is False or (not isinstance(value, bool) and value in (0, "", [], {}))
