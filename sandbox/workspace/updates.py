"""Updates of pipelines: an update runs the pipeline's files and notebooks in order, as plain Python."""

import asyncio
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.workspace.engine import Engine
from sandbox.workspace.outcomes import CANCELED, FAILED, STOPPED, SUCCESS, Ended
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State, now_ms
from sandbox.workspace.workbench import CannotRun

OVER = {"COMPLETED": SUCCESS, "FAILED": FAILED, "CANCELED": CANCELED}


class Updates:
    def __init__(self, state: State, engine: Engine) -> None:
        self.state = state
        self.engine = engine
        engine.refresh = self.refresh

    def of(self, pipeline_id: str) -> list[Json]:
        """The updates of a pipeline, newest first."""
        found = [update for update in self.state.updates.values() if update["pipeline_id"] == pipeline_id]
        return sorted(found, key=lambda update: int(update["number"]), reverse=True)

    def is_active(self, pipeline_id: str) -> bool:
        return any(update["state"] not in OVER for update in self.of(pipeline_id))

    def start(self, pipeline_id: str, caller: str) -> str:
        """Begin an update beside the requests; returns its id."""
        update_id = self._open(pipeline_id, caller, "API_CALL")
        self.engine.spawn(update_id, self._by_itself(update_id), lambda: self._interrupt(update_id))
        return update_id

    def stop(self, pipeline_id: str) -> None:
        """End the updates of a pipeline soon."""
        for update in self.of(pipeline_id):
            self.engine.cancel(update["update_id"])

    def restart(self, pipeline_id: str, caller: str) -> None:
        """A continuous pipeline that runs begins again, as Databricks does when one is edited, changed or not.

        Source: databricks/cli#6745.
        """
        if self.is_active(pipeline_id) and self.state.pipelines[pipeline_id]["spec"].get("continuous"):
            self.stop(pipeline_id)
            self.start(pipeline_id, caller)

    async def refresh(self, pipeline_id: str, caller: str) -> Ended:
        """Run an update for a job's task, and say how it ended."""
        update_id = self._open(pipeline_id, caller, "JOB_TASK")
        try:
            await self._run(update_id)
        except asyncio.CancelledError:
            self._note(update_id, "CANCELED")
            raise
        state = self.state.updates[update_id]["state"]
        if state == "COMPLETED":
            return Ended(SUCCESS)
        message = f"Update {update_id} of pipeline {pipeline_id} is {state}."
        return Ended(OVER[state], message, {"error": message})

    def close_abandoned(self) -> None:
        """End updates that were active when the workspace stopped: nobody works on them any more."""
        for update in list(self.state.updates.values()):
            if update["state"] not in OVER:
                self._note(update["update_id"], "FAILED", Ended(FAILED, STOPPED, {"error": STOPPED}))

    def _open(self, pipeline_id: str, caller: str, cause: str) -> str:
        update_id = str(uuid.uuid4())
        self.state.updates[update_id] = {
            "update_id": update_id,
            "pipeline_id": pipeline_id,
            "number": self.state.ids.next(),
            "creation_time": now_ms(),
            "cause": cause,
            "caller": caller,
            "events": [],
        }
        self._note(update_id, "QUEUED")
        return update_id

    async def _by_itself(self, update_id: str) -> None:
        try:
            await self._run(update_id)
        except asyncio.CancelledError:
            self._interrupt(update_id)

    def _interrupt(self, update_id: str) -> None:
        if self.engine.interrupted(update_id)["result_state"] == CANCELED:
            self._note(update_id, "CANCELED")
        else:
            self._note(update_id, "FAILED", Ended(FAILED, STOPPED, {"error": STOPPED}))

    async def _run(self, update_id: str) -> None:
        """See one update through to its end, unless it is interrupted."""
        spec = self.state.pipelines[self.state.updates[update_id]["pipeline_id"]]["spec"]
        self._note(update_id, "RUNNING")
        try:
            how = await self._libraries(update_id, spec)
        except CannotRun as refused:
            how = Ended(FAILED, str(refused), {"error": str(refused)})
        if spec.get("continuous") and how.result == SUCCESS:
            await asyncio.Event().wait()  # until it is stopped
        self._note(update_id, "COMPLETED" if how.result == SUCCESS else "FAILED", how)

    async def _libraries(self, update_id: str, spec: Json) -> Ended:
        for task in self._tasks(spec):
            seconds = self.engine.task_seconds
            try:
                async with asyncio.timeout(seconds):
                    how = await self.engine.process({**task, "run_id": update_id, "given": {}}, spec, {})
            except TimeoutError:
                raise CannotRun(f"the update was still running after {seconds} seconds") from None
            if how.result != SUCCESS:
                return how
        return Ended(SUCCESS)

    def _tasks(self, spec: Json) -> list[Json]:
        """The pipeline's libraries as tasks; a `glob` names every file that its pattern fits."""
        tasks = []
        for library in spec.get("libraries") or []:
            if "glob" in library:
                paths = self._matching(library["glob"]["include"])
            elif "file" in library:
                paths = [library["file"]["path"]]
            elif "notebook" in library:
                paths = [library["notebook"]["path"]]
            else:
                raise CannotRun(f"the sandbox does not run this library of a pipeline: {', '.join(library)}")
            tasks += [self._task(path) for path in paths]
        return tasks

    def _task(self, path: str) -> Json:
        record = self.engine.tree.find(path)
        if record is not None and record["object_type"] == "NOTEBOOK":
            return {"notebook_task": {"notebook_path": path}}
        return {"spark_python_task": {"python_file": path}}

    def _matching(self, pattern: str) -> list[str]:
        """Files and notebooks below the folder of a pattern that ends in `/**`."""
        folder = pattern.removesuffix("/**")
        inside = self.engine.tree.below(folder)
        return [r["path"] for r in inside if r["object_type"] == "NOTEBOOK" or r["path"].endswith(".py")]

    def _note(self, update_id: str, state: str, how: Ended | None = None) -> None:
        """Write down the new state of an update, and the event that tells of it."""
        update = self.state.updates[update_id]
        event: Json = {
            "id": str(uuid.uuid4()),
            "timestamp": stamp(now_ms()),
            "event_type": "update_progress",
            "level": "ERROR" if state == "FAILED" else "INFO",
            "message": f"Update {update_id[:6]} is {state}.",
            "maturity_level": "STABLE",
            "origin": {"pipeline_id": update["pipeline_id"], "update_id": update_id},
        }
        if how is not None and how.output.get("error"):
            told = how.output.get("error_trace") or how.output["error"]
            event["error"] = {"fatal": True, "exceptions": [{"message": told}]}
        self.state.updates[update_id] = {**update, "state": state, "events": [*update["events"], event]}


def shown_update(update: Json) -> Json:
    """An update as the API shows it."""
    names = ("update_id", "pipeline_id", "state", "cause", "creation_time")
    return {name: update[name] for name in names}


def stamp(milliseconds: int) -> str:
    """A time as events write it: `2026-01-31T08:15:00.123Z`."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


_TERM = re.compile(r"\s*(\w+)\s*(=|>)\s*'([^']*)'\s*")


def event_filter(text: str) -> Callable[[Json], bool]:
    """A test for events from a filter such as `level='ERROR' AND timestamp > '...'`.

    Raises:
        ValueError: the filter says something else.
    """
    terms = []
    for part in re.split(r"\s+AND\s+", text) if text.strip() else []:
        match = _TERM.fullmatch(part)
        if match is None or match[1] not in {"update_id", "level", "timestamp"}:
            raise ValueError(f"this filter is not understood: {part}")
        terms.append((match[1], match[2], match[3]))

    def keep(event: Json) -> bool:
        seen = {**event, **event["origin"]}
        return all(seen[name] == value if sign == "=" else seen[name] > value for name, sign, value in terms)

    return keep
