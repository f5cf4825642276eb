"""Deployments with GitHub's own defaults, the dangerous ones included.

Source: GitHub REST API description 2022-11-28, `POST deployments`: `auto_merge` and `required_contexts`; `POST
deployments/{id}/statuses`: `auto_inactive`.
"""

from typing import get_args

from sandbox.github.exchange import Answer, Call, Refused, not_found, route
from sandbox.github.merges import Conflict, merge_commit
from sandbox.github.moving import forbid_guarded, move
from sandbox.github.records import Deployment, DeploymentStatus, Environment
from sandbox.github.render import deployments as render
from sandbox.github.rules import verdicts

R = "/repos/{owner}/{repo}"
ONE = R + "/deployments/{deployment_id:int}"
LONGEST_DESCRIPTION = 140
STATES = get_args(DeploymentStatus.model_fields["state"].annotation)


def _deployment(call: Call) -> Deployment:
    for record in call.repository.deployments:
        if record.id == call.number("deployment_id"):
            return record
    raise not_found()


@route("GET", R + "/deployments", "deployments=read")
def list_deployments(call: Call) -> Answer:
    """Newest first; every filter that is given must fit exactly."""
    wanted = {key: call.query[key] for key in ("sha", "ref", "task", "environment") if key in call.query}
    found = [
        d
        for d in call.repository.deployments
        if all(getattr(d, key) == value for key, value in wanted.items())
    ]
    return Answer(call.paged(reversed(found), lambda record: render.deployment(call, record)))


@route("GET", ONE, "deployments=read")
def get_deployment(call: Call) -> Answer:
    return Answer(render.deployment(call, _deployment(call)))


@route("POST", R + "/deployments", "deployments=write")
def create_deployment(call: Call) -> Answer:
    """201 with a deployment; or 202 without one, because the default branch was merged into the ref instead."""
    ref = call.text("ref")
    sha = call.git.resolve(ref)
    if sha is None:
        raise Refused(422, f"No ref found for: {ref}")
    if call.flag("auto_merge", default=True) and (merged := _auto_merge(call, ref, sha)) is not None:
        return merged
    _demand_contexts(call, ref, sha)
    record = _new_deployment(call, ref, sha)
    call.repository.deployments.append(record)
    _keep_environment(call, record.environment)
    return Answer(render.deployment(call, record), 201)


def _new_deployment(call: Call, ref: str, sha: str) -> Deployment:
    now, environment = call.hub.now(), call.maybe_text("environment") or "production"
    payload = call.sent.get("payload")
    return Deployment(
        id=call.hub.new_id(),
        sha=sha,
        ref=ref,
        task=call.maybe_text("task") or "deploy",
        payload={} if payload is None else payload,
        environment=environment,
        description=call.maybe_text("description", LONGEST_DESCRIPTION),
        creator=call.login,
        created_at=now,
        updated_at=now,
        transient_environment=call.flag("transient_environment", default=False),
        production_environment=call.flag("production_environment", default=environment == "production"),
    )


def _auto_merge(call: Call, ref: str, sha: str) -> Answer | None:
    """Merge the default branch into a branch that lacks some of it, if the repository has that switched on."""
    default = call.repository.default_branch
    newest = call.git.branches().get(default)
    is_branch = ref.removeprefix("refs/").removeprefix("heads/") in call.git.branches()
    if not call.repository.allow_auto_merge or not is_branch or newest is None:
        return None
    if call.git.is_ancestor(newest, sha):
        return None
    message = f"Merge branch '{default}' into {ref}"
    try:
        made = merge_commit(call.git, sha, newest, message, call.hub.person(call.login), call.hub.web_flow())
    except Conflict as error:
        raise Refused(409, f"Conflict merging {default} into {ref}.") from error
    name = f"refs/heads/{ref.removeprefix('refs/').removeprefix('heads/')}"
    forbid_guarded(call, name, sha, made)
    move(call, name, made, sha)
    return Answer({"message": f"Auto-merged {default} into {ref} on deployment."}, 202)


def _demand_contexts(call: Call, ref: str, sha: str) -> None:
    """Every status and check must be green, unless the request names those that must (perhaps none)."""
    said = verdicts(call.repository, sha)
    named = call.sent.get("required_contexts")
    contexts = said if named is None else named
    bad = [{"context": c, "state": said.get(c, "pending")} for c in contexts if said.get(c) != "success"]
    if bad:
        errors = [
            {"contexts": bad, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}
        ]
        raise Refused(409, f"Conflict: Commit status checks failed for {ref}.", errors)


def _keep_environment(call: Call, name: str) -> None:
    """A deployment makes its environment, unprotected."""
    if all(environment.name != name for environment in call.repository.environments):
        record = Environment(id=call.hub.new_id(), name=name, created_at=call.hub.now())
        call.repository.environments.append(record)


@route("GET", ONE + "/statuses", "deployments=read")
def list_statuses(call: Call) -> Answer:
    record = _deployment(call)
    return Answer(call.paged(reversed(record.statuses), lambda item: render.status(call, record, item)))


@route("POST", ONE + "/statuses", "deployments=write")
def create_status(call: Call) -> Answer:
    record, state = _deployment(call), call.text("state")
    if state not in STATES:
        raise Refused(422, "Invalid request.\n\nInvalid property /state.")
    url = call.maybe_text("log_url") or call.maybe_text("target_url") or ""
    item = _new_status(call, record, state, url)
    record.environment = item.environment
    record.statuses.append(item)
    record.updated_at = item.created_at
    if state == "success" and call.flag("auto_inactive", default=True):
        _inactivate_others(call, record)
    return Answer(render.status(call, record, item), 201)


def _new_status(call: Call, record: Deployment, state: str, url: str) -> DeploymentStatus:
    return DeploymentStatus.model_validate(
        {
            "id": call.hub.new_id(),
            "state": state,
            "creator": call.login,
            "description": call.maybe_text("description", LONGEST_DESCRIPTION) or "",
            "environment": call.maybe_text("environment") or record.environment,
            "target_url": url,
            "log_url": url,
            "environment_url": call.maybe_text("environment_url") or "",
            "created_at": call.hub.now(),
        }
    )


def _inactivate_others(call: Call, newest: Deployment) -> None:
    """Earlier successes in the same environment end; those of production and of transient ones do not."""
    for record in call.repository.deployments:
        same = record.environment == newest.environment and record.id < newest.id
        lasting = record.production_environment or record.transient_environment
        if same and not lasting and record.statuses and record.statuses[-1].state == "success":
            record.statuses.append(
                record.statuses[-1].model_copy(
                    update={"id": call.hub.new_id(), "state": "inactive", "created_at": call.hub.now()}
                )
            )


@route("GET", R + "/environments", "actions=read")
def list_environments(call: Call) -> Answer:
    found = call.repository.environments
    body = call.paged(found, lambda record: render.environment(call, record))
    return Answer({"total_count": len(found), "environments": body})


@route("GET", R + "/environments/{environment_name}", "actions=read")
def get_environment(call: Call) -> Answer:
    for record in call.repository.environments:
        if record.name == call.parts["environment_name"]:
            return Answer(render.environment(call, record))
    raise not_found()
