"""What was approved beside what would be done now, in sentences: what differs, and what goes beyond the approval.

A deploy that was killed half way leaves a rest: some of what was approved is done already. The rest is inside the
approval, so `beyond` has nothing to say about it; `differences` names all that is not the same.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tasks.rules import digests, field_text
from tasks.rules.labels import label
from tasks.rules.markdown import code
from tasks.rules.plans import Action, FieldChange, Plan, ResourceChange
from tasks.rules.release import ProductionPlan

_SHA = 12
_MOST_PATHS = 3
_STATE = "new_state"
_NOTHING = "\0"
_INDEX = re.compile(r"\[[^\]]*\]")

_WOULD = {
    Action.SKIP: "stay as it is",
    Action.CREATE: "be created",
    Action.UPDATE: "be updated",
    Action.UPDATE_ID: "be updated, with a new id",
    Action.RESIZE: "be resized",
    Action.RECREATE: "be recreated",
    Action.DELETE: "be deleted",
}
# What is left of a deploy that was ended between the two halves of a recreate.
_REST = {(Action.RECREATE, Action.CREATE)}


@dataclass(frozen=True)
class _Entry:
    """One resource in a canonical plan: its changes, and the settings that it would have."""

    change: ResourceChange
    raw: Mapping[str, Any]

    @property
    def action(self) -> Action:
        return self.change.action

    @cached_property
    def fields(self) -> dict[str, FieldChange]:
        return {found.path: found for found in self.change.fields}

    @cached_property
    def settings(self) -> dict[str, object]:
        return dict(_leaves((self.raw.get(_STATE) or {}).get("value")))

    @cached_property
    def references(self) -> Mapping[str, str]:
        """Where the settings name what does not exist yet; the value there is only known afterwards."""
        found: Mapping[str, str] = (self.raw.get(_STATE) or {}).get("vars") or {}
        return found

    @cached_property
    def rest(self) -> object:
        """All that is neither a change nor a setting: what it depends on, whether it is gone."""
        return {key: value for key, value in self.raw.items() if key not in {"changes", _STATE, "action"}}


@dataclass(frozen=True)
class _Pair:
    """One resource as it was approved and as it is planned now."""

    name: str
    approved: _Entry | None
    now: _Entry | None

    @property
    def before(self) -> Action:
        return Action.SKIP if self.approved is None else self.approved.action

    @property
    def after(self) -> Action:
        return Action.SKIP if self.now is None else self.now.action


def differences(approved: ProductionPlan, now: ProductionPlan) -> list[str]:
    """Return what is not the same, one sentence each, for people; empty exactly if the digests are equal."""
    if approved.digest == now.digest:
        return []
    found = [
        *_code_differs(approved, now, commit=True),
        *_place_differs(approved, now),
        *(sentence for pair in _pairs(approved, now) for sentence in _different(pair)),
    ]
    return found or [
        f"the plan's digest is {digests.short(now.digest)}, approved was {digests.short(approved.digest)}"
    ]


def beyond(approved: ProductionPlan, now: ProductionPlan) -> list[str]:
    """Return what would be done now and was not approved, one sentence each.

    The commit may be another one with the same tree: the merge commit of what was approved. What was approved and is
    done already is not missed.
    """
    return [
        *_code_differs(approved, now, commit=False),
        *_place_differs(approved, now),
        *(sentence for pair in _pairs(approved, now) for sentence in _more(pair)),
    ]


# The subject


def _code_differs(approved: ProductionPlan, now: ProductionPlan, *, commit: bool) -> Iterator[str]:
    one, other = approved.subject, now.subject
    if commit and one.commit != other.commit:
        yield f"the commit is {_sha(other.commit)}, approved was {_sha(one.commit)}"
    if one.tree != other.tree:
        yield f"the files are another tree ({_sha(other.tree)}) than was approved ({_sha(one.tree)})"
    if one.cli_version != other.cli_version:
        yield f"databricks {other.cli_version} would deploy, the plan that was approved is of {one.cli_version}"


def _place_differs(approved: ProductionPlan, now: ProductionPlan) -> Iterator[str]:
    one, other = approved.subject, now.subject
    for what, before, after in (
        ("target", one.target, other.target),
        ("host", digests.normal_host(one.host), digests.normal_host(other.host)),
        ("deployer", one.deployer, other.deployer),
    ):
        if before != after:
            yield f"the {what} is {code(after)}, approved was {code(before)}"
    for bundle in sorted({*one.roots, *other.roots}):
        yield from _root_differs(bundle, one.roots.get(bundle), other.roots.get(bundle))
        before_values, after_values = one.variables.get(bundle, {}), other.variables.get(bundle, {})
        for name in sorted({*before_values, *after_values}):
            yield from _variable_differs(bundle, name, before_values, after_values)


def _root_differs(bundle: str, before: str | None, after: str | None) -> Iterator[str]:
    if before == after:
        return
    if before is None:
        yield f"bundle {code(bundle)} was not part of what was approved"
    elif after is None:
        yield f"bundle {code(bundle)} is missing, it was part of what was approved"
    else:
        yield f"bundle {code(bundle)} goes to {code(after)}, approved was {code(before)}"


def _variable_differs(
    bundle: str, name: str, before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[str]:
    if name in before and name in after and _same(before[name], after[name]):
        return
    old, new = (field_text.shown(name, values.get(name)) for values in (before, after))
    of = "" if bundle == "." else f" of bundle {code(bundle)}"
    yield f"variable {code(name)}{of} {_is_now(old, new)}"


def _is_now(old: str, new: str) -> str:
    """Put two shown values side by side; of secrets only that they differ can be said."""
    return "has another value than was approved" if old == new else f"is {new}, approved was {old}"


# The resources


def _pairs(approved: ProductionPlan, now: ProductionPlan) -> Iterator[_Pair]:
    bundles = sorted({*approved.plans, *now.plans})
    for bundle in bundles:
        before, after = _entries(approved, bundle), _entries(now, bundle)
        of = f" of bundle {code(bundle)}" if len(bundles) > 1 else ""
        for key in sorted({*before, *after}):
            one, other = before.get(key), after.get(key)
            known = other or one
            if known is not None:
                yield _Pair(f"{label(known.change)}{of}", one, other)


def _entries(plan: ProductionPlan, bundle: str) -> dict[str, _Entry]:
    canonical = plan.plans.get(bundle)
    if canonical is None:
        return {}
    changes = Plan.of_object(canonical).resources
    return {change.key: _Entry(change, canonical["plan"][change.key]) for change in changes}


def _different(pair: _Pair) -> list[str]:
    one, other = pair.approved, pair.now
    if pair.before is not pair.after:
        return [_other_fate(pair)]
    if one is None or other is None:
        return [f"{pair.name} is {'not in the plan any more' if other is None else 'new in the plan'}"]
    fields = _fields_differ(pair.name, one, other, _compared)
    found = [*fields, *_settings_differ(pair.name, one, other, fields, later=())]
    if one.references != other.references:
        found.append(f"{pair.name} would refer to other resources than was approved")
    if not found and not _same(one.rest, other.rest):
        found.append(
            f"{pair.name} would {_WOULD[pair.after]}, but at another place in the order, or it is gone"
        )
    return found


def _more(pair: _Pair) -> list[str]:
    """What would be done to a resource beyond what was approved."""
    one, other = pair.approved, pair.now
    if other is None or pair.after is Action.SKIP:
        return []
    if one is None or (pair.before is not pair.after and (pair.before, pair.after) not in _REST):
        return [_other_fate(pair)]
    if one.change.gone and not other.change.gone:
        return [f"{pair.name} would {_WOULD[pair.after]}, when it was approved it was gone already"]
    fields = _fields_differ(pair.name, one, other, _rest_of, later=one.references)
    found = [*fields, *_settings_differ(pair.name, one, other, fields, later=tuple(one.references))]
    if any(one.references.get(path) != what for path, what in other.references.items()):
        found.append(f"{pair.name} would refer to other resources than was approved")
    return found


def _other_fate(pair: _Pair) -> str:
    if pair.now is None:
        return f"{pair.name} is not in the plan any more, approved was that it would {_WOULD[pair.before]}"
    would = f"{pair.name} would {_WOULD[pair.after]}{_because(pair.now)}"
    if pair.approved is None:
        return f"{would}, the plan that was approved does not know it"
    return f"{would}, approved was that it would {_WOULD[pair.before]}"


def _because(entry: _Entry) -> str:
    paths = [code(path) for path in list(entry.fields)[:_MOST_PATHS]]
    more = ["..."] if len(entry.fields) > len(paths) else []
    return f" ({', '.join([*paths, *more])})" if paths else ""


def _settings_differ(
    name: str, one: _Entry, other: _Entry, told: list[str], *, later: tuple[str, ...]
) -> Iterator[str]:
    """Compare what would be set, but for what could only be known after a part was deployed (`later`).

    `told` are the sentences about changed fields; what they say is not said again.
    """
    before, after = one.settings, other.settings
    known = {_anywhere(path) for path in (*one.fields, *other.fields)} if told else set()
    for path in sorted({*before, *after}):
        if _same(before.get(path, _NOTHING), after.get(path, _NOTHING)) or _anywhere(path) in known:
            continue
        if not any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in later):
            yield _valued(name, path, "would become", before.get(path), after.get(path))


Compare = Callable[[str, FieldChange | None, FieldChange | None], Iterator[str]]


def _fields_differ(
    name: str, one: _Entry, other: _Entry, compare: Compare, later: Iterable[str] = ()
) -> list[str]:
    """Compare field by field; `later` are those whose approved value stood for what did not exist yet."""
    unknown = {_anywhere(path) for path in later}
    return [
        sentence
        for path in sorted({*one.fields, *other.fields})
        if path not in one.fields or _anywhere(path) not in unknown
        for sentence in compare(name, one.fields.get(path), other.fields.get(path))
    ]


def _compared(name: str, one: FieldChange | None, other: FieldChange | None) -> Iterator[str]:
    if one is None or other is None:
        yield from _only_one(name, one, other)
        return
    for what, before, after in (
        ("would become", one.new, other.new),
        ("was last deployed as", one.old, other.old),
        ("is in the workspace", one.remote, other.remote),
    ):
        if not _same(before, after):
            yield _valued(name, one.path, what, before, after)
    if one.action is not other.action:
        yield f"{name}: {code(one.path)} cannot be changed in the way that was approved"


def _only_one(name: str, one: FieldChange | None, other: FieldChange | None) -> Iterator[str]:
    if other is not None:
        old, new = (field_text.shown(other.path, value) for value in (other.remote, other.new))
        values = "" if old == new else f", from {old} to {new}"
        yield f"{name}: {code(other.path)} would also be changed{values}"
    elif one is not None:
        yield f"{name}: {code(one.path)} would not be changed any more"


def _rest_of(name: str, one: FieldChange | None, other: FieldChange | None) -> Iterator[str]:
    """Say what one field's change does beyond the approved one; part of that may be done already."""
    if one is None or other is None:
        yield from _only_one(name, None, other)
        return
    if not _same(one.new, other.new):
        yield _valued(name, one.path, "would become", one.new, other.new)
    for what, before, after in (
        ("was last deployed as", one.old, other.old),
        ("is in the workspace", one.remote, other.remote),
    ):
        if not (_same(before, after) or _same(one.new, after)):
            yield _valued(name, one.path, what, before, after)


def _valued(name: str, path: str, what: str, before: object, after: object) -> str:
    old, new = (field_text.shown(path, value) for value in (before, after))
    if old == new:
        return f"{name}: {code(path)} {what} another value, which is not shown"
    return f"{name}: {code(path)} {what} {new}, approved was {old}"


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Return every value that holds no other, by its path as the CLI writes it: `tasks[0].task_key`."""
    match value:
        case dict() if value:
            for key, inner in value.items():
                yield from _leaves(inner, f"{path}.{key}" if path else str(key))
        case list() if value:
            for index, inner in enumerate(value):
                yield from _leaves(inner, f"{path}[{index}]")
        case _:
            yield path, value


def _anywhere(path: str) -> str:
    """`tasks[0].x` and `tasks[task_key='a'].x` are written alike: changes name items, references count them."""
    return _INDEX.sub("[]", path)


def _same(one: object, other: object) -> bool:
    # Python says True == 1; for Databricks these are two values.
    return digests.json_bytes(one) == digests.json_bytes(other)


def _sha(commit: str) -> str:
    return commit[:_SHA]
