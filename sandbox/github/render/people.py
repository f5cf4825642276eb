"""Accounts, teams and the App.

Source: GitHub REST API description 2022-11-28, `simple-user`, `private-user`, `team`, `integration`.
"""

from datetime import datetime
from typing import Any

from sandbox.github.exchange import Call
from sandbox.github.hub import APP_BOT
from sandbox.github.records import ROLES, Repository, Role, Team

Json = dict[str, Any]

_USER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
APP_ID, APP_CLIENT_ID = 4711, "Iv1.sandbox"
INSTALLATION_ID = 471100
APP_LOGIN = APP_BOT[0]  # what stands beside what the App does
APP_SLUG = APP_LOGIN.removesuffix("[bot]")


def stamp(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def node_id(kind: str, number: int | str) -> str:
    return f"{kind}_sandbox{number}"


def user(call: Call, login: str) -> Json:
    account = call.hub.state.accounts.get(login)
    kind = account.type if account else "Organization"
    url = f"{call.base}/users/{login}"
    number = account.id if account else 1
    return {
        "login": login,
        "id": number,
        "node_id": node_id("U", number),
        "avatar_url": f"{call.base}/avatars/{login}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{call.base}/{login}",
        **{name: url + tail for name, tail in _USER_URLS.items()},
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def maybe_user(call: Call, login: str | None) -> Json | None:
    return user(call, login) if login else None


def public_user(call: Call, login: str) -> Json:
    since, account = stamp(call.hub.state.created_at), call.hub.state.accounts[login]
    zeros = ("public_repos", "public_gists", "followers", "following")
    return {
        **user(call, login),
        **dict.fromkeys(("company", "blog", "location", "hireable", "bio", "twitter_username")),
        **dict.fromkeys(zeros, 0),
        "name": account.name,
        "email": account.email,
        "created_at": since,
        "updated_at": since,
    }


def authenticated_user(call: Call) -> Json:
    return {
        **public_user(call, call.login),
        **dict.fromkeys(("private_gists", "disk_usage", "owned_private_repos", "collaborators"), 0),
        "user_view_type": "private",
        "total_private_repos": len(call.hub.state.repositories),
        "two_factor_authentication": True,
    }


def permissions(role: Role) -> dict[str, bool]:
    names: dict[str, Role] = {
        "admin": "admin",
        "maintain": "maintain",
        "push": "write",
        "triage": "triage",
        "pull": "read",
    }
    return {name: ROLES.index(role) >= ROLES.index(least) for name, least in names.items()}


def legacy_permission(role: Role) -> str:
    """The four levels of old: maintain reads as write, triage as read."""
    return {"maintain": "write", "triage": "read"}.get(role, role)


def collaborator_permission(call: Call, repository: Repository, login: str) -> Json:
    role = call.hub.role(repository, login)
    return {
        "permission": legacy_permission(role),
        "role_name": role,
        "user": {**user(call, login), "role_name": role, "permissions": permissions(role)},
    }


def association(call: Call, login: str) -> str:
    """MEMBER of the organisation when in one of its teams, else COLLABORATOR or NONE: not a permission."""
    if any(login in team.members for team in call.hub.state.teams):
        return "MEMBER"
    known = call.repository.collaborators.get(login, "none") != "none"
    return "COLLABORATOR" if known else "NONE"


def team(call: Call, record: Team) -> Json:
    organization = call.hub.state.organization
    url = f"{call.base}/orgs/{organization}/teams/{record.slug}"
    return {
        "id": record.id,
        "node_id": node_id("T", record.id),
        "name": record.name,
        "slug": record.slug,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "push",
        "url": url,
        "html_url": f"{call.base}/orgs/{organization}/teams/{record.slug}",
        "members_url": url + "/members{/member}",
        "repositories_url": url + "/repos",
        "type": "organization",
        "organization_id": 1,
        "parent": None,
    }


def app(call: Call, *, slug: str = APP_SLUG) -> Json:
    since = stamp(call.hub.state.created_at)
    return {
        "id": APP_ID,
        "slug": slug,
        "node_id": node_id("A", APP_ID),
        "client_id": APP_CLIENT_ID,
        "owner": user(call, call.hub.state.organization),
        "name": slug,
        "description": None,
        "external_url": call.base,
        "html_url": f"{call.base}/apps/{slug}",
        "created_at": since,
        "updated_at": since,
        "permissions": call.hub.state.app.permissions,
        "events": ["pull_request", "pull_request_review"],
        "installations_count": 1,
    }


def installation(call: Call) -> Json:
    organization = call.hub.state.organization
    since = stamp(call.hub.state.created_at)
    return {
        "id": INSTALLATION_ID,
        "account": user(call, organization),
        "repository_selection": "all",
        "access_tokens_url": f"{call.base}/app/installations/{INSTALLATION_ID}/access_tokens",
        "repositories_url": f"{call.base}/installation/repositories",
        "html_url": f"{call.base}/organizations/{organization}/settings/installations/{INSTALLATION_ID}",
        "app_id": APP_ID,
        "app_slug": APP_SLUG,
        "target_id": 1,
        "target_type": "Organization",
        "permissions": call.hub.state.app.permissions,
        "events": ["pull_request", "pull_request_review"],
        "created_at": since,
        "updated_at": since,
        "single_file_name": None,
        "suspended_by": user(call, organization) if call.hub.state.app.suspended else None,
        "suspended_at": since if call.hub.state.app.suspended else None,
    }
