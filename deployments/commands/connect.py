"""`dabflow connect`, `dabflow connect github` and `dabflow connect target`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape

from deployments import connecting, surroundings, wanted
from deployments.commands.options import Repository
from deployments.prefect_api import connected
from deployments.screen import make_console
from tasks.rules.errors import NeedsHuman
from tasks.rules.settings import NO_CREDENTIALS
from tasks.standing import production_settings
from tasks.systems import bundle_files, connections
from tasks.systems.blocks import DEFAULT, DatabricksTarget, GitHubConnection, read_block, target_block_name
from tasks.systems.git_repo import Mirror
from tasks.systems.targets import target_access, target_from_environment, target_of_values

app = App(
    name="connect",
    help="Store how GitHub and the targets are reached, as Prefect blocks, once that was tried. Asks only for what is"
    " missing. A secret is typed unseen or comes from a file; it is never an option's value, and never shown.",
)

_ON = {"negative": ""}


@Parameter(name="*")
@dataclass(frozen=True)
class Mode:
    """How far it goes."""

    check: Annotated[bool, Parameter(**_ON, help="only try what is in force now; store nothing")] = False
    dry_run: Annotated[bool, Parameter(**_ON, help="ask, try and compare, and store nothing")] = False
    yes: Annotated[bool, Parameter(**_ON, help="replace a stored connection that differs")] = False


@Parameter(name="*")
@dataclass(frozen=True)
class GitHubSaid:
    """What is said of GitHub."""

    app_id: Annotated[str, Parameter(help="the App's id or client id")] = ""
    private_key_file: Annotated[str, Parameter(help="file with its private key; - is the standard input")] = (
        ""
    )
    keep_key_in_file: Annotated[
        bool, Parameter(**_ON, help="store the file's name instead of the key: it must be on every worker")
    ] = False
    installation_id: Annotated[str, Parameter(help="only where it is not found by the repository")] = ""
    token_file: Annotated[
        str, Parameter(help="instead of an App: file with a token; - is the standard input")
    ] = ""
    api_url: Annotated[str, Parameter(help="of a GitHub server of your own, as https://.../api/v3")] = ""
    url: Annotated[str, Parameter(help="of a GitHub server of your own")] = ""


@Parameter(name="*")
@dataclass(frozen=True)
class TargetSaid:
    """What is said of a target."""

    host: Annotated[str, Parameter(help="the workspace, as https://...")] = ""
    client_id: Annotated[str, Parameter(help="application id of the service principal")] = ""
    client_secret_file: Annotated[
        str, Parameter(help="file with its OAuth secret; - is the standard input")
    ] = ""
    oidc_token_file: Annotated[
        str, Parameter(help="instead of a secret: a file on the worker with a token")
    ] = ""
    oidc_token_command: Annotated[
        str, Parameter(help="instead of a secret: a command on the worker that prints a token")
    ] = ""
    root_path: Annotated[
        str, Parameter(help="folder the bundle is deployed to; default: .bundle in the deployer's home")
    ] = ""


@app.default
def everything(*, repository: Repository = None, mode: Mode = Mode()) -> int:
    """Connect GitHub, then each target that the repository's release.yaml names."""
    slug = surroundings.repository_or_default(repository)
    if github(repository=slug, mode=mode):
        return 1
    results = [target(name, repository=slug, mode=mode) for name in _targets_of(slug)]
    return max(results)


@app.command
def github(
    *,
    repository: Repository = None,
    owner: Annotated[bool, Parameter(**_ON, help="only for this repository's owner")] = False,
    said: GitHubSaid = GitHubSaid(),
    mode: Mode = Mode(),
) -> int:
    """Store as whom dabflow acts on GitHub: an App (preferred) or a token."""
    console, slug = make_console(), surroundings.repository_or_default(repository)
    if mode.check:
        access = connections.github(slug)
        console.print(f"[bold]GitHub[/], from {escape(access.source)}")
        return _result(console, connecting.looked_at_github(access, slug))
    name = slug.partition("/")[0].lower() if owner else DEFAULT
    with connected():
        pass  # without a server's name Prefect would start one for the moment
    options = wanted.GitHubOptions(**vars(said))
    values = wanted.github_values(read_block(GitHubConnection, name), options)
    console.print(f"[bold]GitHub[/], for {escape(slug)}")
    access = connections.github_of_values("what was given", values)
    if _result(console, connecting.looked_at_github(access, slug)):
        return 1
    if connections.from_environment() is not None:
        _warn(console, "the environment here holds a whole connection too: where a worker has it, that wins")
    block = connecting.filled(GitHubConnection, values)
    connecting.ensure_block(console, block, name, dry_run=mode.dry_run, yes=mode.yes)
    return 0


@app.command
def target(
    name: Annotated[str, Parameter(help="as in databricks.yml")],
    /,
    *,
    repository: Repository = None,
    said: TargetSaid = TargetSaid(),
    mode: Mode = Mode(),
) -> int:
    """Store which workspace a bundle target is, and the service principal that deploys to it."""
    console, write = make_console(), not (mode.dry_run or mode.check)
    if mode.check:
        access = target_access(name)
        console.print(f"[bold]{escape(name)}[/], from {escape(access.source)}")
        return _result(console, connecting.looked_at_target(access, folder=said.root_path, write=write))
    with connected():
        pass
    given = {field: value for field, value in vars(said).items() if field != "root_path"}
    values = wanted.target_values(
        name,
        read_block(DatabricksTarget, target_block_name(name)),
        wanted.TargetOptions(**given),
        declared_host=lambda: _declared_host(name, repository),
    )
    console.print(f"[bold]{escape(name)}[/]")
    access = target_of_values(name, "what was given", values)
    if _result(console, connecting.looked_at_target(access, folder=said.root_path, write=write)):
        return 1
    if target_from_environment(name) is not None:
        _warn(console, "the environment here holds a whole connection too: where a worker has it, that wins")
    block = connecting.filled(DatabricksTarget, values | {"host": access.target.host})
    connecting.ensure_block(console, block, target_block_name(name), dry_run=mode.dry_run, yes=mode.yes)
    return 0


def _result(console: Console, lines: Iterator[connecting.Line]) -> int:
    return 0 if connecting.shown(console, lines) else 1


def _warn(console: Console, text: str) -> None:
    console.print(f"  {connecting.WARNING} {escape(text)}", soft_wrap=True)


def _targets_of(repository: str) -> list[str]:
    """The targets that a release of the repository signs in to."""
    settings = production_settings(Mirror(repository).fetch())
    names = [settings.targets.staging, settings.targets.production]
    names += [check.credentials for check in settings.checks if check.credentials != NO_CREDENTIALS]
    return list(dict.fromkeys(names))


def _declared_host(target: str, repository: str | None) -> str:
    """The host that databricks.yml of the production branch names for the target; "" where that is not known."""
    try:
        mirror = Mirror(surroundings.repository_or_default(repository)).fetch()
        settings = production_settings(mirror)
        commit = mirror.branches()[settings.branches.production]
        with mirror.worktree(commit) as folder:
            return bundle_files.declared(folder / settings.bundles[0], target).host or ""
    except NeedsHuman:
        return ""
