"""Where GitHub and our own files are: read from the environment at the moment of use.

    DABFLOW_HOME              mirrors, journals of deployments; must outlive a run (default ~/.local/share/dabflow)
    DABFLOW_GITHUB_API_URL    default https://api.github.com
    DABFLOW_GITHUB_URL        default https://github.com: git and pages
    DABFLOW_GITHUB_TOKEN      of the account that dabflow acts as

Secrets are handed to the one client that needs them, and never become settings, parameters or results.
"""

import os
from pathlib import Path

from tasks.rules.errors import NeedsHuman


def home() -> Path:
    """The folder that outlives runs on this worker; made if missing."""
    folder = Path(os.environ.get("DABFLOW_HOME") or Path.home() / ".local" / "share" / "dabflow")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def github_api_url() -> str:
    return os.environ.get("DABFLOW_GITHUB_API_URL", "https://api.github.com").rstrip("/")


def github_url() -> str:
    return os.environ.get("DABFLOW_GITHUB_URL", "https://github.com").rstrip("/")


def github_token() -> str:
    """The token of the account that dabflow acts as.

    Raises:
        NeedsHuman: there is none.
    """
    token = os.environ.get("DABFLOW_GITHUB_TOKEN", "")
    if not token:
        raise NeedsHuman(
            "this worker has no GitHub token", "set DABFLOW_GITHUB_TOKEN where the worker is started"
        )
    return token


def known_secrets() -> list[str]:
    """Every value in this process's environment that nobody may read in a log, an error or a result."""
    endings = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "AUTH_STRING")
    return [value for name, value in os.environ.items() if value and name.upper().endswith(endings)]
