"""Finds out who deploys, and where: credentials from the environment, and what the host says of itself.

    PAT        DATABRICKS_TOKEN
    OAuth M2M  DATABRICKS_CLIENT_ID + DATABRICKS_CLIENT_SECRET
    file-oidc  DATABRICKS_CLIENT_ID + DATABRICKS_OIDC_TOKEN_FILEPATH, only where DATABRICKS_AUTH_TYPE says so

What the host and the user are is kept under HOME for an hour and half an hour, so a token that was revoked
still "knows" its user: the real command does that too.
"""

import binascii
import contextlib
import json
import os
import re
import urllib.parse
from pathlib import Path

from sandbox.databricks_cli import surroundings
from sandbox.databricks_cli.client import ApiError, Client, NoAnswer
from sandbox.databricks_cli.diagnostics import Failed, Log, Refused
from sandbox.databricks_cli.files_cache import Cache
from sandbox.databricks_cli.values import Json

_HOST_SECONDS = 3600.0
_USER_SECONDS = 1800.0
_LOG_INS = 3  # so often the real command walks through all ways to log in before it gives up

_ENVIRONMENT = {
    "host": "DATABRICKS_HOST",
    "token": "DATABRICKS_TOKEN",
    "client_id": "DATABRICKS_CLIENT_ID",
    "client_secret": "DATABRICKS_CLIENT_SECRET",
}
_SECRETS = {"token", "client_secret"}
_UUID_LENGTHS = [8, 4, 4, 4, 12]

_HELP = "https://docs.databricks.com/en/dev-tools/auth.html#databricks-client-unified-authentication"


def connect(workspace: dict[str, Json], command: str, log: Log, *, problem: str) -> Client:
    """Return a client that can authorize itself. `workspace.host` beats DATABRICKS_HOST, without a word.

    Args:
        workspace: the `workspace` block of the configuration; empty outside a bundle.
        command: what the User-Agent names, such as bundle_plan.
        log: where warnings go.
        problem: what the error says failed when credentials contradict each other.

    Raises:
        Failed: two methods at once.
        Refused: an authentication that the stand-in does not have.
    """
    auth_type = workspace.get("auth_type") or os.environ.get("DATABRICKS_AUTH_TYPE", "")
    if auth_type not in {"", "pat", "oauth-m2m", "file-oidc"}:
        raise Refused(f"authentication by `{auth_type}`")
    found = {key: os.environ[name] for key, name in _ENVIRONMENT.items() if os.environ.get(name)}
    found |= {key: str(workspace[key]) for key in ("host", "client_id") if workspace.get(key)}
    if found.get("host"):
        found["host"] = _canonical(found["host"])
    if not auth_type and "token" in found and "client_secret" in found:
        raise Failed(
            f"{problem}validate: more than one authorization method configured: oauth and pat."
            f" {_described(found, None)}"
        )
    client = Client(found.get("host", ""), command)
    client.authorize = _Authorizer(client, found, auth_type, log).header
    return client


def _canonical(host: str) -> str:
    host = host if "://" in host else f"https://{host}"
    parts = urllib.parse.urlsplit(host)
    return f"{parts.scheme}://{parts.netloc}"


def _described(found: dict[str, str], workspace_id: str | None) -> str:
    """The end of every error about credentials: what was set, and by which variables."""
    path = os.environ.get("DATABRICKS_CLI_PATH", "")
    shown = [f"{k}={'***' if k in _SECRETS else v}" for k, v in found.items()]
    if workspace_id and found.get("host"):
        shown.insert(1, f"workspace_id={workspace_id}")
    variables = [name for key, name in _ENVIRONMENT.items() if os.environ.get(name)]
    if path:
        shown.append(f"databricks_cli_path={path}")
        variables.append("DATABRICKS_CLI_PATH")
    text = f"Config: {', '.join(shown)}." if shown else ""
    return f"{text} Env: {', '.join(variables)}".strip() if variables else text.removesuffix(".")


class _Authorizer:
    """Gives the Authorization header; asks the host for a token the first time it is needed."""

    def __init__(self, client: Client, found: dict[str, str], auth_type: str, log: Log) -> None:
        self.client = client
        self.found = found
        self.auth_type = auth_type
        self.log = log
        self.value = ""

    def header(self) -> str:
        if not self.value:
            self.value = self.make()
        return self.value

    def make(self) -> str:
        host = self.found.get("host", "")
        facts = host_facts(self.client, self.log) if host else {}
        if self.auth_type == "file-oidc":
            return self.federated(facts)
        if host and "token" in self.found and self.auth_type != "oauth-m2m":
            self.client.auth_word = "pat"
            return f"Bearer {self.found['token']}"
        machine = "client_secret" in self.found and "client_id" in self.found and self.auth_type != "pat"
        for _ in range(_LOG_INS if host else 0):
            token = self.machine_token(facts) if machine else ""
            if token:
                self.client.auth_word = "oauth-m2m"
                return f"Bearer {token}"
            self.ask_for_other_ways(facts)
        surroundings.refuse_profiles()
        raise Failed(
            "failed during request visitor: default auth: cannot configure default credentials, please check"
            f" {_HELP} to configure credentials for your preferred authentication method."
            f" {_described(self.found, facts.get('workspace_id'))}"
        )

    def ask_for_other_ways(self, facts: dict[str, Json]) -> None:
        """Ask where three other kinds of OIDC would log in, as the real command does before it gives up."""
        quiet = _without_credentials(self.client)
        for _ in range(3):
            with contextlib.suppress(ApiError, NoAnswer, ValueError):
                quiet.json("GET", self.discovery(facts))

    def discovery(self, facts: dict[str, Json]) -> str:
        issuer = facts.get("oidc_endpoint") or f"{self.client.host}/oidc"
        return f"{_path(issuer)}/.well-known/oauth-authorization-server"

    def federated(self, facts: dict[str, Json]) -> str:
        """A token in exchange for the one in the file.

        Raises:
            Failed: there is no such file, or the host takes nothing for it.
        """
        file = os.environ.get("DATABRICKS_OIDC_TOKEN_FILEPATH", "")
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Failed(f"default auth: file-oidc: cannot read {file}") from error
        form = {
            "client_id": self.found.get("client_id", ""),
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "scope": "all-apis",
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        }
        given = self.token_for(facts, form)
        if not given:
            raise Failed(f"default auth: file-oidc: {self.client.host} takes nothing for the token in {file}")
        self.client.auth_word = "file-oidc"
        return f"Bearer {given}"

    def machine_token(self, facts: dict[str, Json]) -> str:
        """A token for the client id and secret, or nothing: the real command does not show the refusal."""
        secret = f"{self.found['client_id']}:{self.found['client_secret']}".encode()
        basic = "Basic " + binascii.b2a_base64(secret, newline=False).decode()
        return self.token_for(facts, {"grant_type": "client_credentials", "scope": "all-apis"}, basic)

    def token_for(self, facts: dict[str, Json], form: dict[str, str], basic: str = "") -> str:
        quiet = _without_credentials(self.client)
        try:
            known = quiet.json("GET", self.discovery(facts))
            if basic:
                quiet.authorize = lambda: basic
            answer = quiet.send(
                "POST",
                _path(known["token_endpoint"]),
                body=urllib.parse.urlencode(form).encode(),
                content_type="application/x-www-form-urlencoded",
            )
            return str(json.loads(answer.body).get("access_token") or "")
        except (ApiError, NoAnswer, KeyError, ValueError):
            return ""


def _without_credentials(client: Client) -> Client:
    """A client for the same host that says less about itself, for questions before the log-in."""
    quiet = Client(client.host, "")
    quiet.agent_words = []
    return quiet


def _path(url: str) -> str:
    return urllib.parse.urlsplit(url).path


def host_facts(client: Client, log: Log) -> dict[str, Json]:
    """What the host says of itself: workspace id and OIDC endpoint; nothing when it does not say."""
    cache = Cache("host-metadata", _HOST_SECONDS)
    known = cache.get(client.host)
    if isinstance(known, dict):
        return known
    try:
        facts = _without_credentials(client).json("GET", "/.well-known/databricks-config")
    except (ApiError, NoAnswer, ValueError):
        log.line(f"Warn: [hostmetadata] failed to fetch host metadata for {client.host}, will skip for 1m0s")
        return {}
    facts = facts if isinstance(facts, dict) else {}
    cache.put(client.host, facts)
    return facts


def who_am_i(client: Client, *, cached: bool) -> dict[str, Json]:
    """Return the user or service principal behind the credentials, from the cache if `cached` allows.

    Raises:
        ApiError: the workspace refused.
        Failed: there are no usable credentials.
    """
    cache = Cache("user", _USER_SECONDS)
    assert client.authorize is not None
    key = json.dumps([client.host, client.authorize()]) if cached else ""
    known = cache.get(key) if cached else None
    if isinstance(known, dict):
        return known
    answer = client.json("GET", "/api/2.0/preview/scim/v2/Me")
    me = {k: v for k, v in answer.items() if k in _USER_FIELDS} if isinstance(answer, dict) else {}
    if cached:
        cache.put(key, me)
    return me


_USER_FIELDS = {
    "active", "displayName", "emails", "entitlements", "externalId", "groups", "id", "name", "roles", "schemas",
    "userName",
}  # fmt: skip


def is_service_principal(name: str) -> bool:
    parts = name.lower().split("-")
    return [len(part) for part in parts] == _UUID_LENGTHS and set("".join(parts)) <= set("0123456789abcdef")


def current_user(me: dict[str, Json]) -> dict[str, Json]:
    """What the configuration knows of the identity: its fields and two short names for prefixes."""
    name = str(me.get("userName") or "")
    if is_service_principal(name) and me.get("displayName"):
        name = str(me["displayName"])
    short = re.sub(r"[\W_]+", "_", name.partition("@")[0].lower()).strip("_")
    friendly = re.sub(r"[^a-z0-9]", "-", short)
    return {**me, "short_name": short, "domain_friendly_name": friendly}
