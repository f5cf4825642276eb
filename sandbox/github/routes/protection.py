"""Branch protection and rulesets: read, set, remove."""

from typing import Any

from sandbox.github.exchange import Answer, Call, Refused, not_found, route
from sandbox.github.records import Enforcement, Protection, Ruleset
from sandbox.github.render import protection as render
from sandbox.github.rules import rules_for

R = "/repos/{owner}/{repo}"
PROTECTION = R + "/branches/{branch:path}/protection"


def _branch(call: Call) -> str:
    branch = call.parts["branch"]
    if branch not in call.git.branches():
        raise Refused(404, "Branch not found")
    return branch


@route("GET", PROTECTION, "administration=read", role="write")
def get_protection(call: Call) -> Answer:
    branch = _branch(call)
    found = call.repository.protections.get(branch)
    if found is None:
        raise Refused(404, "Branch not protected")
    return Answer(render.protection(call, branch, found))


@route("PUT", PROTECTION, "administration=write")
def put_protection(call: Call) -> Answer:
    branch = _branch(call)
    call.repository.protections[branch] = protection_from(call.sent)
    return Answer(render.protection(call, branch, call.repository.protections[branch]))


@route("DELETE", PROTECTION, "administration=write")
def delete_protection(call: Call) -> Answer:
    if call.repository.protections.pop(_branch(call), None) is None:
        raise Refused(404, "Branch not protected")
    return Answer(status=204)


def protection_from(sent: dict[str, Any]) -> Protection:
    """Read what `PUT protection` takes.

    Raises:
        Refused: 422, one of the four keys that GitHub insists on is missing.
    """
    for key in ("required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions"):
        if key not in sent:
            raise Refused(422, f'Invalid request.\n\n"{key}" wasn\'t supplied.')
    checks, reviews, people = (
        sent["required_status_checks"],
        sent["required_pull_request_reviews"],
        sent["restrictions"],
    )
    of_reviews = reviews or {}
    return Protection(
        approvals=of_reviews.get("required_approving_review_count") or (1 if reviews is not None else 0),
        reviews_required=reviews is not None,
        dismiss_stale=bool(of_reviews.get("dismiss_stale_reviews")),
        code_owners=bool(of_reviews.get("require_code_owner_reviews")),
        last_push_approval=bool(of_reviews.get("require_last_push_approval")),
        bypass=of_reviews.get("bypass_pull_request_allowances", {}).get("users", []),
        contexts=None if checks is None else _contexts(checks),
        strict=bool((checks or {}).get("strict")),
        enforce_admins=bool(sent["enforce_admins"]),
        pushers=None if people is None else people.get("users", []),
        linear_history=bool(sent.get("required_linear_history")),
        allow_force_pushes=bool(sent.get("allow_force_pushes")),
        allow_deletions=bool(sent.get("allow_deletions")),
    )


def _contexts(checks: dict[str, Any]) -> list[str]:
    named = [check["context"] for check in checks.get("checks") or []]
    return list(dict.fromkeys([*(checks.get("contexts") or []), *named]))


@route("GET", R + "/rules/branches/{branch:path}")
def list_branch_rules(call: Call) -> Answer:
    found = rules_for(call.repository, f"refs/heads/{call.parts['branch']}")
    return Answer(call.paged(found, lambda pair: render.active_rule(call, *pair)))


@route("GET", R + "/rulesets")
def list_rulesets(call: Call) -> Answer:
    return Answer(call.paged(call.repository.rulesets, lambda r: render.ruleset(call, r, full=False)))


@route("GET", R + "/rulesets/{ruleset_id:int}")
def get_ruleset(call: Call) -> Answer:
    for record in call.repository.rulesets:
        if record.id == call.number("ruleset_id"):
            return Answer(render.ruleset(call, record, full=True))
    raise not_found()


@route("POST", R + "/rulesets", "administration=write")
def create_ruleset(call: Call) -> Answer:
    names = (call.sent.get("conditions") or {}).get("ref_name", {})
    record = Ruleset(
        id=call.hub.new_id(),
        name=call.text("name"),
        target="tag" if call.maybe_text("target") == "tag" else "branch",
        enforcement=_enforcement(call),
        include=names.get("include", []),
        exclude=names.get("exclude", []),
        rules=call.sent.get("rules") or [],
        bypass_actors=call.sent.get("bypass_actors") or [],
        created_at=call.hub.now(),
    )
    call.repository.rulesets.append(record)
    return Answer(render.ruleset(call, record, full=True), 201)


def _enforcement(call: Call) -> Enforcement:
    match call.text("enforcement"):
        case "active" | "disabled" | "evaluate" as value:
            return value
        case _:
            raise Refused(422, "Invalid request.\n\nInvalid property /enforcement.")
