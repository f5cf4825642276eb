"""`bundle deployment bind`: takes a job or pipeline that exists into the state, as if this bundle had made it."""

from pathlib import Path

from sandbox.databricks_cli import planning, state_files
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.client import ApiError
from sandbox.databricks_cli.diagnostics import Failed, PlainFailure
from sandbox.databricks_cli.go_json import dumps
from sandbox.databricks_cli.kinds import kind_of
from sandbox.databricks_cli.locking import Lock
from sandbox.databricks_cli.planning import Entry, Plan
from sandbox.databricks_cli.state import State


def bind(bundle: Bundle, name: str, id_: str) -> None:
    """Make the state of `name` point to the existing resource `id_`; the workspace is not changed.

    Raises:
        PlainFailure: there is no such resource in the configuration or in the workspace.
        Stopped: the lock is held, or binding needs an approval; it was printed.
    """
    state = state_files.pull(bundle, always=True)
    key = _key(bundle, name)
    word = key.split(".")[1].removesuffix("s")
    try:
        kind_of(key).read(bundle.api, id_)
    except ApiError as error:
        if error.missing:
            raise PlainFailure(f"{word} with an id '{id_}' is not found") from error
        raise PlainFailure(f"failed to fetch the resource, err: {error.message}") from error
    lock = Lock(bundle)
    lock.acquire()
    try:
        _bind_locked(bundle, state, key, id_)
    except Failed as error:
        bundle.log.failure(error)
    finally:
        try:
            lock.release()
        except Failed as error:
            bundle.log.failure(error)
    bundle.log.stop_if_errors()
    bundle.log.line(f"Successfully bound {word} with an id '{id_}'")
    bundle.log.line("Run 'bundle deploy' to deploy changes to your workspace")


def _key(bundle: Bundle, name: str) -> str:
    found = [
        f"resources.{group}.{name}"
        for group, items in (("jobs", bundle.jobs()), ("pipelines", bundle.pipelines()))
        if name in items
    ]
    if not found:
        raise PlainFailure(f"no such resource: {name}")
    return found[0]


def _bind_locked(bundle: Bundle, state: State, key: str, id_: str) -> None:
    known = state.ids.get(key)
    if known:
        raise Failed("Resource already managed", _already_bound(key, known, id_))
    draft = Path(f"{state.file}.temp-bind")
    if state.file.exists():
        draft.write_bytes(state.file.read_bytes())
    else:
        draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(draft, key, id_, Entry(key, {}))
        entry = planning.calculate(bundle, State.open(draft)).entries[key]
        _write(draft, key, id_, entry)
        _check_approved(bundle, planning.calculate(bundle, State.open(draft)), key)
        draft.replace(state.file)
    finally:
        draft.unlink(missing_ok=True)
    state_files.push_resources(bundle)


def _write(file: Path, key: str, id_: str, entry: Entry) -> None:
    state = State.open(file)
    state.begin()
    state.put(key, id_, entry.settings, entry.depends_on)
    state.finish()


def _already_bound(key: str, known: str, wanted: str) -> str:
    if known == wanted:
        return (
            f"The bundle is already managing resource for {key} and it is bound to the requested ID {known}."
        )
    return (
        f"The bundle is already managing a resource for {key} with ID '{known}'.\n"
        f"To bind to a different resource with ID '{wanted}', you must first unbind the existing resource."
    )


def _check_approved(bundle: Bundle, plan: Plan, key: str) -> None:
    """Without --auto-approve a resource that the next deploy would change is not bound."""
    entry = plan.entries[key]
    if entry.action == "skip" or bundle.options.auto_approve:
        return
    bundle.log.line(f"Plan: {entry.action} {key}")
    changes = {path: c for path, c in entry.changes.items() if c.action != "skip"}
    if changes:
        bundle.log.line("\nChanges detected:")
        for path, change in changes.items():
            bundle.log.line(f"  ~ {path}: {dumps(change.remote)} -> {dumps(change.new)}")
        bundle.log.line("")
    raise Failed(
        "this bind operation requires user confirmation, but the current console does not support prompting.\n"
        "To proceed, use --auto-approve after reviewing the plan above."
    )
