"""What `plan`, `deploy`, `destroy` and `bind` do, step by step.

A deploy reads its state before it takes the lock, and has replaced files and wheels before it asks about
anything destructive: both as the real command does.
"""

import json
import os
import time
from typing import ClassVar

from sandbox.databricks_cli import VERSION, applying, artifacts, planning, state_files, syncing
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.client import ApiError
from sandbox.databricks_cli.diagnostics import Failed, Stopped
from sandbox.databricks_cli.ids import new_id
from sandbox.databricks_cli.locking import Lock
from sandbox.databricks_cli.permissions import give_access
from sandbox.databricks_cli.planning import Entry, Plan
from sandbox.databricks_cli.side_by_side import each
from sandbox.databricks_cli.state import State
from sandbox.databricks_cli.values import Json, get
from sandbox.databricks_cli.workspace_files import delete, object_status

_DATA_LOSS = (
    "Deleting data assets such as schemas, pipelines, or volumes may cause permanent data loss and should be"
    " carefully reviewed."
)
_RECREATED_PIPELINES = (
    "\nThis action will result in the deletion or recreation of the following Lakeflow Spark Declarative Pipelines"
    " along with the\n"
    "Streaming Tables (STs) and Materialized Views (MVs) managed by them. Recreating the pipelines will\n"
    "restore the defined STs and MVs through full refresh. Note that recreation is necessary when pipeline\n"
    "properties such as the 'catalog' or 'storage' are changed:"
)
_DELETED_PIPELINES = (
    "This action will result in the deletion of the following Lakeflow Spark Declarative Pipelines along with the\n"
    "Streaming Tables (STs) and Materialized Views (MVs) managed by them. Set 'cascade_on_destroy: false' on a"
    " pipeline to retain datasets on pipeline deletion:"
)
_KEPT_DATASETS = (
    "This action will result in the deletion of the following Lakeflow Spark Declarative Pipelines.\n"
    "The Streaming Tables (STs) and Materialized Views (MVs) managed by them are retained, as 'cascade_on_destroy'"
    " is set to false:"
)


def check_before(bundle: Bundle, state: State) -> None:
    """What plan and deploy check after the build: the list of files, the git branch, active runs.

    Raises:
        Failed: one of them forbids to go on. A detached HEAD has no branch and passes.
    """
    state_files.pull_deployment(bundle)
    git = get(bundle.config, "bundle", "git") or {}
    wanted, actual = git.get("branch"), git.get("actual_branch")
    if wanted and actual and wanted != actual and not bundle.options.force:
        raise Failed(
            "not on the right Git branch:\n"
            f"  expected according to configuration: {wanted}\n"
            f"  actual: {actual}\n"
            "To deploy from this branch anyway, use --force. Note that this may push unexpected code to the target."
        )
    if bundle.options.fail_on_active_runs or get(
        bundle.config, "bundle", "deployment", "fail_on_active_runs"
    ):
        _check_nothing_runs(bundle, state)


def _check_nothing_runs(bundle: Bundle, state: State) -> None:
    def running(item: tuple[str, str]) -> str:
        key, id_ = item
        _, group, *rest = key.split(".")
        try:
            if group == "jobs" and len(rest) == 1:
                query = {"active_only": "true", "job_id": id_}
                runs = bundle.api.json("GET", "/api/2.2/jobs/runs/list", query=query).get("runs")
                return f"job {id_} is running" if runs else ""
            if group == "pipelines" and len(rest) == 1:
                found = bundle.api.json("GET", f"/api/2.0/pipelines/{id_}").get("state")
                return "" if found in {"IDLE", "FAILED", "DELETED"} else f"pipeline {id_} is running"
        except ApiError as error:
            if not error.missing:
                raise
        return ""

    busy = [text for text in each(running, sorted(state.ids.items()), at_once=8) if text]
    if busy:
        raise Failed(busy[0])


def deploy(bundle: Bundle, state: State, libraries: dict[str, None]) -> None:
    """Deploy: lock, built files, files, plan, ask, apply, state, metadata, unlock.

    Raises:
        Stopped: it did not work; why was printed. What was done by then stays done.
    """
    lock, report = Lock(bundle), _Report(bundle)
    lock.acquire()
    try:
        _deploy_locked(bundle, state, libraries, report)
    except Failed as error:
        bundle.log.failure(error)
    except Stopped:
        pass
    finally:
        state.abandon()
        report.files()
        _release(bundle, lock)
    bundle.log.stop_if_errors()


def _release(bundle: Bundle, lock: Lock, *, may_be_gone: bool = False) -> None:
    try:
        lock.release(may_be_gone=may_be_gone)
    except Failed as error:
        bundle.log.failure(error)


def _deploy_locked(bundle: Bundle, state: State, libraries: dict[str, None], report: "_Report") -> None:
    artifacts.upload(bundle, libraries)
    files, uploaded, deleted = syncing.upload(bundle)
    report.files_text = f"Files: {uploaded} uploaded, {deleted} deleted"
    state_files.push_deployment(bundle, files)
    give_access(bundle)
    plan = planning.calculate(bundle, state)
    state.begin()
    _check_approved(bundle, plan)
    applying.apply(bundle, plan, state)
    state.finish()
    state_files.push_resources(bundle)
    bundle.log.stop_if_errors()
    state_files.push_metadata(bundle, state.ids)
    report.resources(plan)


class _Report:
    """What a deploy says at its end. Once the files are up it says so, however the rest turns out."""

    _VERBS: ClassVar = {
        "create": "Created",
        "update": "Updated",
        "recreate": "Recreated",
        "delete": "Deleted",
    }

    def __init__(self, bundle: Bundle) -> None:
        self.log = bundle.log
        self.lines = bundle.options.quiet == 0
        self.files_text = ""

    def files(self) -> None:
        if self.files_text:
            self.log.progress(self.files_text)
        self.files_text = ""

    def resources(self, plan: Plan) -> None:
        for entry in plan.actions():
            if self.lines and entry.action in self._VERBS:
                self.log.progress(f"{self._VERBS[entry.action]} {entry.name}")
        self.files()
        n = plan.count()
        text = (
            f"{n['create']} created, {n['change']} changed, {n['delete']} deleted, {n['unchanged']} unchanged"
        )
        not_selected = f", {plan.not_selected} not selected" if plan.not_selected else ""
        self.log.progress(f"Resources: {text}{not_selected}")


def _check_approved(bundle: Bundle, plan: Plan) -> None:
    """Ask about pipelines that would go. Jobs are deleted without asking, as the real command does.

    Raises:
        Failed: nobody can be asked here, or something protected would go.
    """
    actions = [e for e in plan.actions() if not e.gone]
    _check_protected(bundle, actions)
    going = [
        e for e in actions if e.key.startswith("resources.pipelines.") and e.action in {"recreate", "delete"}
    ]
    going = [e for e in going if not e.is_child]
    if going:
        bundle.log.line(_RECREATED_PIPELINES)
        for entry in going:
            bundle.log.line(f"  {entry.action} {entry.key}")
    if going and not bundle.options.auto_approve:
        raise Failed(
            "the deployment requires destructive actions, but the current console does not support prompting.\n"
            f"{_DATA_LOSS}\nTo proceed, use --auto-approve after reviewing the plan above."
        )


def _check_protected(bundle: Bundle, actions: list[Entry]) -> None:
    """A block that is gone from the configuration protects nothing any more."""
    protected = [
        e.key
        for e in actions
        if e.action in {"recreate", "delete"}
        and get(bundle.config, *e.key.split("."), "lifecycle", "prevent_destroy") is True
    ]
    if protected:
        raise Failed(
            "\n".join(
                f"{key} has lifecycle.prevent_destroy set, but the plan calls for this resource to be recreated or"
                f" destroyed. To avoid this error, disable lifecycle.prevent_destroy for {key}"
                for key in protected
            )
        )


def destroy(bundle: Bundle, state: State) -> None:
    """Delete everything that was deployed, and the target's folder.

    Raises:
        Stopped: it did not work; why was printed.
    """
    root = bundle.workspace("root_path")
    try:
        object_status(bundle.api, root)
    except ApiError as error:
        if not error.missing:
            raise
        bundle.log.progress("No active deployment found to destroy!")
        return
    lock = Lock(bundle)
    lock.acquire()
    try:
        plan = planning.calculate(bundle, state, destroy=True)
        _announce_destroy(bundle, state, plan)
        state.begin()
        applying.apply(bundle, plan, state)
        state.finish()
        bundle.log.stop_if_errors()
        delete(bundle.api, root, recursive=True)
        _forget_files(bundle)
        count = sum(not e.is_child for e in plan.actions())
        bundle.log.progress(f"Destroy: {count} deleted")
    except Failed as error:
        bundle.log.failure(error)
    finally:
        state.abandon()
        _release(bundle, lock, may_be_gone=True)
    bundle.log.stop_if_errors()


def _announce_destroy(bundle: Bundle, state: State, plan: Plan) -> None:
    actions = [e for e in plan.actions() if not e.gone]
    _check_protected(bundle, actions)
    log = bundle.log
    top = [e for e in actions if not e.is_child]
    if top:
        log.progress("The following resources will be deleted:")
        for entry in top:
            log.progress(f"  delete {entry.key}")
        log.progress("")
    pipelines = [e for e in top if e.key.startswith("resources.pipelines.")]
    kept = [e for e in pipelines if get(state.entries, e.key, "state", "cascade_on_destroy") is False]
    for text, group in (
        (_DELETED_PIPELINES, [e for e in pipelines if e not in kept]),
        (_KEPT_DATASETS, kept),
    ):
        if group:
            log.progress(text)
            for entry in group:
                log.progress(f"  delete {entry.key}")
            log.progress("")
    log.progress(
        f"All files and directories at the following location will be deleted: {bundle.workspace('root_path')}"
    )
    log.progress("")


def _forget_files(bundle: Bundle) -> None:
    """The copied files are gone, so the next deploy copies all of them again."""
    syncing.snapshot_file(bundle).unlink(missing_ok=True)


def send_telemetry(bundle: Bundle, exit_code: int) -> None:
    """Tell the workspace that there was a deploy, three tries at most; nobody minds if that fails."""
    disabled = os.environ.get("DATABRICKS_CLI_DISABLE_TELEMETRY", "")
    if disabled.lower() not in {"", "0", "false", "no", "off"} or not bundle.me:
        return
    entry: dict[str, Json] = {
        "frontend_log_event_id": new_id(),
        "entry": {"databricks_cli_log": {"execution_context": {"version": VERSION, "exit_code": exit_code}}},
    }
    body = {"uploadTime": int(time.time() * 1000), "items": [], "protoLogs": [json.dumps(entry)]}
    data = json.dumps(body).encode()
    for _ in range(3):
        try:
            bundle.api.attempt("POST", "/telemetry-ext", data, "application/json")
        except Failed:
            continue
        return
