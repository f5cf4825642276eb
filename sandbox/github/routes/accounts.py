"""Who am I, who may what, and the App."""

import secrets
from datetime import timedelta

from sandbox.github.exchange import Answer, Call, Refused, not_found, route
from sandbox.github.hub import digest
from sandbox.github.records import InstallationToken, Team
from sandbox.github.render import people


@route("GET", "/user")
def get_user(call: Call) -> Answer:
    if call.installation is not None:
        raise Refused(403, "Resource not accessible by integration")
    return Answer(people.authenticated_user(call))


@route("GET", "/users/{username}")
def get_user_by_name(call: Call) -> Answer:
    if call.parts["username"] not in call.hub.state.accounts:
        raise not_found()
    return Answer(people.public_user(call, call.parts["username"]))


@route("GET", "/rate_limit")
def get_rate_limit(call: Call) -> Answer:
    reset = int(call.hub.now().timestamp()) + 3600
    plenty = {"limit": 5000, "used": 0, "remaining": 5000, "reset": reset}
    return Answer({"resources": {"core": plenty, "search": plenty}, "rate": plenty})


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission")
def get_permission(call: Call) -> Answer:
    login = _login(call)
    if login is None:
        raise Refused(404, f"{call.parts['username']} is not a user")
    return Answer(people.collaborator_permission(call, call.repository, login))


def _login(call: Call) -> str | None:
    """The account in the path, as it is written itself; logins know no capitals."""
    wanted = call.parts["username"].lower()
    return next((login for login in call.hub.state.accounts if login.lower() == wanted), None)


@route("GET", "/orgs/{org}/teams/{team_slug}/members", "members=read")
def list_team_members(call: Call) -> Answer:
    """Those who were only invited are not among them."""
    team = _team(call)
    active = [login for login in team.members if login not in team.invited]
    return Answer(call.paged(active, lambda login: people.user(call, login)))


@route("GET", "/orgs/{org}/teams/{team_slug}/memberships/{username}", "members=read")
def get_team_membership(call: Call) -> Answer:
    team, login = _team(call), _login(call)
    if login not in team.members:
        raise not_found()
    state = "pending" if login in team.invited else "active"
    return Answer({"url": f"{call.base}{call.path}", "role": "member", "state": state})


def _team(call: Call) -> Team:
    """The team in the path, for those who may see it: the App with that permission, and who is in a team.

    Raises:
        Refused: 404 when it is not there or not to be seen, which GitHub does not tell apart; 403 for the App.
    """
    if call.installation and call.installation.permissions.get("members", "none") == "none":
        header = {"x-accepted-github-permissions": "members=read"}
        raise Refused(403, "Resource not accessible by integration", headers=header)
    insider = call.caller.type == "Bot" or any(call.login in t.members for t in call.hub.state.teams)
    for team in call.hub.state.teams:
        if (call.parts["org"], call.parts["team_slug"]) == (
            call.hub.state.organization,
            team.slug,
        ) and insider:
            return team
    raise not_found()


@route("GET", "/app", "app")
def get_app(call: Call) -> Answer:
    return Answer(people.app(call))


@route("GET", "/repos/{owner}/{repo}/installation", "app")
def get_installation(call: Call) -> Answer:
    installed_on = call.hub.state.app.installed_on
    if installed_on is not None and call.repository.slug not in installed_on:
        raise not_found()
    return Answer(people.installation(call) | {"account": people.user(call, call.repository.owner)})


@route("POST", "/app/installations/{installation_id:int}/access_tokens", "app")
def create_access_token(call: Call) -> Answer:
    """A token for an hour, with all permissions of the App or those asked for."""
    app = call.hub.state.app
    if call.number("installation_id") != people.INSTALLATION_ID:
        raise not_found()
    if app.suspended:
        raise Refused(403, "This installation has been suspended")
    asked = call.sent.get("permissions") or app.permissions
    if any(not _granted(name, level, app.permissions) for name, level in asked.items()):
        raise Refused(422, "The permissions requested are not granted to this installation.")
    token = f"ghs_{secrets.token_hex(20)}"
    expires = call.hub.now() + timedelta(seconds=app.token_seconds)
    kept = InstallationToken(
        digest=digest(token), login=people.APP_LOGIN, permissions=asked, expires_at=expires
    )
    call.hub.state.installation_tokens.append(kept)
    answer = {
        "token": token,
        "expires_at": people.stamp(expires),
        "permissions": asked,
        "repository_selection": "all" if app.installed_on is None else "selected",
    }
    return Answer(answer, 201)


def _granted(name: str, level: str, permissions: dict[str, str]) -> bool:
    levels = ("read", "write")
    return name in permissions and level in levels and levels.index(level) <= levels.index(permissions[name])
