"""What the pages show of jobs, runs, tasks, pipelines and files, as plain values for the templates."""

from datetime import UTC, datetime

from sandbox.pages import when
from sandbox.workspace.jobs import run_as
from sandbox.workspace.outcomes import going
from sandbox.workspace.pipelines import Pipelines
from sandbox.workspace.runs import Runs
from sandbox.workspace.shelf import Json

SHOWN_CHARACTERS = 200_000

_TONES = {
    "SUCCESS": "good",
    "COMPLETED": "good",
    "SUCCESS_WITH_FAILURES": "warn",
    "RUNNING": "info",
    "PENDING": "info",
    "QUEUED": "info",
    "FAILED": "bad",
    "TIMEDOUT": "bad",
    "UPSTREAM_FAILED": "warn",
    "CANCELED": "warn",
}
_TARGETS = ("python_file", "notebook_path", "pipeline_id", "job_id")
_LINKS = {"pipeline_task": "/pipelines/", "run_job_task": "/jobs/"}
_KINDS = {"DIRECTORY": "folder", "NOTEBOOK": "notebook"}


class Rows:
    def __init__(self, runs: Runs, pipelines: Pipelines) -> None:
        self.runs = runs
        self.pipelines = pipelines
        self.state = runs.state

    def who(self, name: str) -> str:
        """How people call the account: the display name of a service principal, else the login."""
        known = self.state.people.get(name)
        return str(known["display"]) if known is not None and known["secret"] else name

    def job(self, job: Json) -> Json:
        settings = job["settings"]
        runs = self.runs.ledger.of_job(job["job_id"])
        return {
            "id": job["job_id"],
            "name": settings["name"],
            "tasks": len(settings.get("tasks") or []),
            "schedule": _schedule(settings),
            "owner": self.who(run_as(job)),
            "last": self.run(runs[-1]) if runs else None,
        }

    def job_facts(self, job: Json) -> list[tuple[str, str]]:
        """Label and text of each thing a job's page tells at its side, without what the job does not have."""
        settings = job["settings"]
        waiting = ", others wait" if (settings.get("queue") or {}).get("enabled") else ""
        limit = settings["timeout_seconds"]
        facts = [
            ("Runs as", self.who(run_as(job))),
            ("Created by", self.who(job["creator_user_name"])),
            ("Created", when(moment(job["created_time"]))),
            ("Schedule", _schedule(settings)),
            ("At once", f"{settings['max_concurrent_runs']}{waiting}"),
            ("Time limit", f"{limit} s" if limit else ""),
        ]
        return [(label, text) for label, text in facts if text]

    def run(self, run: Json) -> Json:
        job_id = run.get("job_id")
        return {
            **_state(run),
            "id": run["run_id"],
            "job_id": job_id,
            "name": run["run_name"],
            "url": f"/jobs/{job_id}/runs/{run['run_id']}" if job_id else f"/jobs/runs/{run['run_id']}",
            "started": moment(run["start_time"]),
            "seconds": _seconds(run),
            "by": self.who(run["creator_user_name"]),
        }

    def task_run(self, task: Json) -> Json:
        """A task of a run, with what it printed and left."""
        nothing = {"error": "", "logs": "", "logs_truncated": False, "notebook_output": None}
        output = {**nothing, **self.runs.output_of(task)}
        return {
            **self.task(task),
            **_state(task),
            "seconds": _seconds(task),
            "output": output,
            "child": (output.get("run_job_output") or {}).get("run_id"),
        }

    def task(self, task: Json) -> Json:
        """A task of a job: what it runs, with a link to it, and what it waits for."""
        kind = next((name for name in task if name.endswith("_task")), "task")
        about = task.get(kind) or {}
        what = next((str(about[field]) for field in _TARGETS if field in about), "")
        what = what or ".".join(str(about[f]) for f in ("package_name", "entry_point") if f in about)
        file = "/files" + what if what.startswith("/") else ""
        return {
            "key": task["task_key"],
            "kind": kind.removesuffix("_task").replace("_", " "),
            "what": what.rpartition("/files/")[2],
            "link": _LINKS[kind] + what if kind in _LINKS else file,
            "after": [upstream["task_key"] for upstream in task.get("depends_on") or []],
        }

    def pipeline(self, pipeline: Json) -> Json:
        shown, spec = self.pipelines.shown(pipeline), pipeline["spec"]
        libraries = [library for entry in spec.get("libraries") or [] for library in entry.values()]
        return {
            "id": pipeline["pipeline_id"],
            "name": pipeline["name"],
            "state": shown["state"],
            "tone": _TONES.get(shown["state"], "plain"),
            "catalog": ".".join(spec[part] for part in ("catalog", "schema") if spec.get(part)),
            "owner": self.who(shown["run_as_user_name"]),
            "libraries": [one.get("path") or one.get("include", "") for one in libraries],
        }

    def update(self, update: Json) -> Json:
        errors = [event["error"]["exceptions"] for event in update["events"] if "error" in event]
        log = self.state.log(update["update_id"])
        return {
            "id": update["update_id"],
            "state": update["state"],
            "tone": _TONES.get(update["state"], "plain"),
            "cause": "a job" if update["cause"] == "JOB_TASK" else self.who(update["caller"]),
            "started": moment(update["creation_time"]),
            "errors": [told["message"] for exceptions in errors for told in exceptions],
            "log": log.read_text("utf-8", "replace")[:SHOWN_CHARACTERS] if log.exists() else "",
        }


def file_row(record: Json) -> Json:
    return {
        "name": record["path"].rpartition("/")[2],
        "url": "/files" + record["path"],
        "kind": _KINDS.get(record["object_type"], "file"),
        "size": record.get("size"),
        "modified": moment(record["modified_at"]),
    }


def metadata_path(settings: Json) -> str:
    """Where the bundle that deployed a job or pipeline keeps its metadata; empty when none did."""
    return str((settings.get("deployment") or {}).get("metadata_file_path") or "")


def moment(milliseconds: int) -> datetime | None:
    """The time of a number of milliseconds since 1970; None for 0."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _state(record: Json) -> Json:
    """The one word that tells how a run or task stands, its colour, and the message with it."""
    state = record.get("state") or going("PENDING")
    word = state.get("result_state") or state["life_cycle_state"]
    return {"state": word, "tone": _TONES.get(word, "plain"), "message": state.get("state_message") or ""}


def _seconds(record: Json) -> str:
    if "end_time" not in record or "start_time" not in record:
        return ""
    return f"{(record['end_time'] - record['start_time']) / 1000:.1f} s"


def _schedule(settings: Json) -> str:
    schedule = settings.get("schedule")
    if not schedule:
        return ""
    paused = " (paused)" if schedule.get("pause_status") == "PAUSED" else ""
    return f"{schedule['quartz_cron_expression']} {schedule.get('timezone_id', '')}{paused}"
