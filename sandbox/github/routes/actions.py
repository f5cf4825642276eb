"""Wake-ups: workflow and repository dispatches are kept, nothing is run."""

import zlib
from typing import Any

from sandbox.github.exchange import Answer, Call, Refused, not_found, route
from sandbox.github.records import Dispatch
from sandbox.github.render.people import Json, node_id, stamp

R = "/repos/{owner}/{repo}"
W = R + "/actions/workflows/{workflow_id}"
FOLDER = ".github/workflows"
MOST_INPUTS = 25


def _files(call: Call, ref: str) -> list[str]:
    sha = call.git.resolve(ref)
    if sha is None:
        return []
    return call.git.run("ls-tree", "--full-tree", "--name-only", sha, "--", f"{FOLDER}/").splitlines()


def _number(path: str) -> int:
    return zlib.crc32(path.encode())


def _workflow(call: Call) -> str:
    """The path of the workflow that the request names by file or number, on the default branch."""
    wanted = call.parts["workflow_id"]
    for path in _files(call, call.repository.default_branch):
        if wanted in {path.rpartition("/")[2], path, str(_number(path))}:
            return path
    raise not_found()


@route("GET", W, "actions=read")
def get_workflow(call: Call) -> Answer:
    path, since = _workflow(call), stamp(call.repository.created_at)
    number, file = _number(path), path.rpartition("/")[2]
    body: Json = {
        "id": number,
        "node_id": node_id("W", number),
        "name": file.rpartition(".")[0],
        "path": path,
        "state": "active",
        "created_at": since,
        "updated_at": since,
        "url": f"{call.api}/actions/workflows/{number}",
        "html_url": f"{call.html}/blob/{call.repository.default_branch}/{path}",
        "badge_url": f"{call.html}/workflows/{file}/badge.svg",
    }
    return Answer(body)


@route("POST", W + "/dispatches", "actions=write")
def dispatch_workflow(call: Call) -> Answer:
    path, ref = _workflow(call), call.text("ref")
    if path not in _files(call, ref):
        raise Refused(422, f"No ref found for: {ref}")
    inputs = call.sent.get("inputs") or {}
    if len(inputs) > MOST_INPUTS:
        raise Refused(422, f"Invalid request.\n\nNo more than {MOST_INPUTS} properties are allowed.")
    record = _keep(call, path, ref, "workflow_dispatch", inputs)
    if not call.flag("return_run_details", default=False):
        return Answer(status=204)
    run = f"{call.api}/actions/runs/{record.id}"
    html = f"{call.html}/actions/runs/{record.id}"
    return Answer({"workflow_run_id": record.id, "run_url": run, "html_url": html})


@route("POST", R + "/dispatches", "contents=write")
def dispatch_repository(call: Call) -> Answer:
    payload = call.sent.get("client_payload") or {}
    _keep(call, None, call.repository.default_branch, call.text("event_type"), payload)
    return Answer(status=204)


def _keep(call: Call, path: str | None, ref: str, event_type: str, payload: dict[str, Any]) -> Dispatch:
    record = Dispatch(
        id=call.hub.new_id(),
        workflow=path,
        ref=ref,
        event_type=event_type,
        payload=payload,
        actor=call.login,
        created_at=call.hub.now(),
    )
    call.repository.dispatches.append(record)
    return record
