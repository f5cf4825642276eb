"""Where a bundle target is, and who deploys to it: read from the environment at the moment of use.

    DABFLOW_TARGET_<NAME>_HOST                  the workspace, as https://...
    DABFLOW_TARGET_<NAME>_CLIENT_ID             application id of the service principal that deploys
    DABFLOW_TARGET_<NAME>_CLIENT_SECRET         its OAuth secret, or instead of that:
    DABFLOW_TARGET_<NAME>_OIDC_TOKEN_FILEPATH   a file with a token that the workspace federates

<NAME> is the bundle target's name in capitals, with `_` for `-`. A `Target` holds no secret, so it may become
a parameter or a result; credentials are read again for each child process and each client that needs them.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tasks.rules.errors import NeedsHuman

_NAME = re.compile(r"[A-Za-z0-9][\w-]*")
_STANDARD_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Target:
    """One bundle target: its name in databricks.yml, the workspace, and the deployer's application id."""

    name: str
    host: str
    client_id: str


def target_of(name: str) -> Target:
    """Say where the bundle target `name` is and who deploys to it.

    Raises:
        NeedsHuman: a variable is missing, or the host would get the secret unencrypted.
    """
    if not _NAME.fullmatch(name):
        raise NeedsHuman(
            f"{name!r} cannot be the name of a target",
            "use letters, digits, `-` and `_` for names of targets",
        )
    _insist(name, "HOST", "CLIENT_ID")
    return Target(name, _safe_host(name, _read(name, "HOST")), _read(name, "CLIENT_ID"))


def credentials_of(target: Target) -> dict[str, str]:
    """The variables with which `databricks` signs in to this target, and to no other.

    The way of signing in is always named, so that nothing else lying around is tried.

    Raises:
        NeedsHuman: neither a secret nor a token file is there.

    Source: Databricks, "Unified authentication": DATABRICKS_AUTH_TYPE oauth-m2m, file-oidc.
    """
    signing_in = {"DATABRICKS_HOST": target.host, "DATABRICKS_CLIENT_ID": target.client_id}
    token_file = _read(target.name, "OIDC_TOKEN_FILEPATH")
    if token_file:
        return signing_in | {
            "DATABRICKS_AUTH_TYPE": "file-oidc",
            "DATABRICKS_OIDC_TOKEN_FILEPATH": str(_readable(target, Path(token_file))),
        }
    _insist(target.name, "CLIENT_SECRET")
    return signing_in | {
        "DATABRICKS_AUTH_TYPE": "oauth-m2m",
        "DATABRICKS_CLIENT_SECRET": _read(target.name, "CLIENT_SECRET"),
    }


def secrets_in(credentials: Mapping[str, str]) -> list[str]:
    """The values among `credentials_of` that nobody may read, the token in the token file included."""
    found = [credentials.get("DATABRICKS_CLIENT_SECRET", "")]
    token_file = credentials.get("DATABRICKS_OIDC_TOKEN_FILEPATH")
    if token_file:
        found.append(Path(token_file).read_text(encoding="utf-8").strip())
    return [secret for secret in found if secret]


def same_host(one: str, other: str) -> bool:
    """Whether both name the same workspace; case, a trailing slash and a standard port do not matter."""
    return normal_host(one) == normal_host(other)


def normal_host(host: str) -> str:
    """The address in one spelling: scheme, lower-case name, port only where it is not the usual one."""
    parts = urlsplit(host.strip() if "://" in host else f"https://{host.strip()}")
    scheme, name = parts.scheme.lower(), (parts.hostname or "").rstrip(".")
    port = parts.port if parts.port not in {None, _STANDARD_PORTS.get(scheme)} else None
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}" + (f":{port}" if port else "")


def variable(name: str, what: str) -> str:
    """The variable that holds `what` (HOST, CLIENT_ID, ...) of the target `name`."""
    return f"DABFLOW_TARGET_{name.upper().replace('-', '_')}_{what}"


def _read(name: str, what: str) -> str:
    return os.environ.get(variable(name, what), "").strip()


def _insist(name: str, *whats: str) -> None:
    missing = " and ".join(variable(name, what) for what in whats if not _read(name, what))
    if missing:
        instead = f" (or {variable(name, 'OIDC_TOKEN_FILEPATH')})" if "CLIENT_SECRET" in missing else ""
        raise NeedsHuman(
            f"this worker cannot reach the target {name}: {missing} not set",
            f"set {missing}{instead} where the worker is started",
        )


def _safe_host(name: str, host: str) -> str:
    try:
        normal = normal_host(host)
    except ValueError as error:
        raise NeedsHuman(
            f"{variable(name, 'HOST')} is not an address: {error}",
            "set it to https:// and the workspace's name",
        ) from error
    parts = urlsplit(normal)
    if not parts.hostname or (parts.scheme != "https" and not _loopback(parts.hostname)):
        raise NeedsHuman(
            f"{normal} would get the credentials of {name} unencrypted",
            f"set {variable(name, 'HOST')} to the https:// address of the workspace",
        )
    return normal


def _loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _readable(target: Target, token_file: Path) -> Path:
    if not os.access(token_file, os.R_OK):
        raise NeedsHuman(
            f"the token file of {target.name} cannot be read: {token_file}",
            f"let {variable(target.name, 'OIDC_TOKEN_FILEPATH')} name a file that is minted before this step",
        )
    return token_file.resolve()
