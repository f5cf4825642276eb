"""How GitHub is reached, and where our own files are: read at the moment of use.

    DABFLOW_HOME                       mirrors, journals of deployments; must outlive a run
                                       (default ~/.local/share/dabflow)
    DABFLOW_GITHUB_APP_ID              the App that dabflow acts as: its id or client id
    DABFLOW_GITHUB_PRIVATE_KEY         its private key, as PEM text, or instead of that:
    DABFLOW_GITHUB_PRIVATE_KEY_FILE    a file with it
    DABFLOW_GITHUB_INSTALLATION_ID     where it is installed; left out, it is found by the repository
    DABFLOW_GITHUB_TOKEN               instead of an App: a token of the account that dabflow acts as
    DABFLOW_GITHUB_API_URL             default https://api.github.com
    DABFLOW_GITHUB_URL                 default https://github.com: git and pages

Where the environment holds no whole connection (an App with its key, or a token), a Prefect block is read:
`github-connection/<owner>`, else `github-connection/default`. All of a connection comes from the same place.

Secrets are handed to the one client that needs them, and never become settings, parameters or results.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tasks.rules.errors import NeedsHuman
from tasks.systems import one_step

ENVIRONMENT = "the environment"
GITHUB_API_URL, GITHUB_URL = "https://api.github.com", "https://github.com"

_SECRET_ENDINGS = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "AUTH_STRING", "PRIVATE_KEY")
_VALUES = ("api_url", "url", "app_id", "installation_id", "private_key", "private_key_file", "token")
_APP = ("APP_ID", "PRIVATE_KEY or DABFLOW_GITHUB_PRIVATE_KEY_FILE")


@dataclass(frozen=True)
class GitHubAccess:
    """Where GitHub is and who we are there: an App, or an account's token. `source` says where that was read."""

    source: str
    api_url: str = GITHUB_API_URL
    url: str = GITHUB_URL
    app_id: str = ""
    installation_id: int | None = None
    private_key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def home() -> Path:
    """The folder that outlives runs on this worker; made if missing."""
    folder = Path(os.environ.get("DABFLOW_HOME") or Path.home() / ".local" / "share" / "dabflow")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def github(repository: str) -> GitHubAccess:
    """How GitHub is reached for a repository (owner/name).

    Raises:
        NeedsHuman: neither the environment nor a block has a whole connection.
        TryAgain: the Prefect server did not answer.
    """
    return one_step.once(github_key(repository), lambda: from_environment() or _from_block(repository))


def github_key(repository: str) -> tuple[str, str]:
    """As what a step has the connection for a repository at hand."""
    return "github", repository.partition("/")[0].lower()


def github_api_url(repository: str) -> str:
    return github(repository).api_url


def github_url(repository: str) -> str:
    return github(repository).url


def from_environment() -> GitHubAccess | None:
    """The connection that the environment holds; None where it holds none, or half of one.

    Raises:
        NeedsHuman: the key's file cannot be read, or the installation is no number.
    """
    values = {name: _read(name.upper()) for name in _VALUES}
    app_id, has_key = values["app_id"], bool(values["private_key"] or values["private_key_file"])
    whole = has_key if app_id else values["token"] and not has_key
    return github_of_values(ENVIRONMENT, values) if whole else None


def acting_as() -> str:
    """Who we are on GitHub and where that was read, for a sentence."""
    access = from_environment()
    if access is None:
        return "what the block github-connection holds"
    return "the App of DABFLOW_GITHUB_APP_ID" if access.app_id else "the token in DABFLOW_GITHUB_TOKEN"


def missing_in_environment() -> str:
    """What the environment lacks of a connection that it holds a half of; "" where it holds nothing of one."""
    app_id = _read("APP_ID")
    has_key = bool(_read("PRIVATE_KEY") or _read("PRIVATE_KEY_FILE"))
    if bool(app_id) == has_key:
        return ""
    return f"DABFLOW_GITHUB_{_APP[1] if app_id else _APP[0]}"


def github_of_values(source: str, values: Mapping[str, str]) -> GitHubAccess:
    """The connection that these values make; they are called as in a block.

    Raises:
        NeedsHuman: there is neither an App with its key nor a token among them, or the key cannot be read.
    """
    nobody = GitHubAccess(
        source,
        api_url=_address(values.get("api_url") or GITHUB_API_URL),
        url=_address(values.get("url") or GITHUB_URL),
    )
    app_id, token = values.get("app_id", ""), values.get("token", "")
    key, key_file = values.get("private_key", ""), values.get("private_key_file", "")
    if app_id and (key or key_file):
        return replace(
            nobody,
            app_id=app_id,
            installation_id=_number(source, values.get("installation_id", "")),
            private_key=_key(source, key, key_file),
        )
    if app_id or not token:
        raise NeedsHuman(
            f"{source} holds neither an App with its private key nor a token",
            "fill it in: dabflow connect github",
        )
    return replace(nobody, token=one_step.secret(token))


def known_secrets() -> list[str]:
    """Every value, of this process's environment or read by this step, that nobody may read in a log or a result."""
    found = [value for name, value in os.environ.items() if value and name.upper().endswith(_SECRET_ENDINGS)]
    return found + one_step.secrets()


def _from_block(repository: str) -> GitHubAccess:
    # Not at the top: Prefect alone takes a second, and a laptop or CI needs no block.
    from tasks.systems import blocks  # noqa: PLC0415

    _, owner = github_key(repository)
    names = [owner, blocks.DEFAULT] if owner else [blocks.DEFAULT]
    found = blocks.first_block(blocks.GitHubConnection, *names)
    if found is None:
        raise _nothing(" or ".join(blocks.reference(blocks.GitHubConnection, name) for name in names))
    name, block = found
    return github_of_values(
        f"the block {blocks.reference(blocks.GitHubConnection, name)}", blocks.values_of(block)
    )


def _nothing(blocks: str) -> NeedsHuman:
    half = missing_in_environment()
    return NeedsHuman(
        "this worker has no connection to GitHub: "
        + (f"the environment lacks {half}" if half else "the environment has none")
        + f", and there is no block {blocks}",
        "make the block: dabflow connect github; or set DABFLOW_GITHUB_TOKEN, or DABFLOW_GITHUB_APP_ID and"
        " DABFLOW_GITHUB_PRIVATE_KEY_FILE, where the worker is started",
    )


def _read(what: str) -> str:
    return os.environ.get(f"DABFLOW_GITHUB_{what}", "").strip()


def _address(url: str) -> str:
    return url.strip().rstrip("/")


def _number(source: str, text: str) -> int | None:
    if text and not text.isdecimal():
        raise NeedsHuman(
            f"the App's installation, from {source}, is {text!r}, not a number",
            "take the number at the end of the installation's address on GitHub, or leave it out",
        )
    return int(text) if text else None


def _key(source: str, text: str, file: str) -> str:
    """The private key, as lines; a variable may hold it as one, with backslash and n between them."""
    if not text:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NeedsHuman(
                f"the App's private key, which {source} says is in {file}, cannot be read:"
                f" {type(error).__name__}",
                "put the key there on every worker, readable for the worker only",
            ) from None
    return one_step.secret(text.replace("\\n", "\n").strip() + "\n")
