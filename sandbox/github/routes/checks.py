"""Commit statuses and check runs."""

from typing import get_args

from sandbox.github.exchange import Answer, Call, Refused, invalid, route
from sandbox.github.records import CheckRun, CommitStatus
from sandbox.github.render import commits as render
from sandbox.github.rules import combined_state, latest_check_runs, latest_statuses

R = "/repos/{owner}/{repo}"
C = R + "/commits/{ref:path}"
MOST_OF_ONE_CONTEXT = 1000
STATES = get_args(CommitStatus.model_fields["state"].annotation)
CONCLUSIONS = {
    "success",
    "failure",
    "neutral",
    "cancelled",
    "skipped",
    "timed_out",
    "action_required",
}


@route("GET", C + "/check-runs", "checks=read")
def list_check_runs(call: Call) -> Answer:
    """The latest run of each name; `filter=all` gives the older ones as well."""
    sha, query = call.commit_sha(call.parts["ref"]), call.query
    found = latest_check_runs(call.repository, sha)
    if query.get("filter") == "all":
        found = [c for c in call.repository.check_runs if c.head_sha == sha]
    if "check_name" in query:
        found = [c for c in found if c.name == query["check_name"]]
    if "status" in query:
        found = [c for c in found if c.status == query["status"]]
    runs = call.paged(found, lambda record: render.check_run(call, record))
    return Answer({"total_count": len(found), "check_runs": runs})


@route("POST", R + "/check-runs", "checks=write")
def create_check_run(call: Call) -> Answer:
    """Keep a check run. GitHub lets only Apps do this; here everybody who may write is an App."""
    conclusion = call.maybe_text("conclusion")
    if conclusion is not None and conclusion not in CONCLUSIONS:
        raise Refused(422, "Invalid request.\n\nInvalid property /conclusion.")
    head, output, now = call.text("head_sha"), call.sent.get("output") or {}, call.hub.now()
    if call.git.type_of(head) != "commit":
        raise Refused(422, f"No commit found for SHA: {head}")
    record = CheckRun.model_validate(
        {
            "id": call.hub.new_id(),
            "name": call.text("name"),
            "head_sha": head,
            "status": "completed" if conclusion else call.maybe_text("status") or "queued",
            "conclusion": conclusion,
            "started_at": call.maybe_text("started_at") or now,
            "completed_at": call.maybe_text("completed_at") or (now if conclusion else None),
            "details_url": call.maybe_text("details_url"),
            "external_id": call.maybe_text("external_id"),
            **{key: output.get(key) for key in ("title", "summary", "text")},
        }
    )
    call.repository.check_runs.append(record)
    return Answer(render.check_run(call, record), 201)


@route("GET", C + "/status", "statuses=read")
def get_combined_status(call: Call) -> Answer:
    sha = call.commit_sha(call.parts["ref"])
    latest = latest_statuses(call.repository, sha)
    return Answer(render.combined_status(call, sha, latest, combined_state(latest)))


@route("GET", C + "/statuses", "statuses=read")
def list_statuses(call: Call) -> Answer:
    sha = call.commit_sha(call.parts["ref"])
    found = [s for s in reversed(call.repository.statuses) if s.sha == sha]
    return Answer(call.paged(found, lambda record: render.commit_status(call, record)))


@route("POST", R + "/statuses/{sha}", "statuses=write")
def create_status(call: Call) -> Answer:
    sha, state = call.parts["sha"], call.text("state")
    if call.git.type_of(sha) != "commit":
        raise Refused(422, f"No commit found for SHA: {sha}")
    if state not in STATES:
        raise invalid("Status", "state", "custom", "state must be one of error, failure, pending, success")
    context = call.maybe_text("context") or "default"
    if sum((s.sha, s.context) == (sha, context) for s in call.repository.statuses) >= MOST_OF_ONE_CONTEXT:
        text = "This SHA and context has reached the maximum number of statuses."
        raise invalid("Status", "context", "custom", text)
    record = CommitStatus.model_validate(
        {
            "id": call.hub.new_id(),
            "sha": sha,
            "state": state,
            "context": context,
            "description": call.maybe_text("description", 140),
            "target_url": call.maybe_text("target_url"),
            "creator": call.login,
            "created_at": call.hub.now(),
        }
    )
    call.repository.statuses.append(record)
    return Answer(render.commit_status(call, record), 201)
