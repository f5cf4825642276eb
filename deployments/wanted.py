"""What a connection is to be: what is stored or set already, what the options say, and what is asked for then."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deployments import desk
from tasks.systems.blocks import DatabricksTarget, GitHubConnection, values_of
from tasks.systems.targets import variable

_APP = ("app_id", "installation_id", "private_key", "private_key_file")
_WAYS = {
    "oidc_token_command": "OIDC_TOKEN_COMMAND",
    "oidc_token_file": "OIDC_TOKEN_FILEPATH",
    "client_secret": "CLIENT_SECRET",
}


@dataclass(frozen=True)
class GitHubOptions:
    """What the options say of GitHub; secrets come from files only."""

    app_id: str = ""
    private_key_file: str = ""
    keep_key_in_file: bool = False
    installation_id: str = ""
    token_file: str = ""
    api_url: str = ""
    url: str = ""


@dataclass(frozen=True)
class TargetOptions:
    """What the options say of a target; a secret comes from a file only."""

    host: str = ""
    client_id: str = ""
    client_secret_file: str = ""
    oidc_token_file: str = ""
    oidc_token_command: str = ""


def github_values(stored: GitHubConnection | None, options: GitHubOptions) -> dict[str, str]:
    """The values of the block; somebody is asked for the App or the token only where none is known."""
    known = values_of(stored) if stored is not None else _github_in_environment()
    values = known | _said(options)
    if options.token_file:
        values |= dict.fromkeys(_APP, "")
    elif values.get("app_id"):
        values["token"] = ""
    if not (values.get("app_id") or values.get("token")):
        values["app_id"] = desk.text(
            "the App's id (empty: a token is used)", option="--app-id or --token-file"
        )
    if not values.get("app_id"):
        values["token"] = values.get("token") or desk.secret("the token", option="--token-file")
    elif not (values.get("private_key") or values.get("private_key_file")):
        file = desk.text("the file with the App's private key", option="--private-key-file")
        values["private_key"] = desk.content(file)
    return values


def target_values(
    name: str, stored: DatabricksTarget | None, options: TargetOptions, *, declared_host: Callable[[], str]
) -> dict[str, str]:
    """The values of the block; somebody is asked only for what is neither stored, set nor said.

    Args:
        name: of the target.
        stored: the block as it is.
        options: what the command was given.
        declared_host: gives what databricks.yml says, or "".
    """
    known = values_of(stored) if stored is not None else _target_in_environment(name)
    said = {
        "host": options.host,
        "client_id": options.client_id,
        "oidc_token_file": options.oidc_token_file,
        "oidc_token_command": options.oidc_token_command,
        "client_secret": desk.content(options.client_secret_file) if options.client_secret_file else "",
    }
    values = _over(known, said)
    if any(said[way] for way in _WAYS):
        values |= {way: said[way] for way in _WAYS}
    ask = f"of the target {name}"
    values["host"] = (
        values.get("host")
        or declared_host()
        or desk.text(f"the workspace {ask}, https://...", option="--host")
    )
    values["client_id"] = values.get("client_id") or desk.text(
        f"the application id of the service principal {ask}", option="--client-id"
    )
    if not any(values.get(way) for way in _WAYS):
        values["client_secret"] = desk.secret(
            f"the OAuth secret {ask}", option="--client-secret-file or --oidc-token-command"
        )
    return values


def _said(options: GitHubOptions) -> dict[str, str]:
    key = options.private_key_file
    found = {
        "app_id": options.app_id,
        "installation_id": options.installation_id,
        "api_url": options.api_url,
        "url": options.url,
        "token": desk.content(options.token_file) if options.token_file else "",
        "private_key": desk.content(key) if key and not options.keep_key_in_file else "",
        "private_key_file": key if options.keep_key_in_file else "",
    }
    said = {name: value for name, value in found.items() if value}
    return said | ({name: found[name] for name in ("private_key", "private_key_file")} if key else {})


def _over(known: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
    return dict(known) | {name: value for name, value in said.items() if value}


def _github_in_environment() -> dict[str, str]:
    names = GitHubConnection.model_fields
    found = {name: os.environ.get(f"DABFLOW_GITHUB_{name.upper()}", "").strip() for name in names}
    return {name: value for name, value in found.items() if value}


def _target_in_environment(name: str) -> dict[str, str]:
    whats = {"host": "HOST", "client_id": "CLIENT_ID", **_WAYS}
    found = {field: os.environ.get(variable(name, what), "").strip() for field, what in whats.items()}
    return {field: value for field, value in found.items() if value}
