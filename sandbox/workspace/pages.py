"""Pages to click: what is deployed, jobs, runs with their output, pipelines, files.

Their addresses are those that the workspace, databricks-sdk and the `databricks` command hand out. The old
ones with a `#` (`/?o=1#job/2/run/3`) never reach a server, so the home page sends them on by a script.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.pages import render
from sandbox.workspace.call import ApiError
from sandbox.workspace.deployed import deployments
from sandbox.workspace.ledger import Ledger
from sandbox.workspace.outcomes import is_over
from sandbox.workspace.pipelines import Pipelines
from sandbox.workspace.rows import SHOWN_CHARACTERS, Rows, file_row, metadata_path, moment
from sandbox.workspace.runs import Runs
from sandbox.workspace.shelf import Json
from sandbox.workspace.tree import Tree, parent_of
from sandbox.workspace.updates import OVER

_SEND_ON = """
function sendOn() {
  const to = location.hash
    .replace(/^#joblist\\/pipelines\\//, "/pipelines/")
    .replace(/^#job\\/run\\//, "/jobs/runs/")
    .replace(/^#job\\//, "/jobs/").replace(/^(\\/jobs\\/\\d+)\\/run\\//, "$1/runs/")
    .replace(/^#workspace\\//, "/files/");
  if (to.startsWith("/")) location.replace(to);
}
addEventListener("hashchange", sendOn);
sendOn();
"""
_HASH = base64.b64encode(hashlib.sha256(_SEND_ON.encode()).digest()).decode()
_HOME_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    f"script-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'",
}
LOOK_AGAIN = {"Refresh": "2"}
SHOWN_RUNS = 30


class Missing(Exception):
    """What a page is asked to show is not there; the text says so."""


class Pages:
    def __init__(self, name: str, tree: Tree, runs: Runs, pipelines: Pipelines) -> None:
        self.name = name
        self.tree = tree
        self.runs = runs
        self.updates = pipelines.updates
        self.rows = Rows(runs, pipelines)
        self.state = tree.state

    def routes(self) -> list[Route]:
        table: list[tuple[str, Callable[[Request], Response]]] = [
            ("/", self.home),
            ("/jobs", self.home),
            ("/pipelines", self.home),
            ("/jobs/runs/{run_id:int}", self.run),
            ("/jobs/{job_id:int}", self.job),
            ("/jobs/{job_id:int}/runs/{run_id:int}", self.run),
            ("/pipelines/{pipeline_id}", self.pipeline),
            ("/pipelines/{pipeline_id}/updates/{update_id}", self.pipeline),
            ("/files", self.files),
            ("/files/{path:path}", self.files),
        ]
        return [Route(path, _page(handler, self.name), methods=["GET"]) for path, handler in table]

    @property
    def ledger(self) -> Ledger:
        return self.runs.ledger

    def home(self, _: Request) -> Response:
        jobs = sorted(self.state.jobs.values(), key=lambda job: str(job["settings"]["name"]))
        pipelines = sorted(self.state.pipelines.values(), key=lambda pipeline: str(pipeline["name"]))
        runs = sorted(self.state.runs.values(), key=lambda run: int(run["run_id"]), reverse=True)
        return render(
            "workspace/home.html",
            headers=_HOME_HEADERS,
            script=Markup(_SEND_ON),  # noqa: S704 - a constant of this module
            name=self.name,
            deployments=[
                (one, moment(one.at), self.rows.who(one.locked_by)) for one in deployments(self.tree)
            ],
            jobs=[self.rows.job(job) for job in jobs],
            pipelines=[self.rows.pipeline(pipeline) for pipeline in pipelines],
            runs=[self.rows.run(run) for run in runs[:8]],
        )

    def job(self, request: Request) -> Response:
        job = self.state.jobs.get(str(request.path_params["job_id"]))
        if job is None:
            raise Missing(f"Job {request.path_params['job_id']} does not exist.")
        settings = job["settings"]
        runs = list(reversed(self.ledger.of_job(job["job_id"])))
        return render(
            "workspace/job.html",
            name=self.name,
            job_id=job["job_id"],
            title=settings["name"],
            locked=settings.get("edit_mode") == "UI_LOCKED",
            tasks=[self.rows.task(task) for task in settings.get("tasks") or []],
            runs=[self.rows.run(run) for run in runs[:SHOWN_RUNS]],
            facts=self.rows.job_facts(job),
            parameters=settings.get("parameters") or [],
            source=json.dumps(settings, indent=2),
            deployed_by=metadata_path(settings),
        )

    def run(self, request: Request) -> Response:
        run = self.state.runs.get(str(request.path_params["run_id"]))
        if run is None:
            found = self.ledger.find_task(request.path_params["run_id"])
            if found is None:
                raise Missing(f"Run {request.path_params['run_id']} does not exist.")
            run = found[0]
        return render(
            "workspace/run.html",
            headers={} if is_over(run) else LOOK_AGAIN,
            name=self.name,
            run=self.rows.run(run),
            parameters=run["job_parameters"],
            tasks=[self.rows.task_run(task) for task in run["tasks"]],
        )

    def pipeline(self, request: Request) -> Response:
        pipeline = self.state.pipelines.get(request.path_params["pipeline_id"])
        if pipeline is None:
            pipeline_id = request.path_params["pipeline_id"]
            raise Missing(f"The specified pipeline {pipeline_id} was not found.")
        updates = self.updates.of(pipeline["pipeline_id"])
        active = any(update["state"] not in OVER for update in updates)
        return render(
            "workspace/pipeline.html",
            headers=LOOK_AGAIN if active else {},
            name=self.name,
            pipeline=self.rows.pipeline(pipeline),
            creator=self.rows.who(pipeline["creator_user_name"]),
            updates=[self.rows.update(update) for update in updates[:SHOWN_RUNS]],
            asked=request.path_params.get("update_id", ""),
            source=json.dumps(pipeline["spec"], indent=2),
            deployed_by=metadata_path(pipeline["spec"]),
        )

    def files(self, request: Request) -> Response:
        path = "/" + request.path_params.get("path", "").strip("/")
        try:
            record = self.tree.get(path)
        except ApiError as error:
            raise Missing(error.message) from error
        steps = [step for step in record["path"].split("/") if step]
        is_folder = record["object_type"] == "DIRECTORY"
        return render(
            "workspace/files.html",
            name=self.name,
            path=record["path"],
            crumbs=[(step, "/files/" + "/".join(steps[: n + 1])) for n, step in enumerate(steps)],
            parent=parent_of(record["path"]),
            is_folder=is_folder,
            record=record,
            modified=moment(record["modified_at"]),
            entries=[file_row(entry) for entry in self.tree.children(path)] if is_folder else [],
            text="" if is_folder else self._text(record),
        )

    def _text(self, record: Json) -> str | None:
        """A file's text; None when it is not a text, or too long to show."""
        content = self.tree.content(record)
        if b"\0" in content[:8000] or len(content) > SHOWN_CHARACTERS:
            return None
        return content.decode("utf-8", "replace")


def _page(
    handler: Callable[[Request], Response], name: str
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The handler, with a page for what is not there; asynchronous, so that it runs where the state changes."""

    async def endpoint(request: Request) -> Response:
        try:
            return handler(request)
        except Missing as missing:
            return render("workspace/missing.html", status=404, name=name, message=str(missing))

    return endpoint
