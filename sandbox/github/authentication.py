"""Who is calling, and may they."""

import hmac

import jwt

from sandbox.github.app_key import public_key
from sandbox.github.exchange import Call, Refused, Route, not_found
from sandbox.github.hub import Hub, digest
from sandbox.github.records import ROLES, Account, InstallationToken
from sandbox.github.render.people import APP_CLIENT_ID, APP_ID

_LONGEST_SECONDS = 600 + 60  # between now and the end of a signature; a minute of it for clocks that differ
_ENDED = "'Expiration time' claim ('exp') must be a numeric value representing the future time"
LEVELS = ("none", "read", "write", "admin")


def account_of_token(hub: Hub, token: str) -> tuple[Account | None, InstallationToken | None]:
    """The account a token stands for, and for a token of the App what it is limited to."""
    for account in hub.state.accounts.values():
        if token and hmac.compare_digest(account.token.encode(), token.encode()):
            return account, None
    for kept in hub.state.installation_tokens:
        if kept.digest == digest(token) and kept.expires_at > hub.now():
            return hub.state.accounts[kept.login], kept
    return None, None


def authenticate(call: Call, route: Route) -> None:
    """Fill in who calls.

    Raises:
        Refused: 401, there is no token or nobody knows it.
    """
    kind, _, token = call.headers.get("authorization", "").partition(" ")
    if not token:
        raise Refused(401, "Requires authentication")
    if route.needs == "app":
        _authenticate_app(call, token)
        return
    if kind.lower() not in {"token", "bearer"}:
        raise Refused(401, "Bad credentials")
    call.account, call.installation = account_of_token(call.hub, token.strip())
    if call.account is None:
        raise Refused(401, "Bad credentials")


def _authenticate_app(call: Call, token: str) -> None:
    """The App signs its requests itself. Source: docs.github.com, "Generating a JSON Web Token for a GitHub App"."""
    now = call.hub.now()
    # By this world's clock, which may be another than the machine's; so PyJWT is not to look at the times.
    try:
        claims = jwt.decode(
            token,
            public_key(call.hub),
            algorithms=["RS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
        )
        issued, ends = int(claims["iat"]), int(claims["exp"])
    except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
        raise Refused(401, "A JSON web token could not be decoded") from error
    if str(claims.get("iss")) not in {str(APP_ID), APP_CLIENT_ID}:
        raise Refused(404, "Integration not found")
    if issued > now.timestamp():
        what = (
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        )
        raise Refused(401, what)
    if not now.timestamp() < ends <= now.timestamp() + _LONGEST_SECONDS:
        what = (
            "'Expiration time' claim ('exp') is too far in the future" if ends > now.timestamp() else _ENDED
        )
        raise Refused(401, what)


def authorize(call: Call, route: Route) -> None:
    """Say who may not.

    Raises:
        Refused: 404 for a repository the caller may not even see, 403 with the missing permission otherwise.
    """
    if route.needs == "app" or "owner" not in call.parts:
        return
    role = call.hub.role(call.repository, call.login)
    if role == "none":
        raise not_found()
    name, _, level = route.needs.partition("=")
    granted = level if call.installation is None else call.installation.permissions.get(name, "none")
    if name == "metadata":
        granted = level
    if ROLES.index(role) < ROLES.index(route.role) or LEVELS.index(granted) < LEVELS.index(level):
        who = "personal access token" if call.installation is None else "integration"
        header = {"x-accepted-github-permissions": route.needs}
        raise Refused(403, f"Resource not accessible by {who}", headers=header)
