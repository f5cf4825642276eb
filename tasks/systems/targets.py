"""Where a bundle target is, and who deploys to it: read at the moment of use.

    DABFLOW_TARGET_<NAME>_HOST                  the workspace, as https://...
    DABFLOW_TARGET_<NAME>_CLIENT_ID             application id of the service principal that deploys
    DABFLOW_TARGET_<NAME>_CLIENT_SECRET         its OAuth secret, or instead of that:
    DABFLOW_TARGET_<NAME>_OIDC_TOKEN_FILEPATH   a file with a token that the workspace federates, or:
    DABFLOW_TARGET_<NAME>_OIDC_TOKEN_COMMAND    a command that prints such a token, run when it is wanted

<NAME> is the bundle target's name in capitals, with `_` for `-`. Where the environment holds no whole connection
(host, client id and one way to sign in), the Prefect block `databricks-target/<name>` is read; all of a connection
comes from the same place. Of several ways to sign in the command goes first, then the file.

A `Target` holds no secret, so it may become a parameter or a result; how to sign in is read again for each child
process and each client that needs it.
"""

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tasks.rules.errors import NeedsHuman
from tasks.systems import one_step

_NAME = re.compile(r"[A-Za-z0-9][\w-]*")
_STANDARD_PORTS = {"https": 443, "http": 80}
_WAYS = ("OIDC_TOKEN_COMMAND", "OIDC_TOKEN_FILEPATH", "CLIENT_SECRET")
# What each part is called in a block.
_FIELDS = {
    "HOST": "host",
    "CLIENT_ID": "client_id",
    "CLIENT_SECRET": "client_secret",
    "OIDC_TOKEN_FILEPATH": "oidc_token_file",
    "OIDC_TOKEN_COMMAND": "oidc_token_command",
}


@dataclass(frozen=True)
class Target:
    """One bundle target: its name in databricks.yml, the workspace, and the deployer's application id."""

    name: str
    host: str
    client_id: str


@dataclass(frozen=True)
class TargetAccess:
    """A target with one way to sign in: a command or a file that gives a token, or a secret."""

    target: Target
    source: str
    token_command: str = ""
    token_file: str = ""
    client_secret: str = field(default="", repr=False)


def target_of(name: str) -> Target:
    """Say where the bundle target `name` is and who deploys to it.

    Raises:
        NeedsHuman: there is no whole connection, or the host would get the secret unencrypted.
        TryAgain: the Prefect server did not answer.
    """
    return target_access(name).target


def target_access(name: str) -> TargetAccess:
    """The same, with how to sign in."""
    if not _NAME.fullmatch(name):
        raise NeedsHuman(
            f"{name!r} cannot be the name of a target",
            "use letters, digits, `-` and `_` for names of targets",
        )
    return one_step.once(target_key(name), lambda: target_from_environment(name) or _from_block(name))


def target_key(name: str) -> tuple[str, str]:
    """As what a step has the connection to a target at hand."""
    return "target", name


def access_of(target: Target) -> TargetAccess:
    """How to sign in to this very target now.

    Raises:
        NeedsHuman: the connection is about another workspace or deployer by now.
    """
    access = target_access(target.name)
    if access.target != target:
        raise NeedsHuman(
            f"{target.name} was {target.host} with {target.client_id}, and {access.source} now says"
            f" {access.target.host} with {access.target.client_id}",
            "correct what is wrong, then retry",
        )
    return access


def target_from_environment(name: str) -> TargetAccess | None:
    """The connection that the environment holds; None where it holds none, or a part of one."""
    if missing_in_environment(name):
        return None
    way = next(way for way in _WAYS if _read(name, way))
    return _access(name, "the environment", {what: _read(name, what) for what in ("HOST", "CLIENT_ID", way)})


def missing_in_environment(name: str) -> list[str]:
    """The variables that are not set of those that a connection needs."""
    missing = [variable(name, what) for what in ("HOST", "CLIENT_ID") if not _read(name, what)]
    if not any(_read(name, way) for way in _WAYS):
        ways = " or ".join(variable(name, way) for way in reversed(_WAYS))
        missing.append(f"one of {ways}")
    return missing


def target_of_values(name: str, source: str, values: dict[str, str]) -> TargetAccess:
    """The connection that these values make; they are called as in a block.

    Raises:
        NeedsHuman: there is no way to sign in among them, or the host is none.
    """
    found = {what: values.get(named, "") for what, named in _FIELDS.items()}
    way = next((way for way in _WAYS if found[way]), None)
    if way is None or not found["HOST"] or not found["CLIENT_ID"]:
        raise NeedsHuman(
            f"{source} lacks the host, the client id or a way to sign in to {name}",
            f"fill it in: dabflow connect target {name}",
        )
    return _access(name, source, {what: found[what] for what in ("HOST", "CLIENT_ID", way)})


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


def place_of(name: str, what: str) -> str:
    """Where `what` (HOST, CLIENT_ID, ...) of the target `name` is read, for a sentence."""
    if not missing_in_environment(name):
        return variable(name, what)
    return f"{_FIELDS[what]} in the block {_block_of(name)}"


def _access(name: str, source: str, values: dict[str, str]) -> TargetAccess:
    target = Target(name, _safe_host(name, values["HOST"]), values["CLIENT_ID"])
    return TargetAccess(
        target,
        source,
        token_command=values.get("OIDC_TOKEN_COMMAND", ""),
        token_file=_readable(name, values.get("OIDC_TOKEN_FILEPATH", "")),
        client_secret=one_step.secret(values.get("CLIENT_SECRET", "")),
    )


def _from_block(name: str) -> TargetAccess:
    # Not at the top: Prefect alone takes a second, and a laptop or CI needs no block.
    from tasks.systems import blocks  # noqa: PLC0415

    found = blocks.read_block(blocks.DatabricksTarget, blocks.target_block_name(name))
    if found is None:
        raise _nothing(name)
    return target_of_values(name, f"the block {_block_of(name)}", blocks.values_of(found))


def _nothing(name: str) -> NeedsHuman:
    missing = missing_in_environment(name)
    return NeedsHuman(
        f"this worker cannot reach the target {name}: the environment lacks {' and '.join(missing)}, and there is"
        f" no block {_block_of(name)}",
        f"make the block: dabflow connect target {name}; or set those variables where the worker is started",
    )


def _block_of(name: str) -> str:
    from tasks.systems import blocks  # noqa: PLC0415 - as above

    return blocks.reference(blocks.DatabricksTarget, blocks.target_block_name(name))


def _read(name: str, what: str) -> str:
    return os.environ.get(variable(name, what), "").strip()


def _safe_host(name: str, host: str) -> str:
    try:
        normal = normal_host(host)
    except ValueError as error:
        raise NeedsHuman(
            f"{place_of(name, 'HOST')} is not an address: {error}",
            "set it to https:// and the workspace's name",
        ) from error
    parts = urlsplit(normal)
    if not parts.hostname or (parts.scheme != "https" and not _loopback(parts.hostname)):
        raise NeedsHuman(
            f"{normal} would get the credentials of {name} unencrypted",
            f"set {place_of(name, 'HOST')} to the https:// address of the workspace",
        )
    return normal


def _loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _readable(name: str, token_file: str) -> str:
    if token_file and not os.access(token_file, os.R_OK):
        raise NeedsHuman(
            f"the token file of {name} cannot be read: {token_file}",
            f"let {place_of(name, 'OIDC_TOKEN_FILEPATH')} name a file that is minted before this step",
        )
    return str(Path(token_file).resolve()) if token_file else ""
