"""REST routes of job definitions: `/api/2.2/jobs/...`.

Imitates: Databricks REST API 2.2, "Jobs". Settings come back as they were sent, with the server's defaults.
"""

from graphlib import CycleError, TopologicalSorter
from typing import Any

from starlette.routing import Route

from sandbox.workspace.access import EDIT, MANAGE, VIEW, Access
from sandbox.workspace.call import Call, Identify, invalid, not_found, route
from sandbox.workspace.people import Person
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State, now_ms

TASKS_PER_PAGE = 100
JOBS_PER_PAGE = 20
MOST_JOBS_PER_PAGE = 100

_JOB_DEFAULTS: Json = {
    "email_notifications": {},
    "format": "MULTI_TASK",
    "max_concurrent_runs": 1,
    "timeout_seconds": 0,
    "webhook_notifications": {},
}
_TASK_DEFAULTS: Json = {"email_notifications": {}, "run_if": "ALL_SUCCESS", "timeout_seconds": 0}
_MERGED_BY = {
    "tasks": "task_key",
    "job_clusters": "job_cluster_key",
    "environments": "environment_key",
    "parameters": "name",
}


def with_defaults(settings: Json) -> Json:
    """Settings as the server shows them; raises ApiError (400) for tasks that cannot be."""
    check_tasks(settings.get("tasks") or [])
    tasks = [{**_TASK_DEFAULTS, **_sourced(task)} for task in settings.get("tasks") or []]
    return {"name": "Untitled", **_JOB_DEFAULTS, **settings, **({"tasks": tasks} if tasks else {})}


def check_tasks(tasks: list[Json]) -> None:
    """Raise ApiError (400) unless every task has its own key and depends on tasks that exist, in no circle."""
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise invalid("tasks must be a list of objects.")
    keys = [task.get("task_key") for task in tasks]
    if not all(keys):
        raise invalid("task_key is required for each task.")
    twice = sorted({str(key) for key in keys if keys.count(key) > 1})
    if twice:
        raise invalid(f"Task keys must be unique within a job: {', '.join(twice)}.")
    before = {task["task_key"]: [d.get("task_key") for d in task.get("depends_on") or []] for task in tasks}
    for key, upstream in before.items():
        missing = [name for name in upstream if name not in keys]
        if missing:
            raise invalid(f"Task '{key}' depends on task '{missing[0]}', which does not exist.")
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        raise invalid(f"Tasks must not depend on each other in a circle: {error.args[1]}.") from error


def _sourced(task: Json) -> Json:
    """The task with its notebook's source named, as the server does."""
    notebook = task.get("notebook_task")
    if notebook is None:
        return task
    return {**task, "notebook_task": {"source": "WORKSPACE", **notebook}}


class Jobs:
    def __init__(self, state: State, access: Access) -> None:
        self.state = state
        self.access = access

    def routes(self, identify: Identify) -> list[Route]:
        table = [
            ("POST", "create", self.create),
            ("GET", "get", self.show),
            ("GET", "list", self.list),
            ("POST", "reset", self.reset),
            ("POST", "update", self.update),
            ("POST", "delete", self.delete),
        ]
        return [route(method, f"/api/2.2/jobs/{name}", handler, identify) for method, name, handler in table]

    def find(self, job_id: int | str) -> Json:
        """The job of that number; raises ApiError (404) when there is none."""
        job = self.state.jobs.get(str(job_id))
        if job is None:
            raise not_found(f"Job {job_id} does not exist.")
        return job

    def create(self, call: Call) -> Json:
        body = call.body
        acl = body.pop("access_control_list", None)
        job_id = self.state.ids.next()
        self.state.jobs[str(job_id)] = {
            "job_id": job_id,
            "creator_user_name": call.person.name,
            "created_time": now_ms(),
            "settings": with_defaults(body),
        }
        if acl:
            owner = {call.person.acl_field: call.person.name, "permission_level": "IS_OWNER"}
            self.state.acls[f"jobs-{job_id}"] = {"entries": [owner, *acl]}
        return {"job_id": job_id}

    def show(self, call: Call) -> Json:
        job = self._allowed(call.person, call.query("job_id"), VIEW)
        return self._page_of_tasks(self._shown(job), call.number("page_token", 0))

    def list(self, call: Call) -> Json:
        name = call.query("name").lower()
        found = [
            job
            for job in self.state.jobs.values()
            if self.access.rank(call.person, "jobs", str(job["job_id"])) >= VIEW
            and (not name or job["settings"]["name"].lower() == name)
        ]
        found.sort(key=lambda job: job["job_id"], reverse=True)
        shown = self._shown if call.flag("expand_tasks") else self._without_tasks
        return page_of(call, "jobs", [shown(job) for job in found], JOBS_PER_PAGE)

    def reset(self, call: Call) -> Json:
        body = call.body
        job = self._allowed(call.person, body.get("job_id"), EDIT)
        new = body.get("new_settings")
        if not isinstance(new, dict):
            raise invalid("new_settings is required.")
        kept = {"run_as": job["settings"]["run_as"]} if "run_as" in job["settings"] else {}
        self._keep(job, with_defaults({**kept, **new}))
        return {}

    def update(self, call: Call) -> Json:
        body = call.body
        job = self._allowed(call.person, body.get("job_id"), EDIT)
        settings: Json = {**job["settings"]}
        for name, value in (body.get("new_settings") or {}).items():
            by = _MERGED_BY.get(name)
            settings[name] = value if by is None else _merged(settings.get(name) or [], value, by)
        for name in body.get("fields_to_remove") or []:
            _remove(settings, name)
        self._keep(job, with_defaults(settings))
        return {}

    def delete(self, call: Call) -> Json:
        job = self._allowed(call.person, call.body.get("job_id"), MANAGE)
        key = str(job["job_id"])
        del self.state.jobs[key]
        self.state.acls.pop(f"jobs-{key}", None)
        return {}

    def _allowed(self, person: Person, job_id: Any, rank: int) -> Json:  # noqa: ANN401 - JSON
        job = self.find(job_id if job_id is not None else "")
        self.access.need(person, "jobs", str(job["job_id"]), rank)
        return job

    def _keep(self, job: Json, settings: Json) -> None:
        self.state.jobs[str(job["job_id"])] = {**job, "settings": settings}

    def _shown(self, job: Json) -> Json:
        return {**job, "run_as_user_name": run_as(job)}

    def _without_tasks(self, job: Json) -> Json:
        settings = {
            k: v for k, v in job["settings"].items() if k not in {"tasks", "job_clusters", "environments"}
        }
        return {**self._shown(job), "settings": settings}

    @staticmethod
    def _page_of_tasks(job: Json, start: int) -> Json:
        tasks = job["settings"].get("tasks") or []
        if len(tasks) <= TASKS_PER_PAGE:
            return job
        end = start + TASKS_PER_PAGE
        settings = {**job["settings"], "tasks": tasks[start:end]}
        if start:
            settings |= {
                name: [] for name in ("job_clusters", "environments", "parameters") if name in settings
            }
        more = {"has_more": True, "next_page_token": str(end)} if end < len(tasks) else {}
        return {**job, "settings": settings, **more}


def run_as(job: Json) -> str:
    """Whose rights a run of the job has."""
    chosen = job["settings"].get("run_as") or {}
    name: str = chosen.get("service_principal_name") or chosen.get("user_name") or job["creator_user_name"]
    return name


def page_of(call: Call, name: str, found: list[Json], size: int) -> Json:
    """One page of a listing: `limit` and `page_token` (where to begin) come from the query."""
    limit = call.number("limit", size)
    if not 1 <= limit <= MOST_JOBS_PER_PAGE:
        raise invalid(f"limit must be between 1 and {MOST_JOBS_PER_PAGE}, not {limit}.")
    start = call.number("page_token", 0)
    end = start + limit
    answer: Json = {"has_more": end < len(found)}
    if found[start:end]:
        answer[name] = found[start:end]
    if end < len(found):
        answer["next_page_token"] = str(end)
    if start:
        answer["prev_page_token"] = str(max(0, start - limit))
    return answer


def _merged(old: list[Json], new: list[Json], by: str) -> list[Json]:
    """Old entries with those of the same key replaced, new ones added."""
    replaced = {entry.get(by): entry for entry in new}
    known = {entry.get(by) for entry in old}
    kept = [replaced.get(entry.get(by), entry) for entry in old]
    return [*kept, *[entry for entry in new if entry.get(by) not in known]]


def _remove(settings: Json, name: str) -> None:
    """Take one setting away; `tasks/KEY` takes one task."""
    field, _, key = name.partition("/")
    if key and field in _MERGED_BY:
        settings[field] = [e for e in settings.get(field) or [] if e.get(_MERGED_BY[field]) != key]
    else:
        settings.pop(field, None)
