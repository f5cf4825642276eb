"""Branch protection and rulesets.

Source: GitHub REST API description 2022-11-28, `branch-protection`, `protected-branch`, `repository-ruleset`.
"""

from typing import Any

from sandbox.github.exchange import Call
from sandbox.github.records import Protection, Ruleset
from sandbox.github.render.people import Json, node_id, stamp, user


def summary(call: Call, branch: str) -> Json:
    """What a branch says of its protection to anybody who may read it."""
    found = call.repository.protections.get(branch)
    contexts = (found.contexts or []) if found else []
    return {
        "enabled": found is not None,
        "required_status_checks": {
            "enforcement_level": "everyone" if contexts else "off",
            "contexts": contexts,
            "checks": [{"context": context, "app_id": None} for context in contexts],
        },
    }


def protection(call: Call, branch: str, record: Protection) -> Json:
    url = f"{call.api}/branches/{branch}/protection"
    body: Json = {
        "url": url,
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": record.enforce_admins},
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
        "required_linear_history": {"enabled": record.linear_history},
        "allow_force_pushes": {"enabled": record.allow_force_pushes},
        "allow_deletions": {"enabled": record.allow_deletions},
        "block_creations": {"enabled": False},
        "required_conversation_resolution": {"enabled": False},
        "lock_branch": {"enabled": False},
        "allow_fork_syncing": {"enabled": False},
    }
    if record.contexts is not None:
        body["required_status_checks"] = _status_checks(url, record.contexts, strict=record.strict)
    if record.reviews_required:
        body["required_pull_request_reviews"] = _reviews(call, url, record)
    if record.pushers is not None:
        body["restrictions"] = _people(call, f"{url}/restrictions", record.pushers)
    return body


def _status_checks(url: str, contexts: list[str], *, strict: bool) -> Json:
    return {
        "url": f"{url}/required_status_checks",
        "strict": strict,
        "contexts": contexts,
        "contexts_url": f"{url}/required_status_checks/contexts",
        "checks": [{"context": context, "app_id": None} for context in contexts],
    }


def _reviews(call: Call, url: str, record: Protection) -> Json:
    body: Json = {
        "url": f"{url}/required_pull_request_reviews",
        "dismiss_stale_reviews": record.dismiss_stale,
        "require_code_owner_reviews": record.code_owners,
        "required_approving_review_count": record.approvals,
        "require_last_push_approval": record.last_push_approval,
    }
    if record.bypass:
        body["bypass_pull_request_allowances"] = {
            "users": [user(call, login) for login in record.bypass],
            "teams": [],
            "apps": [],
        }
    return body


def _people(call: Call, url: str, logins: list[str]) -> Json:
    return {
        "url": url,
        "users_url": f"{url}/users",
        "teams_url": f"{url}/teams",
        "apps_url": f"{url}/apps",
        "users": [user(call, login) for login in logins],
        "teams": [],
        "apps": [],
    }


def ruleset(call: Call, record: Ruleset, *, full: bool) -> Json:
    """A ruleset; those who list them do not see its rules, and only administrators see who may bypass it."""
    body: Json = {
        "id": record.id,
        "name": record.name,
        "target": record.target,
        "source_type": "Repository",
        "source": call.repository.slug,
        "enforcement": record.enforcement,
        "node_id": node_id("RRS", record.id),
        "_links": {
            "self": {"href": f"{call.api}/rulesets/{record.id}"},
            "html": {"href": f"{call.html}/rules/{record.id}"},
        },
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.created_at),
    }
    if full:
        conditions = {"ref_name": {"include": record.include, "exclude": record.exclude}}
        body |= {"conditions": conditions, "rules": record.rules, "current_user_can_bypass": "never"}
    if full and call.hub.role(call.repository, call.login) == "admin":
        body["bypass_actors"] = record.bypass_actors
    return body


def active_rule(call: Call, record: Ruleset, rule: dict[str, Any]) -> Json:
    origin = {
        "ruleset_source_type": "Repository",
        "ruleset_source": call.repository.slug,
        "ruleset_id": record.id,
    }
    return rule | origin
