"""Connections from somebody's words to a Prefect block: asked for, tried, compared with what is stored, stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from prefect.blocks.core import Block
from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape

from deployments import desk
from tasks.rules.errors import NeedsHuman
from tasks.rules.rights import lacking
from tasks.systems import connections, one_step
from tasks.systems.blocks import read_block, reference, save_block, values_of
from tasks.systems.connections import GitHubAccess
from tasks.systems.github_rights import Rights
from tasks.systems.targets import TargetAccess, target_key

B = TypeVar("B", bound=Block)

GOOD, WARNING, BAD = "[green]ok[/]  ", "[yellow]note[/]", "[red]no[/]  "


@dataclass(frozen=True)
class Line:
    """Something that was looked at: `mark` says how it is."""

    mark: str
    text: str


def looked_at_github(access: GitHubAccess, repository: str) -> Iterator[Line]:
    """What GitHub says of this connection; each thing as soon as it is known.

    Raises:
        NeedsHuman: GitHub does not accept it, or the repository is not reachable.
    """
    with one_step.trying({connections.github_key(repository): access}):
        seen = Rights(repository).seen()
    kind = "a token" if seen.permissions is None else f"the App {access.app_id}"
    yield Line(GOOD, f"{access.api_url} knows us as {seen.login} ({kind})")
    yield Line(GOOD, f"{seen.repository} is reachable")
    if seen.permissions is None:
        yield Line(
            WARNING, "what a token may do is not listed by GitHub; an App's rights are: see github-app.md"
        )
    if not seen.may_push:
        yield Line(BAD, "contents: write is missing, for branches, tags, merges and releases")
    for right in lacking(seen.permissions or {}) if seen.permissions is not None else ():
        if right.name != "contents":
            yield Line(BAD if right.always else WARNING, f"{right} is missing, for {right.what_for}")


def looked_at_target(access: TargetAccess, *, folder: str, write: bool) -> Iterator[Line]:
    """What the workspace says of this connection.

    Args:
        access: what is tried.
        folder: into which the deployer must be able to write; "" for `.bundle` in its home folder.
        write: whether that folder may be made.

    Raises:
        NeedsHuman: the workspace does not accept it, or does not let us write.
    """
    from tasks.systems.workspace import Workspace  # noqa: PLC0415 - slow to load, and only a target needs it

    target = access.target
    with one_step.trying({target_key(target.name): access}):
        workspace = Workspace(target)
        me = workspace.preflight()
        yield Line(GOOD, f"{target.host} knows us as {me}")
        if me != target.client_id:
            yield Line(BAD, f"that is not the service principal {target.client_id}")
        way = "an OAuth secret" if access.client_secret else "a federated token"
        yield Line(GOOD, f"signed in with {way}")
        if write:
            yield Line(GOOD, workspace.ensure_folder(folder or f"/Workspace/Users/{me}/.bundle"))


def shown(console: Console, lines: Iterator[Line]) -> bool:
    """Print each line as it comes; false where one of them is bad."""
    good = True
    for line in lines:
        good = good and line.mark != BAD
        console.print(f"  {line.mark} {escape(line.text)}", soft_wrap=True)
    return good


def ensure_block(console: Console, block: Block, name: str, *, dry_run: bool, yes: bool) -> None:
    """The block is stored as it is here; one that is other is replaced only if somebody says so, now or by `yes`.

    With `dry_run` it is only said what would be done.

    Raises:
        NeedsHuman: it is other, and nobody said that it may be replaced.
    """
    where, stored = reference(type(block), name), read_block(type(block), name)
    changes = differences(stored, block) if stored is not None else []
    if stored is not None and not changes:
        console.print(f"{escape(where)}: is stored, nothing to change")
        return
    for change in changes:
        console.print(f"  differs: {escape(change)}", soft_wrap=True)
    if dry_run:
        console.print(f"{escape(where)}: would be {'changed' if changes else 'made'}")
        return
    if changes and not yes and not desk.agrees(f"store that in {where}", option="--yes"):
        raise NeedsHuman(f"{where} is as it was", "say yes, or correct what differs")
    save_block(block, name)
    console.print(f"{escape(where)}: {'changed' if changes else 'made'}")


def differences(stored: Block, wanted: Block) -> list[str]:
    """What would change, field by field; of secrets only that they do."""
    old, new = values_of(stored), values_of(wanted)
    hidden = {
        name for block in (stored, wanted) for name in old if isinstance(getattr(block, name), SecretStr)
    }
    return [
        f"{name} {'is another one' if name in hidden else f'{old[name]!r} -> {new[name]!r}'}"
        for name in new
        if old[name] != new[name]
    ]


def filled(kind: type[B], values: Mapping[str, str]) -> B:
    """A block with these values; what is empty is left out."""
    return kind.model_validate({name: value for name, value in values.items() if value})
