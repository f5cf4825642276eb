"""The book of runs: every run and its tasks, as the Jobs API shows them, kept after each change."""

from typing import Any

from sandbox.workspace.outcomes import STOPPED, Ended, ended, going, is_over
from sandbox.workspace.parameters import job_parameters
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State, now_ms

_TASK_FIELDS_OF_A_JOB_ONLY = {"email_notifications", "webhook_notifications", "notification_settings"}


class Ledger:
    """Runs by number. `kept` of a run holds what only the server needs; no answer shows it."""

    def __init__(self, state: State) -> None:
        self.state = state

    def run(self, run_id: int | str) -> Json:
        return self.state.runs[str(run_id)]

    def find_task(self, run_id: int | str) -> tuple[Json, Json] | None:
        """The run and the task whose own run id this is, or None."""
        for run in self.state.runs.values():
            for task in run["tasks"]:
                if str(task["run_id"]) == str(run_id):
                    return run, task
        return None

    def with_token(self, token: str) -> Json | None:
        """The run that an idempotency token started, or None."""
        found = [run for run in self.state.runs.values() if token and run["kept"]["token"] == token]
        return found[0] if found else None

    def of_job(self, job_id: int, *, active: bool = False) -> list[Json]:
        """The runs of a job, oldest first."""
        runs = [run for run in self.state.runs.values() if run.get("job_id") == job_id]
        return sorted((r for r in runs if not active or not is_over(r)), key=lambda run: int(run["run_id"]))

    def open_run(self, settings: Json, asked: Json, caller: str, job_id: int | None) -> Json:
        """Write down a run that is about to begin. `asked` is the request: parameters and token."""
        run_id = self.state.ids.next()
        overriding = {name: asked[name] for name in asked if name.endswith("_params") and asked[name]}
        run = {
            "run_id": run_id,
            "number_in_job": run_id,
            "original_attempt_run_id": run_id,
            **({"job_id": job_id} if job_id is not None else {}),
            "run_name": settings.get("name") or "Untitled",
            "run_type": "SUBMIT_RUN" if job_id is None else "JOB_RUN",
            "format": "MULTI_TASK",
            "trigger": "ONE_TIME",
            "creator_user_name": caller,
            "start_time": now_ms(),
            "state": going("PENDING"),
            "tasks": [self._open_task(task) for task in settings.get("tasks") or []],
            "job_parameters": job_parameters(settings, asked.get("job_parameters") or {}),
            **({"overriding_parameters": overriding} if overriding else {}),
            "kept": {
                "token": asked.get("idempotency_token") or "",
                "settings": {k: v for k, v in settings.items() if k != "tasks"},
            },
        }
        self.state.runs[str(run_id)] = run
        return run

    def _open_task(self, task: Json) -> Json:
        shown = {name: value for name, value in task.items() if name not in _TASK_FIELDS_OF_A_JOB_ONLY}
        return {**shown, "run_id": self.state.ids.next(), "attempt_number": 0, "state": going("PENDING")}

    def note(self, run_id: int, **changed: Any) -> None:  # noqa: ANN401 - fields of a run
        """Change fields of a run."""
        self.state.runs[str(run_id)] = {**self.run(run_id), **changed}

    def note_task(self, run_id: int, key: str, **changed: Any) -> None:  # noqa: ANN401 - fields of a task
        """Change fields of one task of a run."""
        tasks = [{**t, **changed} if t["task_key"] == key else t for t in self.run(run_id)["tasks"]]
        self.note(run_id, tasks=tasks)

    def begin_task(self, run_id: int, task: Json, attempt: int) -> None:
        times = {"start_time": now_ms(), "attempt_number": attempt}
        self.note_task(run_id, task["task_key"], state=going("RUNNING"), **times)

    def end_task(self, run_id: int, task: Json, how: Ended) -> None:
        """Write down how a task ended and what it left."""
        if how.output:
            self.state.outputs[str(task["run_id"])] = how.output
        now = now_ms()
        began = next(t for t in self.run(run_id)["tasks"] if t["run_id"] == task["run_id"]).get(
            "start_time", now
        )
        spent = {"setup_duration": 0, "execution_duration": now - began, "cleanup_duration": 0}
        self.note_task(run_id, task["task_key"], state=how.state(), start_time=began, end_time=now, **spent)

    def end_run(self, run_id: int, state: Json) -> None:
        """Write down how a run ended; tasks that had not ended yet end the same way."""
        how = Ended(state["result_state"], state["state_message"])
        for task in self.run(run_id)["tasks"]:
            if not is_over(task):
                self.end_task(run_id, task, how)
        now = now_ms()
        self.note(run_id, state=state, end_time=now, run_duration=now - self.run(run_id)["start_time"])

    def close_abandoned(self) -> None:
        """End what was active when the workspace stopped: nobody works on it any more."""
        for run in list(self.state.runs.values()):
            if not is_over(run):
                self.end_run(run["run_id"], ended("INTERNAL_ERROR", "FAILED", STOPPED))
