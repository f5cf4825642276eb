"""Prefect's home for connections: what a server keeps of them, as blocks, and how a block is read.

    github-connection/default       the account that dabflow acts as; github-connection/<owner> where there are several
    databricks-target/<target>      one for each bundle target, by its name in databricks.yml (`-` for `_`, lower case)

A server keeps a block's content encrypted and gives it to whoever may use its API. It is read inside the step that
needs it. `dabflow install` registers the two types, `dabflow connect` fills them in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import httpx
from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import get_current_settings
from pydantic import Field, SecretStr, ValidationError

from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.systems import one_step

B = TypeVar("B", bound=Block)

DEFAULT = "default"
_UNAUTHORIZED = {401, 403}
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class GitHubConnection(Block):
    """The account that dabflow acts as on GitHub: an App (preferred), or a token."""

    _block_type_name: ClassVar[str | None] = "GitHub connection"
    _block_type_slug: ClassVar[str | None] = "github-connection"
    _description: ClassVar[str | None] = (
        "The account that dabflow acts as on GitHub. Fill it in with `dabflow connect github`, which checks it first."
    )

    api_url: str = Field(default="https://api.github.com", description="Where GitHub's API is.")
    url: str = Field(default="https://github.com", description="Where git and GitHub's pages are.")
    app_id: str = Field(default="", description="The App's id or client id; empty where a token is used.")
    installation_id: int | None = Field(
        default=None, description="Of the App; left out, it is found by the repository."
    )
    private_key: SecretStr | None = Field(default=None, description="The App's private key, as PEM text.")
    private_key_file: str = Field(default="", description="Or a file with it, on every worker.")
    token: SecretStr | None = Field(default=None, description="Instead of an App: a token.")


class DatabricksTarget(Block):
    """One bundle target: the workspace, and the service principal that deploys to it."""

    _block_type_name: ClassVar[str | None] = "Databricks target"
    _block_type_slug: ClassVar[str | None] = "databricks-target"
    _description: ClassVar[str | None] = (
        "A bundle target's workspace and who deploys to it. Fill it in with `dabflow connect target NAME`, which"
        " checks it first."
    )

    host: str = Field(description="The workspace, as https://...")
    client_id: str = Field(description="Application id of the service principal that deploys.")
    client_secret: SecretStr | None = Field(default=None, description="Its OAuth secret.")
    oidc_token_file: str = Field(
        default="", description="Instead of a secret: a file with a token that the workspace federates."
    )
    oidc_token_command: str = Field(
        default="", description="Instead of both: a command that prints such a token, run on the worker."
    )


BLOCKS: tuple[type[Block], ...] = (GitHubConnection, DatabricksTarget)


def read_block(kind: type[B], name: str) -> B | None:
    """The block of that name; None where there is none, or no Prefect server is named.

    Raises:
        TryAgain: the server did not answer.
        NeedsHuman: it refused, or what is stored does not fit.
    """
    found = first_block(kind, name)
    return found[1] if found else None


def first_block(kind: type[B], *names: str) -> tuple[str, B] | None:
    """The first of these blocks that there is, with its name; None where there is none, or no server is named.

    Raises:
        TryAgain: the server did not answer.
        NeedsHuman: it refused, or what is stored does not fit.
    """
    if not get_current_settings().api.url:
        return None  # Prefect itself would start a server for the moment, with nothing in it
    with _prefect_errors(kind), get_client(sync_client=True) as client:
        for name in names:
            content = _content(client, kind.get_block_type_slug(), name)
            if content is not None:
                return name, _filled(kind, name, content)
    return None


def save_block(block: Block, name: str) -> None:
    """The block is stored under this name, whatever was there before; its type is registered.

    Raises:
        TryAgain: the server did not answer.
        NeedsHuman: it refused.
    """
    with _prefect_errors(type(block)):
        block.save(name, overwrite=True, _sync=True)  # type: ignore[call-arg] # added by Prefect's decorator


def values_of(block: Block) -> dict[str, str]:
    """What a block holds, secrets included, by the names of its fields; "" for what it does not hold."""
    found = {name: getattr(block, name) for name in type(block).model_fields}
    plain = {name: v.get_secret_value() if isinstance(v, SecretStr) else v for name, v in found.items()}
    return {name: str(value or "").strip() for name, value in plain.items()}


def reference(kind: type[Block], name: str) -> str:
    """How people call a block: type/name."""
    return f"{kind.get_block_type_slug()}/{name}"


def target_block_name(target: str) -> str:
    """The name of a bundle target's block; Prefect wants lower-case letters, digits and dashes.

    Source: Prefect 3.8, names of block documents.
    """
    return target.lower().replace("_", "-")


def _content(client: SyncPrefectClient, slug: str, name: str) -> dict[str, Any] | None:
    try:
        return dict(client.read_block_document_by_name(name, slug, include_secrets=True).data)
    except ObjectNotFound:
        return None


def _filled(kind: type[B], name: str, content: dict[str, Any]) -> B:
    try:
        block = kind.model_validate(content)
    except ValidationError as error:
        # Its text would show what was stored; the names of the fields do not.
        fields = ", ".join(sorted({str(part) for one in error.errors() for part in one["loc"][:1]}))
        where = "by dabflow connect" if kind in BLOCKS else "on the page Blocks of Prefect"
        raise NeedsHuman(
            f"the block {reference(kind, name)} does not fit: {fields}",
            f"fill it in again {where}, or delete it: prefect block delete {reference(kind, name)}",
        ) from None
    for value in vars(block).values():
        if isinstance(value, SecretStr):
            one_step.secret(value.get_secret_value())
    return block


@contextmanager
def _prefect_errors(kind: type[Block]) -> Iterator[None]:
    try:
        yield
    except PrefectHTTPStatusError as error:
        raise _ours(kind, error.response.status_code) from error
    except httpx.HTTPError as error:
        raise TryAgain(
            f"no {kind.get_block_type_slug()} could be read: the Prefect server at {_server()} does not answer"
            f" ({type(error).__name__})",
            "check that the server runs and that PREFECT_API_URL is right, then retry",
        ) from error


def _ours(kind: type[Block], status: int) -> ReleaseError:
    problem = (
        f"no {kind.get_block_type_slug()} could be read: the Prefect server at {_server()} answered {status}"
    )
    if status in _UNAUTHORIZED:
        return NeedsHuman(
            problem, "set PREFECT_API_KEY or PREFECT_API_AUTH_STRING where the worker is started"
        )
    if status in _PASSING:
        return TryAgain(problem, "wait a little, then retry")
    return NeedsHuman(problem, "check that PREFECT_API_URL names a Prefect server's API, such as .../api")


def _server() -> str:
    """The server's address as people may read it: without a name and password in it."""
    parts = urlsplit(get_current_settings().api.url or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
