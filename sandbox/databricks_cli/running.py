"""`bundle run`: starts a job or a pipeline update and tells how it goes.

It sends no idempotency token, and a killed command does not stop what it started.
"""

import re
import time

from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.client import ApiError, backoff_seconds
from sandbox.databricks_cli.diagnostics import Failed, Log
from sandbox.databricks_cli.go_json import dumps
from sandbox.databricks_cli.output import write
from sandbox.databricks_cli.values import Json, get

_DONE = {"TERMINATED", "SKIPPED"}
_LEGACY_URL = r"(?P<base>https?://[^/]+)/(?P<query>\?[^#]*)?#job/(?P<job>[^/]+)/run/(?P<run>[^/]+)"


def run(bundle: Bundle, key: str) -> None:
    """Run the resource `key` and print its output.

    Raises:
        Failed: it cannot be started, or did not succeed.
    """
    group, resource = _find(bundle, key)
    if not resource.get("id"):
        raise Failed(f'resource with key "{key}" not found')
    if group == "jobs":
        _Job(bundle, resource).run()
    else:
        _Pipeline(bundle, resource).run()


def _find(bundle: Bundle, key: str) -> tuple[str, dict[str, Json]]:
    for group in ("jobs", "pipelines"):
        for name, resource in (get(bundle.config, "resources", group) or {}).items():
            if key in {name, f"{group}.{name}"}:
                return group, resource
    raise Failed(f'resource with key "{key}" not found')


def _message(error: Failed) -> str:
    return error.message if isinstance(error, ApiError) else error.summary


def _page(url: str) -> str:
    """The address of a run's page, in today's form."""
    match = re.fullmatch(_LEGACY_URL, url)
    return f"{match['base']}/jobs/{match['job']}/runs/{match['run']}{match['query'] or ''}" if match else url


class _Job:
    def __init__(self, bundle: Bundle, resource: dict[str, Json]) -> None:
        self.bundle = bundle
        self.log: Log = bundle.log
        self.id = int(resource["id"])
        self.seen = ("", "")
        self.announced = False

    def run(self) -> None:
        try:
            started = self.bundle.api.json("POST", "/api/2.2/jobs/run-now", body={"job_id": self.id})
        except Failed as error:
            raise Failed(f"cannot start job: {_message(error)}") from error
        run_id = str(started["run_id"])
        if self.bundle.options.no_wait:
            self.log.line(f"Run URL: {_page(str(self.get(run_id).get('run_page_url') or ''))}\n")
            return
        try:
            found = self.wait(run_id)
        except Failed:
            self.tell_failures(run_id)
            raise
        self.judge(found, run_id)

    def get(self, run_id: str) -> dict[str, Json]:
        try:
            found: dict[str, Json] = self.bundle.api.json(
                "GET", "/api/2.2/jobs/runs/get", query={"run_id": run_id}
            )
        except ApiError as error:
            raise Failed(error.message) from error
        return found

    def wait(self, run_id: str) -> dict[str, Json]:
        """Ask again and again until the run has ended."""
        attempt = 0
        while True:
            found = self.get(run_id)
            state = found.get("state") or {}
            self.tell(found, state)
            if state.get("life_cycle_state") in _DONE:
                return found
            if state.get("life_cycle_state") == "INTERNAL_ERROR":
                reason = f"INTERNAL_ERROR: {state.get('state_message') or ''}"
                raise Failed(f"failed to reach TERMINATED or SKIPPED, got {reason}")
            attempt += 1
            time.sleep(backoff_seconds(attempt))

    def tell(self, found: dict[str, Json], state: dict[str, Json]) -> None:
        if not self.announced:
            self.log.line(f"Run URL: {_page(str(found.get('run_page_url') or ''))}\n")
            self.announced = True
        now = (str(state.get("life_cycle_state") or ""), str(state.get("result_state") or ""))
        if now == self.seen:
            return
        self.seen = now
        words = [f'"{found.get("run_name") or ""}"', *now, str(state.get("state_message") or "")]
        self.log.line(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(w for w in words if w)}")

    def tell_failures(self, run_id: str) -> None:
        """Print why the tasks of a broken run broke."""
        try:
            found = self.get(run_id)
        except Failed as error:
            self.log.line(f"Error: failed to log job run. Error: {error.summary}")
            return
        for task in found.get("tasks") or []:
            state = task.get("state") or {}
            failed = state.get("life_cycle_state") == "INTERNAL_ERROR" or (
                state.get("life_cycle_state") == "TERMINATED" and state.get("result_state") == "FAILED"
            )
            if not failed:
                continue
            try:
                output = self.output(str(task["run_id"]))
            except Failed as error:
                name = task.get("task_key")
                self.log.line(f"Error: task {name} failed. Unable to fetch error trace: {_message(error)}")
                continue
            name, reason, trace = (
                task.get("task_key"),
                output.get("error") or "",
                output.get("error_trace") or "",
            )
            self.log.line(f"Task {name} FAILED:\n{reason}\n{trace}\n")
            self.log.line(
                f"Error: Task {name} failed!\nError:\n{reason}\nTrace:\n{trace}",
                end="" if trace.endswith("\n") else "\n",
            )

    def judge(self, found: dict[str, Json], run_id: str) -> None:
        """Print the output of a good run. Raises `Failed` for every other end."""
        state = found.get("state") or {}
        message = state.get("state_message") or ""
        if state.get("life_cycle_state") == "SKIPPED":
            raise Failed(f"run skipped: {message}")
        words = {"CANCELED": "canceled", "FAILED": "failed", "TIMEDOUT": "timed out"}
        result = str(state.get("result_state") or "")
        if result in words:
            raise Failed(f"run {words[result]}: {message}")
        if result == "SUCCESS":
            self.print_output(run_id)

    def output(self, run_id: str) -> dict[str, Json]:
        answer: dict[str, Json] = self.bundle.api.json(
            "GET", "/api/2.2/jobs/runs/get-output", query={"run_id": run_id}
        )
        return answer

    def print_output(self, run_id: str) -> None:
        outputs = []
        try:
            for task in self.get(run_id).get("tasks") or []:
                shown = _shown(self.output(str(task["run_id"])))
                if shown is not None:
                    outputs.append((int(task.get("end_time") or 0), str(task.get("task_key") or ""), shown))
        except ApiError as error:
            raise Failed(error.message) from error
        if self.bundle.options.output == "json":
            listed = [{"TaskKey": k, "Output": shown, "EndTime": end} for end, k, shown in outputs]
            write(dumps({"task_outputs": listed}, indent=2) + "\n")
            return
        texts = [(end, key, _text(shown)) for end, key, shown in outputs]
        if len(texts) == 1:
            write(texts[0][2])
        elif texts:
            parts = [f"=======\nTask {key}:\n{text}\n" for _, key, text in sorted(texts, key=lambda t: t[0])]
            write("Output:\n" + "".join(parts))


def _shown(output: dict[str, Json]) -> dict[str, Json] | None:
    """The part of a task's output that is printed, if it has any."""
    notebook, logs = output.get("notebook_output"), output.get("logs")
    if notebook is not None and (notebook.get("result") or notebook.get("truncated") or not logs):
        return dict(notebook)
    for kind in ("dbt_output", "sql_output"):
        if output.get(kind) is not None:
            return dict(output[kind])
    return {"logs": logs, "logs_truncated": bool(output.get("logs_truncated"))} if logs else None


def _text(shown: dict[str, Json]) -> str:
    if "logs" in shown:
        return str(shown["logs"]) + ("\n[truncated...]\n" if shown["logs_truncated"] else "")
    return str(shown.get("result") or "") + ("\n[truncated...]\n" if shown.get("truncated") else "")


class _Pipeline:
    def __init__(self, bundle: Bundle, resource: dict[str, Json]) -> None:
        self.bundle = bundle
        self.path = f"/api/2.0/pipelines/{resource['id']}"
        self.id = str(resource["id"])
        self.latest = ""

    def run(self) -> None:
        api, log = self.bundle.api, self.bundle.log
        update = str(api.json("POST", f"{self.path}/updates", body={})["update_id"])
        log.line(f"Update URL: {api.host}/#joblist/pipelines/{self.id}/updates/{update}\n")
        while not self.bundle.options.no_wait:
            for event in self.events(update):
                log.line(event)
            state = get(api.json("GET", f"{self.path}/updates/{update}"), "update", "state")
            if state == "COMPLETED":
                break
            if state == "CANCELED":
                raise Failed("update cancelled")
            if state == "FAILED":
                self.tell_errors(update)
                raise Failed("update failed")
            time.sleep(min(1.0, backoff_seconds(0)))
        if self.bundle.options.output == "json":
            write(dumps({"update_id": update}, indent=2) + "\n")
        else:
            write(f"Update ID: {update}\n")

    def events(self, update: str) -> list[str]:
        """What happened since the last time, in words."""
        since = f" AND timestamp > '{self.latest}'" if self.latest else ""
        query = {"filter": f"update_id = '{update}'{since}", "max_results": "100"}
        found = self.bundle.api.json("GET", f"{self.path}/events", query=query).get("events") or []
        shown = [e for e in reversed(found) if e.get("event_type") in {"flow_progress", "update_progress"}]
        if shown:
            self.latest = str(shown[-1].get("timestamp") or "")
        return [
            f'{e.get("timestamp") or ""} {e.get("event_type") or "":<15} {e.get("level") or ""} "{e.get("message") or ""}"'
            + "".join(
                f"\n{x.get('message') or ''}"
                for x in get(e, "error", "exceptions") or []
                if e.get("level") == "ERROR"
            )
            for e in shown
        ]

    def tell_errors(self, update: str) -> None:
        query = {"filter": "level='ERROR'", "max_results": "100"}
        for event in reversed(
            self.bundle.api.json("GET", f"{self.path}/events", query=query).get("events") or []
        ):
            if get(event, "origin", "update_id") != update:
                continue
            text = f" {event['message']}\n" if event.get("message") else ""
            exceptions = get(event, "error", "exceptions") or []
            if exceptions:
                text += "trace for most recent exception: \n" + "".join(
                    f"{x.get('message') or ''}\n" for x in exceptions
                )
            if text:
                self.bundle.log.line(f"Error: [{event.get('event_type')}] {text}")
