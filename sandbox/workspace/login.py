"""The ways in: discovery, OAuth machine-to-machine, tokens of others in exchange, who-am-I.

Imitates: "Authorize service principal access with OAuth (M2M)", "Enable workload identity federation" and SCIM
`/Me` of the documentation.
"""

import base64
import binascii
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.workspace.call import ApiError, Call, route
from sandbox.workspace.people import NOBODY, People, Person

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ORG_HEADER = "X-Databricks-Org-Id"


class Login:
    def __init__(self, people: People, workspace_id: str) -> None:
        self.people = people
        self.workspace_id = workspace_id

    def identify(self, request: Request) -> Person:
        """Who sends the request, by its bearer token.

        Raises:
            ApiError: 401, there is no token or it is not (or no longer) good.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        person = self.people.behind(token.strip()) if scheme.lower() == "bearer" else None
        if person is None:
            what = "Token is invalid" if token else "Credential was not sent or was of an unsupported type"
            raise ApiError(401, "UNAUTHENTICATED", what)
        record = request.scope.get("sandbox")
        if record is not None:
            record.caller = person.name
        return person

    def routes(self) -> list[Route]:
        return [
            route("GET", "/.well-known/databricks-config", self.config, lambda _: NOBODY),
            route("GET", "/oidc/.well-known/oauth-authorization-server", self.endpoints, lambda _: NOBODY),
            route("POST", "/oidc/v1/token", self.token, lambda _: NOBODY),
            route("GET", "/api/2.0/preview/scim/v2/Me", self.me, self.identify),
        ]

    def config(self, call: Call) -> Response:
        return JSONResponse({"oidc_endpoint": f"{call.base_url}/oidc", "workspace_id": self.workspace_id})

    def endpoints(self, call: Call) -> Response:
        base = f"{call.base_url}/oidc/v1"
        return JSONResponse(
            {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}
        )

    def token(self, call: Call) -> Response:
        form = {name: values[0] for name, values in parse_qs(call.raw.decode("latin-1")).items()}
        if form.get("grant_type") == _EXCHANGE:
            client_id = form.get("client_id", "")
            token = self.people.exchange(client_id, form.get("subject_token", ""))
        elif form.get("grant_type") == "client_credentials":
            client_id, client_secret = _basic(call.request.headers.get("authorization", ""))
            client_id = client_id or form.get("client_id", "")
            token = self.people.log_in(client_id, client_secret or form.get("client_secret", ""))
        else:
            what = "only client_credentials and token-exchange are supported"
            return _refused(400, "unsupported_grant_type", what)
        if token is None:
            return _refused(401, "invalid_client", "Client authentication failed")
        record = call.request.scope.get("sandbox")
        if record is not None:
            record.caller = client_id
        lifetime = self.people.token_seconds
        return JSONResponse(
            {"access_token": token, "expires_in": lifetime, "scope": "all-apis", "token_type": "Bearer"}
        )

    def me(self, call: Call) -> Response:
        person = call.person
        groups = ["admins", "users"] if person.is_admin else ["users"]
        me = {
            "id": person.id,
            "userName": person.name,
            "displayName": person.display,
            "active": True,
            "groups": [{"display": group, "type": "direct"} for group in groups],
        }
        return JSONResponse(me, headers={ORG_HEADER: self.workspace_id})


def _basic(header: str) -> tuple[str, str]:
    """User and password of a Basic authorization header; empty texts when there is none."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(user), unquote(password)


def _refused(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)
