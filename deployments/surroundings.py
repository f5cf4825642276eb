"""Where a command finds things: the environment, and the sandbox in the current folder if there is one.

    DABFLOW_REPOSITORY      owner/name, where `--repository` is not given
    DABFLOW_REQUESTED_BY    GitHub login, where `--requested-by` is not given

and the connections, which `tasks.systems.connections` and `tasks.systems.targets` read.
"""

import os
import shlex
from pathlib import Path

from tasks.rules.errors import NeedsHuman
from tasks.rules.slugs import is_repository

SANDBOX = Path(".sandbox")
SANDBOX_REPOSITORY = "acme/lakehouse"
SANDBOX_REQUESTER = "rita"

_API = "PREFECT_API_URL"


def adopt_sandbox(folder: Path = SANDBOX) -> bool:
    """The connections of the sandbox in `folder` are in the environment; say whether there is a sandbox.

    What the person has set stays. Whoever names another Prefect server does not mean the sandbox at all.
    """
    try:
        text = (folder / "sandbox.env").read_text(encoding="utf-8")
    except OSError:
        return False
    variables = _variables(text)
    if os.environ.get(_API, variables.get(_API)) != variables.get(_API):
        return False
    defaults = {"DABFLOW_REPOSITORY": SANDBOX_REPOSITORY, "DABFLOW_REQUESTED_BY": SANDBOX_REQUESTER}
    for name, value in {**variables, **defaults}.items():
        os.environ.setdefault(name, value)
    return True


def repository_or_default(given: str | None) -> str:
    """The repository that a command is about.

    Raises:
        NeedsHuman: neither the person nor the environment names one.
    """
    repository = given or os.environ.get("DABFLOW_REPOSITORY", "")
    if not repository:
        raise NeedsHuman(
            "which repository is meant is not known",
            "give --repository owner/name, or set DABFLOW_REPOSITORY",
        )
    if not is_repository(repository):
        raise NeedsHuman(f"{repository!r} is not the name of a repository", "write it as owner/name")
    return repository


def requester_or_default(given: str | None) -> str:
    """The GitHub login of whoever asks for the release; empty only where somebody said so.

    Raises:
        NeedsHuman: nobody said who asks.
    """
    if given is None:
        given = os.environ.get("DABFLOW_REQUESTED_BY")
    if given is None:
        raise NeedsHuman(
            "nobody said who asks for this release, so no review of it could be verified",
            "give --requested-by with your GitHub login, or set DABFLOW_REQUESTED_BY",
        )
    return given


def _variables(text: str) -> dict[str, str]:
    """Read KEY=VALUE lines, quoted as a shell would."""
    words = (shlex.split(line, comments=True) for line in text.splitlines())
    pairs = (found[0].partition("=") for found in words if found)
    return {name: value for name, equals, value in pairs if equals}
