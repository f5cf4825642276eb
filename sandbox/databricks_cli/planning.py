"""Works out what a deploy would do: reads what the workspace has and compares it with the configuration.

A plan sees resources only. Changed code, a changed wheel of the same version and a dirty tree do not show.
"""

import os
import time
from collections.abc import Callable
from typing import TypeVar

from sandbox.databricks_cli import VERSION, differ, graph, references
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.client import ApiError, Client, retry_seconds
from sandbox.databricks_cli.diagnostics import Failed, Log, Stopped
from sandbox.databricks_cli.differ import EMBEDDED, Action, Change
from sandbox.databricks_cli.kinds import kind_of, settings_of
from sandbox.databricks_cli.record import field, record
from sandbox.databricks_cli.state import State
from sandbox.databricks_cli.values import Json, find

T = TypeVar("T")

_RETRIES = 2
_RETRY_SECONDS = 15.0


@record
class Entry:
    """What happens to one resource. `waiting_for` are references that are known only after others exist."""

    key: str
    settings: Json = None
    depends_on: list[dict[str, str]] = field(default_factory=list)
    waiting_for: dict[str, str] = field(default_factory=dict)
    action: Action = "skip"
    gone: bool = False
    remote: dict[str, Json] | None = None
    changes: dict[str, Change] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.key.removeprefix("resources.")

    @property
    def is_child(self) -> bool:
        return self.key.count(".") > 2  # noqa: PLR2004 - resources.jobs.x and no more

    def as_json(self) -> dict[str, Json]:
        shown: dict[str, Json] = {"depends_on": self.depends_on} if self.depends_on else {}
        shown["action"] = self.action
        if self.gone:
            shown["gone"] = True
        if self.action not in {"skip", "delete"}:
            shown["new_state"] = {
                "value": self.settings,
                **({"vars": self.waiting_for} if self.waiting_for else {}),
            }
        if self.remote is not None:
            shown["remote_state"] = self.remote
        if self.changes:
            shown["changes"] = {path: change.as_json() for path, change in self.changes.items()}
        return shown


@record
class Plan:
    lineage: str
    serial: int
    entries: dict[str, Entry]
    not_selected: int = 0

    def as_json(self) -> dict[str, Json]:
        shown: dict[str, Json] = {"plan_version": 2, "cli_version": VERSION}
        if self.lineage:
            shown["lineage"] = self.lineage
        if self.serial:
            shown["serial"] = self.serial
        shown["plan"] = {key: self.entries[key].as_json() for key in sorted(self.entries)}
        return {**shown, **({"not_selected": self.not_selected} if self.not_selected else {})}

    def actions(self) -> list[Entry]:
        """All entries in the order in which they are printed."""
        return [self.entries[key] for key in sorted(self.entries)]

    def count(self) -> dict[str, int]:
        """How many are added, changed, deleted, unchanged; a recreate is an add and a delete."""
        actions = [e.action for e in self.entries.values()]
        return {
            "create": actions.count("create") + actions.count("recreate"),
            "change": actions.count("update"),
            "delete": actions.count("delete") + actions.count("recreate"),
            "unchanged": actions.count("skip"),
        }

    def order(self) -> dict[str, set[str]]:
        """For every key the keys that come before it; deletes go the other way round.

        Raises:
            Failed: something depends on a thing that is not there, or on itself in the end.
        """
        after: dict[str, dict[str, str]] = {key: {} for key in sorted(self.entries)}
        for key, entry in sorted(self.entries.items()):
            for dependency in entry.depends_on:
                node, label = dependency["node"], dependency["label"]
                if node in after:
                    first, then = (key, node) if entry.action == "delete" else (node, key)
                    after[first].setdefault(then, label)
                elif entry.action != "delete":
                    raise Failed(f'invalid dependency "{label}", no such node "{node}"')
        cycle = graph.cycle(after)
        if cycle:
            raise Failed(cycle)
        return {key: {first for first, later in after.items() if key in later} for key in after}

    def select(self, wanted: list[str]) -> None:
        """Keep only the wanted resources and what they need."""
        chosen = {k for k in self.entries if any(k == w or k.startswith(f"{w}.") for w in wanted)}
        grown = True
        while grown:
            needed = {d["node"] for k in chosen for d in self.entries[k].depends_on} & set(self.entries)
            grown = not needed <= chosen
            chosen |= needed
        self.not_selected = len(self.entries) - len(chosen)
        self.entries = {k: e for k, e in self.entries.items() if k in chosen}


def draft(bundle: Bundle | None, state: State) -> Plan:
    """List everything that is configured or deployed, with no action decided yet but deletes.

    Without a bundle everything deployed is to be deleted.
    """
    entries = {} if bundle is None else _configured(bundle)
    for key, saved in state.entries.items():
        if key not in entries:
            depends_on = list(saved.get("depends_on") or [])
            entries[key] = Entry(key, depends_on=depends_on, action="delete")
    return Plan(state.lineage, state.serial, entries)


def _configured(bundle: Bundle) -> dict[str, Entry]:
    entries = {}
    for group, type_name in (("jobs", "Job"), ("pipelines", "Pipeline")):
        for container, name, _ in find(bundle.config, ("resources", group, "*")):
            key = f"resources.{group}.{name}"
            settings, waiting = references.split(settings_of(container[name], type_name), type_name)
            entries[key] = Entry(key, settings, references.dependencies(waiting), waiting)
            permissions = container[name].get("permissions")
            if permissions:
                child = f"{key}.permissions"
                entries[child] = _permissions(child, key, group, permissions)
    return entries


def _permissions(child: str, key: str, group: str, permissions: list[dict[str, Json]]) -> Entry:
    names = ("level", "user_name", "service_principal_name", "group_name")
    listed = [{n: str(p[n]) for n in names if p.get(n)} for p in permissions]
    settings = {"object_id": "", **({EMBEDDED: listed} if listed else {})}
    waiting = {"object_id": f"/{group}/${{{key}.id}}"}
    return Entry(child, settings, references.dependencies(waiting), waiting)


def calculate(bundle: Bundle, state: State, *, destroy: bool = False) -> Plan:
    """Return the finished plan.

    Raises:
        Stopped: something could not be read; it was printed.
        Failed: resources refer to what is not there.
    """
    plan = draft(None if destroy else bundle, state)
    order = plan.order()

    def work(key: str, culprit: str | None) -> bool:
        prefix = f"cannot plan {key}: "
        if culprit is not None:
            bundle.log.failure(Failed(f"dependency failed: {culprit}"), prefix)
            return False
        try:
            _decide(bundle, state, plan, plan.entries[key])
        except Failed as error:
            bundle.log.failure(error, prefix)
            return False
        return True

    graph.run(order, work)
    if bundle.log.errors:
        bundle.log.failure(Failed("planning failed"))
        raise Stopped
    if bundle.options.select and not destroy:
        plan.select([f"resources.{name}" for name in bundle.options.select])
    return plan


def _decide(bundle: Bundle, state: State, plan: Plan, entry: Entry) -> None:
    kind, client, log = kind_of(entry.key), bundle.api, bundle.log
    id_ = state.ids.get(entry.key, "")
    if entry.action == "delete":
        _look_before_delete(client, log, entry, id_)
        return
    references.fill(entry, lambda key, path: _known(plan, state, key, path), partly=True)
    if not id_:
        entry.action = "create"
        return
    saved = state.entries[entry.key].get("state") or {}
    remote = _read(client, log, entry.key, id_)
    entry.remote = remote
    comparable = None if remote is None else kind.comparable(remote)
    entry.changes = differ.compare(saved, entry.settings, comparable, kind.rules)
    entry.action = "create" if remote is None else differ.strongest(entry.changes)


def _look_before_delete(client: Client, log: Log, entry: Entry, id_: str) -> None:
    """A thing that is gone already is only struck from the state; a failed look is no obstacle."""
    try:
        entry.remote = _read(client, log, entry.key, id_)
        entry.gone = entry.remote is None
    except Failed as error:
        log.line(f'Warn: planning {entry.key}: reading {entry.key} id="{id_}": {error}')


def _read(client: Client, log: Log, key: str, id_: str) -> dict[str, Json] | None:
    """What the workspace has under `id_`; None when it answers 404, which is believed."""
    try:
        return with_retries(lambda: kind_of(key).read(client, id_), log, f"planning {key}")
    except ApiError as error:
        if error.missing:
            return None
        raise Failed(f'reading id="{id_}": {error.summary}', error.detail) from error
    except Failed as error:
        raise Failed(f'reading id="{id_}": {error.summary}', error.detail) from error


def _known(plan: Plan, state: State, key: str, path: list[str]) -> Json:
    """The value that a reference stands for, as far as it is known before the deploy."""
    target = plan.entries.get(key)
    if target is None:
        raise Failed(f"internal error: {key}: missing entry in the plan")
    if path == ["id"]:
        return state.ids[key] if target.action in {"skip", "update"} else references.LATER
    if ".".join(path) in target.waiting_for:
        return references.LATER
    value = references.child(target.settings, path)
    if value is None and target.action == "skip" and target.remote is not None:
        value = references.child(target.remote, path)
    return references.LATER if value is None else value


def with_retries(action: Callable[[], T], log: Log, what: str) -> T:
    """Do something that may fail for a moment (5xx), up to three times with a pause between."""
    for attempt in range(_RETRIES + 1):
        try:
            return action()
        except ApiError as error:
            passing = error.status >= 500 or error.status == 408  # noqa: PLR2004 - HTTP
            if attempt == _RETRIES or error.will_pass or not passing:
                raise
            log.line(f"Warn: {what}: retrying after {error.words} from {error.endpoint}")
            time.sleep(_pause_seconds())
    raise AssertionError("unreachable")


def _pause_seconds() -> float:
    milliseconds = os.environ.get("DATABRICKS_BUNDLE_RETRY_INTERVAL_MS", "")
    if milliseconds.isdigit():
        return int(milliseconds) / 1000
    return min(_RETRY_SECONDS, retry_seconds() / 60)
