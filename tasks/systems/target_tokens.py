"""What a child process signs in to a target with; a token that a command prints is kept in a file while it runs.

The file is readable by its owner only, is written anew before the token in it ends, and is removed afterwards.
"""

import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jwt

from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.systems import child, one_step
from tasks.systems.targets import Target, TargetAccess, access_of, place_of

log = logging.getLogger(__name__)

_MINT_SECONDS = 60  # for one call of the command
_LIVES_SECONDS = 300  # of a token that does not say how long it lasts; GitHub's last five minutes
_TAIL_CHARACTERS = 500
# The command is in no process list: the shell takes it from its environment.
_TO_FILE = 'umask 077; eval "$DABFLOW_TOKEN_COMMAND" > "$DABFLOW_TOKEN_FILE"'
_OURS = ("DABFLOW_", "DATABRICKS_", "PREFECT_")


@contextmanager
def credentials_of(target: Target) -> Iterator[dict[str, str]]:
    """The variables with which a program signs in to this target, and to no other, while it runs.

    The way of signing in is always named, so that nothing else lying around is tried.

    Raises:
        NeedsHuman: there is no connection, or the command gave no token.

    Source: Databricks, "Unified authentication": DATABRICKS_AUTH_TYPE oauth-m2m, file-oidc.
    """
    access = access_of(target)
    signing_in = {"DATABRICKS_HOST": target.host, "DATABRICKS_CLIENT_ID": target.client_id}
    if access.client_secret:
        yield signing_in | {
            "DATABRICKS_AUTH_TYPE": "oauth-m2m",
            "DATABRICKS_CLIENT_SECRET": access.client_secret,
        }
    elif access.token_file:
        yield signing_in | _by_file(Path(access.token_file))
    else:
        with tempfile.TemporaryDirectory(prefix="dabflow-token-") as folder:
            file = Path(folder) / "token"
            _mint(access, file)
            with _renewed(access, file):
                yield signing_in | _by_file(file)


def secrets_in(credentials: Mapping[str, str]) -> list[str]:
    """The values among `credentials_of` that nobody may read, the token in the token file included."""
    found = [credentials.get("DATABRICKS_CLIENT_SECRET", "")]
    token_file = credentials.get("DATABRICKS_OIDC_TOKEN_FILEPATH")
    if token_file:
        found.append(Path(token_file).read_text(encoding="utf-8").strip())
    return [secret for secret in found if secret]


def federated_token(access: TargetAccess) -> str:
    """A token that the workspace federates, as it is now: such a token lives for minutes.

    Raises:
        NeedsHuman: the command gave none.
    """
    if access.token_file:
        return one_step.secret(Path(access.token_file).read_text(encoding="utf-8").strip())
    with tempfile.TemporaryDirectory(prefix="dabflow-token-") as folder:
        return _mint(access, Path(folder) / "token")


def _by_file(file: Path) -> dict[str, str]:
    return {"DATABRICKS_AUTH_TYPE": "file-oidc", "DATABRICKS_OIDC_TOKEN_FILEPATH": str(file)}


def _mint(access: TargetAccess, file: Path) -> str:
    """The file holds a new token, which is returned. A reader sees the old one or the new one, never a part."""
    name, fresh = access.target.name, file.with_suffix(".new")
    # A cloud's CLI needs its surroundings (HOME, who is signed in there), but nothing of ours.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    environment |= {"DABFLOW_TOKEN_COMMAND": access.token_command, "DABFLOW_TOKEN_FILE": str(fresh)}
    done = child.run(
        ["/bin/sh", "-c", _TO_FILE],
        cwd=file.parent,
        environment=environment,
        within_seconds=_MINT_SECONDS,
        secrets=one_step.secrets(),
        on_line=lambda _, line: log.debug("%s", line),
    )
    token = fresh.read_text(encoding="utf-8").strip() if fresh.exists() else ""
    if isinstance(done, child.TimedOut) or done.exit_code or not token or len(token.split()) > 1:
        how = (
            f"ended with {done.exit_code}" if not isinstance(done, child.TimedOut) else "did not end in time"
        )
        raise NeedsHuman(
            f"the command that gives {name} a token {how} and printed {'one' if token else 'none'}:"
            f" {done.stderr.strip()[-_TAIL_CHARACTERS:]}",
            f"run it by hand on this worker: it is in {place_of(name, 'OIDC_TOKEN_COMMAND')} and must print a"
            " token and nothing else",
        )
    fresh.replace(file)
    return one_step.secret(token)


@contextmanager
def _renewed(access: TargetAccess, file: Path) -> Iterator[None]:
    """Inside, the token in the file is a new one before the old one ends."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(_rest_seconds(file.read_text(encoding="utf-8").strip())):
            try:
                _mint(access, file)
            except ReleaseError as error:
                log.warning("the token of %s was not renewed: %s", access.target.name, error.problem)
                over.wait(_MINT_SECONDS)

    renewing = threading.Thread(target=renew, name=f"token of {access.target.name}", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()


def _rest_seconds(token: str) -> float:
    """After how long a token is to be replaced: two thirds of what it still lasts."""
    try:
        ends = float(jwt.decode(token, options={"verify_signature": False}).get("exp", 0))
    except (jwt.PyJWTError, TypeError, ValueError):
        ends = 0.0
    return max(1.0, (ends - time.time() if ends else _LIVES_SECONDS) * 2 / 3)
