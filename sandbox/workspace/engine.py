"""Runs jobs and pipeline updates: tasks in the order of their dependencies, each in a process of its own."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

from sandbox.workspace.ledger import Ledger
from sandbox.workspace.outcomes import (
    CANCELED,
    FAILED,
    STOPPED,
    SUCCESS,
    TASK_FAILED,
    TIMEDOUT,
    Ended,
    ended,
    going,
    not_to_run,
    verdict,
)
from sandbox.workspace.parameters import filled, known_values
from sandbox.workspace.processes import clean_environment, run_process
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State
from sandbox.workspace.tree import Tree
from sandbox.workspace.workbench import CannotRun, set_up

AT_ONCE = 4
TASK_SECONDS = 600
LOOK_SECONDS = 0.05


class Engine:
    """Works on the runs of a ledger, in the event loop that answers the requests.

    `refresh` runs an update of a pipeline and returns how it ended; it is given by whoever knows pipelines.
    """

    def __init__(self, state: State, tree: Tree, ledger: Ledger) -> None:
        self.state = state
        self.tree = tree
        self.ledger = ledger
        self.refresh: Callable[[str, str], Awaitable[Ended]] | None = None
        self.going: dict[str, asyncio.Task[None]] = {}
        self.cancelled: set[str] = set()
        self.task_seconds = TASK_SECONDS
        self._gate: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    def spawn(self, key: str, work: Coroutine[None, None, None], unstarted: Callable[[], None]) -> None:
        """Begin `work` (a run or an update named `key`) beside the requests.

        `unstarted` is called when it was cancelled before its first step, so that it could not say so itself.
        """

        def over(task: asyncio.Task[None]) -> None:
            self.going.pop(key, None)
            if task.cancelled():
                unstarted()

        task = asyncio.get_running_loop().create_task(work)
        self.going[key] = task
        task.add_done_callback(over)

    def cancel(self, key: str) -> None:
        """End a run or update soon; one that is over stays as it is."""
        task = self.going.get(key)
        if task is not None:
            self.cancelled.add(key)
            task.cancel()

    def start(self, settings: Json, asked: Json, caller: str, job_id: int | None) -> Json:
        """Write down a new run of these settings and begin it; returns the run."""
        run = self.ledger.open_run(settings, asked, caller, job_id)
        active = len(self.ledger.of_job(job_id, active=True)) if job_id is not None else 1
        if active > int(settings.get("max_concurrent_runs") or 1) and not _queued(settings):
            message = "Run skipped: the maximum number of concurrent runs has been reached."
            self.ledger.end_run(run["run_id"], ended("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", message))
        else:
            key = str(run["run_id"])
            self.spawn(key, self._work(run["run_id"]), lambda: self._interrupt(key))
        return run

    def _interrupt(self, key: str) -> None:
        self.ledger.end_run(int(key), self.interrupted(key))

    async def _work(self, run_id: int) -> None:
        """See one run through to its end, however it ends."""
        settings = self.ledger.run(run_id)["kept"]["settings"]
        try:
            await self._turn(run_id, settings)
            self.ledger.note(run_id, state=going("RUNNING"))
            async with asyncio.timeout(settings.get("timeout_seconds") or None):
                await self._all_tasks(run_id)
            state = verdict(self.ledger.run(run_id)["tasks"])
        except TimeoutError:
            state = ended(
                "TERMINATED", TIMEDOUT, f"Run timed out after {settings['timeout_seconds']} seconds."
            )
        except asyncio.CancelledError:
            state = self.interrupted(str(run_id))
        except Exception as error:  # noqa: BLE001 - a run must end, also when the sandbox itself is at fault
            state = ended("INTERNAL_ERROR", FAILED, f"The sandbox failed: {error!r}")
        self.ledger.end_run(run_id, state)

    def interrupted(self, key: str) -> Json:
        """The state of something that was ended from outside: by a person, or because the server stops."""
        if key in self.cancelled:
            self.cancelled.discard(key)
            return ended("TERMINATED", CANCELED, "Run cancelled.")
        return ended("INTERNAL_ERROR", FAILED, STOPPED)

    async def _turn(self, run_id: int, settings: Json) -> None:
        """Wait until fewer runs of the job are active than it allows."""
        job_id = self.ledger.run(run_id).get("job_id")
        if job_id is None:
            return
        allowed = int(settings.get("max_concurrent_runs") or 1)
        while [r["run_id"] for r in self.ledger.of_job(job_id, active=True)].index(run_id) >= allowed:
            if self.ledger.run(run_id)["state"]["life_cycle_state"] != "QUEUED":
                self.ledger.note(run_id, state=going("QUEUED", "Waiting for an earlier run of this job."))
            await asyncio.sleep(LOOK_SECONDS)

    async def _all_tasks(self, run_id: int) -> None:
        loop = asyncio.get_running_loop()
        tasks = self.ledger.run(run_id)["tasks"]
        results: dict[str, asyncio.Future[str]] = {task["task_key"]: loop.create_future() for task in tasks}
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(self._task(run_id, task, results))

    async def _task(self, run_id: int, task: Json, results: dict[str, asyncio.Future[str]]) -> None:
        """Wait for the tasks before this one, then run it or pass it over."""
        before = [await results[upstream["task_key"]] for upstream in task.get("depends_on") or []]
        how = not_to_run(task, before)
        if how is None:
            how = await self._attempts(run_id, task)
        self.ledger.end_task(run_id, task, how)
        results[task["task_key"]].set_result(how.result)

    async def _attempts(self, run_id: int, task: Json) -> Ended:
        """Run a task, and again after a failure as often as its `max_retries` allows."""
        attempt = 0
        while True:
            self.ledger.begin_task(run_id, task, attempt)
            how = await self._in_time(run_id, task)
            if how.result != FAILED or attempt >= int(task.get("max_retries") or 0):
                return how
            attempt += 1
            await asyncio.sleep(int(task.get("min_retry_interval_millis") or 0) / 1000)

    async def _in_time(self, run_id: int, task: Json) -> Ended:
        seconds = task.get("timeout_seconds") or self.task_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._by_kind(run_id, task)
        except TimeoutError:
            message = f"Task timed out after {seconds} seconds."
            return Ended(TIMEDOUT, message, {"error": message})
        except CannotRun as refused:
            return Ended(FAILED, str(refused), {"error": str(refused)})

    async def _by_kind(self, run_id: int, task: Json) -> Ended:
        run = self.ledger.run(run_id)
        values = self._values(run)
        task = filled(task, known_values(run, task, values))
        if "pipeline_task" in task:
            return await self._pipeline(task["pipeline_task"]["pipeline_id"], run["creator_user_name"])
        if "run_job_task" in task:
            return await self._job(task["run_job_task"], run["creator_user_name"])
        given = {p["name"]: p["value"] for p in run["job_parameters"]}
        task = _overridden(task, run.get("overriding_parameters") or {})
        return await self.process({**task, "given": given}, run["kept"]["settings"], values)

    def _values(self, run: Json) -> dict[str, Json]:
        """Task values set so far, by the key of the task that set them."""
        kept = {task["task_key"]: self.state.outputs.get(str(task["run_id"]), {}) for task in run["tasks"]}
        return {key: output["values"] for key, output in kept.items() if output.get("values")}

    async def process(self, task: Json, settings: Json, values: dict[str, Json]) -> Ended:
        """Run one task's code in a process of its own; at most `AT_ONCE` of them at a time.

        Raises:
            CannotRun: there is nothing to run, or nothing the sandbox can run.
        """
        async with self._slot():
            below = Path(tempfile.mkdtemp(prefix="sandbox-task-"))
            try:
                bench = set_up(self.tree, below, settings, task, values)
                code = await run_process(
                    bench.command,
                    folder=bench.folder,
                    environment=clean_environment(below),
                    log=self.state.log(task["run_id"]),
                )
                return _ended(code, bench.outcome())
            finally:
                shutil.rmtree(below, ignore_errors=True)

    def _slot(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._gate is None or self._gate[0] is not loop:
            self._gate = (loop, asyncio.Semaphore(AT_ONCE))
        return self._gate[1]

    async def _pipeline(self, pipeline_id: str, caller: str) -> Ended:
        if self.refresh is None or pipeline_id not in self.state.pipelines:
            raise CannotRun(f"The specified pipeline {pipeline_id} was not found.")
        return await self.refresh(pipeline_id, caller)

    async def _job(self, asked: Json, caller: str) -> Ended:
        """Start a run of another job and wait for its end."""
        job = self.state.jobs.get(str(asked["job_id"]))
        if job is None:
            raise CannotRun(f"Job {asked['job_id']} does not exist.")
        run_id = self.start(job["settings"], asked, caller, job["job_id"])["run_id"]
        work = self.going.get(str(run_id))
        try:
            if work is not None:
                await asyncio.wait({work})
        except asyncio.CancelledError:
            self.cancel(str(run_id))
            raise
        state = self.ledger.run(run_id)["state"]
        output = {"run_job_output": {"run_id": run_id}}
        return Ended(SUCCESS if state["result_state"] == SUCCESS else FAILED, state["state_message"], output)


def _queued(settings: Json) -> bool:
    return bool((settings.get("queue") or {}).get("enabled"))


def _overridden(task: Json, given: Json) -> Json:
    """The task with the parameters that the run was started with in place of its own."""
    task = dict(task)
    for kind in ("spark_python_task", "python_wheel_task"):
        if kind in task and "python_params" in given:
            task[kind] = {**task[kind], "parameters": given["python_params"]}
    if "python_wheel_task" in task and "python_named_params" in given:
        named = {**(task["python_wheel_task"].get("named_parameters") or {}), **given["python_named_params"]}
        task["python_wheel_task"] = {**task["python_wheel_task"], "named_parameters": named}
    if "notebook_task" in task and "notebook_params" in given:
        base = {**(task["notebook_task"].get("base_parameters") or {}), **given["notebook_params"]}
        task["notebook_task"] = {**task["notebook_task"], "base_parameters": base}
    return task


def _ended(code: int, outcome: Json) -> Ended:
    """How a task's process ended, from its exit code and what the driver wrote."""
    if code == 0 and "error" not in outcome:
        return Ended(SUCCESS, "", outcome)
    output = {"error": f"exit status {code}", "error_trace": "", **outcome}
    return Ended(FAILED, TASK_FAILED, output)
