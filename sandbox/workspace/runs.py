"""REST routes of runs: `/api/2.2/jobs/run-now` and `/api/2.2/jobs/runs/...`.

Imitates: Databricks REST API 2.2, "Jobs", runs.
"""

from starlette.routing import Route

from sandbox.workspace.access import RUN, VIEW, Access
from sandbox.workspace.call import Call, Identify, invalid, not_found, route
from sandbox.workspace.engine import Engine
from sandbox.workspace.jobs import Jobs, check_tasks, page_of
from sandbox.workspace.ledger import Ledger
from sandbox.workspace.outcomes import is_over
from sandbox.workspace.people import Person
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State

RUNS_PER_PAGE = 25
LOG_BYTES = 5 * 1024 * 1024
TOKEN_LENGTH = 64


class Runs:
    def __init__(self, jobs: Jobs, engine: Engine, workspace_id: str) -> None:
        self.jobs = jobs
        self.engine = engine
        self.workspace_id = workspace_id

    @property
    def state(self) -> State:
        return self.jobs.state

    @property
    def access(self) -> Access:
        return self.jobs.access

    @property
    def ledger(self) -> Ledger:
        return self.engine.ledger

    def routes(self, identify: Identify) -> list[Route]:
        table = [
            ("POST", "run-now", self.run_now),
            ("POST", "runs/submit", self.submit),
            ("GET", "runs/get", self.show),
            ("GET", "runs/list", self.list),
            ("POST", "runs/cancel", self.cancel),
            ("POST", "runs/cancel-all", self.cancel_all),
            ("GET", "runs/get-output", self.output),
        ]
        return [route(method, f"/api/2.2/jobs/{name}", handler, identify) for method, name, handler in table]

    def run_now(self, call: Call) -> Json:
        body = call.body
        job = self.jobs.find(body.get("job_id", ""))
        self.access.need(call.person, "jobs", str(job["job_id"]), RUN)
        run = self._already(body) or self.engine.start(
            _only(job["settings"], body.get("only")), body, call.person.name, job["job_id"]
        )
        return {"run_id": run["run_id"], "number_in_job": run["number_in_job"]}

    def submit(self, call: Call) -> Json:
        body = call.body
        check_tasks(body.get("tasks") or [])
        settings = {**body, "name": body.get("run_name") or "Untitled"}
        run = self._already(body) or self.engine.start(settings, body, call.person.name, None)
        return {"run_id": run["run_id"]}

    def _already(self, body: Json) -> Json | None:
        """The run that the request's idempotency token started earlier, or None."""
        token = str(body.get("idempotency_token") or "")
        if len(token) > TOKEN_LENGTH:
            raise invalid(f"The idempotency token may have at most {TOKEN_LENGTH} characters.")
        return self.ledger.with_token(token)

    def show(self, call: Call) -> Json:
        run_id = call.query("run_id")
        run = self.state.runs.get(run_id)
        found = self.ledger.find_task(run_id) if run is None else None
        if found is not None:
            run = _as_run(*found)
        if run is None:
            raise not_found(f"Run {run_id} does not exist.")
        self._may_see(call.person, run)
        return self.shown(run, call.base_url)

    def list(self, call: Call) -> Json:
        job_id, active, completed = (
            call.query("job_id"),
            call.flag("active_only"),
            call.flag("completed_only"),
        )
        if active and completed:
            raise invalid("active_only and completed_only cannot both be true.")
        found = [
            run
            for run in self.state.runs.values()
            if (not job_id or str(run.get("job_id")) == job_id)
            and not (active and is_over(run))
            and not (completed and not is_over(run))
            and self._sees(call.person, run)
        ]
        found.sort(key=lambda run: int(run["run_id"]), reverse=True)
        hidden = set() if call.flag("expand_tasks") else {"tasks"}
        shown = [self.shown(run, call.base_url, hidden) for run in found]
        return page_of(call, "runs", shown, RUNS_PER_PAGE)

    def cancel(self, call: Call) -> Json:
        run = self.state.runs.get(str(call.body.get("run_id", "")))
        if run is None:
            raise not_found(f"Run {call.body.get('run_id')} does not exist.")
        if "job_id" in run:
            self.access.need(call.person, "jobs", str(run["job_id"]), RUN)
        self.engine.cancel(str(run["run_id"]))
        return {}

    def cancel_all(self, call: Call) -> Json:
        job = self.jobs.find(call.body.get("job_id", ""))
        self.access.need(call.person, "jobs", str(job["job_id"]), RUN)
        for run in self.ledger.of_job(job["job_id"], active=True):
            self.engine.cancel(str(run["run_id"]))
        return {}

    def output(self, call: Call) -> Json:
        """What one task run printed and left; a run of a single task stands for that task."""
        run_id = call.query("run_id")
        found = self.ledger.find_task(run_id)
        if found is None and run_id in self.state.runs:
            run = self.state.runs[run_id]
            if len(run["tasks"]) != 1:
                raise invalid(
                    "Retrieving the output of runs with multiple tasks is not supported. "
                    "Please retrieve the output of each individual task run instead."
                )
            found = run, run["tasks"][0]
        if found is None:
            raise not_found(f"Run {run_id} does not exist.")
        self._may_see(call.person, found[0])
        metadata = self.shown(_as_run(*found), call.base_url)
        return {"metadata": metadata, **self.output_of(found[1])}

    def output_of(self, task: Json) -> Json:
        """The log of a task run, its error, and what a notebook returned."""
        kept = self.state.outputs.get(str(task["run_id"]), {})
        answer: Json = {k: kept[k] for k in ("error", "error_trace", "run_job_output") if k in kept}
        log = self.state.log(task["run_id"])
        if log.exists():
            content = log.read_bytes()
            answer["logs"] = content[:LOG_BYTES].decode("utf-8", "replace")
            answer["logs_truncated"] = len(content) > LOG_BYTES
        if "exit" in kept:
            answer["notebook_output"] = {"result": kept["exit"], "truncated": False}
        return answer

    def shown(self, run: Json, base_url: str, hidden: set[str] | None = None) -> Json:
        """A run as the API shows it."""
        without = {"kept", *(hidden or set())}
        page = f"#job/{run['job_id']}/run/{run['run_id']}" if "job_id" in run else f"#job/run/{run['run_id']}"
        shown = {name: value for name, value in run.items() if name not in without}
        return {**shown, "run_page_url": f"{base_url}/?o={self.workspace_id}{page}"}

    def _sees(self, person: Person, run: Json) -> bool:
        if person.is_admin or person.name == run["creator_user_name"]:
            return True
        return "job_id" in run and self.access.rank(person, "jobs", str(run["job_id"])) >= VIEW

    def _may_see(self, person: Person, run: Json) -> None:
        if not self._sees(person, run):
            self.access.need(person, "jobs", str(run.get("job_id", "")), VIEW)


def _only(settings: Json, keys: object) -> Json:
    """The settings with just the tasks named in `keys`; all of them when it names none."""
    if not isinstance(keys, list) or not keys:
        return settings
    tasks = [t for t in settings.get("tasks") or [] if t["task_key"] in keys]
    kept = [
        {**t, "depends_on": [d for d in t.get("depends_on") or [] if d["task_key"] in keys]} for t in tasks
    ]
    return {**settings, "tasks": kept}


def _as_run(run: Json, task: Json) -> Json:
    """A task's own run, as `runs/get` shows it for the task's run id."""
    kept = {
        k: v for k, v in run.items() if k in {"job_id", "creator_user_name", "run_type", "run_name", "kept"}
    }
    return {**kept, **task, "run_id": task["run_id"], "format": "SINGLE_TASK", "tasks": []}
