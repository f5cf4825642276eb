"""`dabflow evidence show` and `dabflow evidence verify`."""

import sys
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape

from deployments import surroundings
from deployments.commands.options import Repository, Version
from deployments.screen import make_console
from tasks.evidence import chain_of
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import Chain
from tasks.rules.evidence_text import entry_lines
from tasks.rules.names import named
from tasks.verify import Verified, verified

app = App(name="evidence", help="What happened to a release: who asked, who approved what, what was done.")


@app.command
def show(
    version: Version,
    /,
    *,
    repository: Repository = None,
    json: Annotated[bool, Parameter(negative="", help="the chain itself, byte by byte")] = False,
) -> int:
    """Show everything noted about a release, the oldest first; times are UTC."""
    chain = chain_of(surroundings.repository_or_default(repository), str(named(version)))
    if not chain.entries:
        raise NeedsHuman(
            f"nothing is noted about {chain.title}", "see which releases there are: dabflow status"
        )
    if json:
        sys.stdout.buffer.write(chain.to_bytes())
        sys.stdout.flush()
    else:
        show_chain(chain, make_console())
    return 0


@app.command
def verify(version: Version, /, *, repository: Repository = None) -> int:
    """Check the chain, then everything in it against git and GitHub; name the first thing that does not fit."""
    found = verified(surroundings.repository_or_default(repository), str(named(version)))
    tell(found, make_console())
    return 1 if found.problem else 0


def show_chain(chain: Chain, console: Console) -> None:
    console.print(f"[bold]{escape(chain.title)}[/]  {_entries(chain)}")
    for line in entry_lines(chain):
        console.print(f"  {escape(line)}", soft_wrap=True)


def tell(found: Verified, console: Console) -> None:
    """What verifying has found, for people."""
    title = escape(found.chain.title)
    if found.problem:
        console.print(f"[red]{title}: {escape(found.problem)}[/]", soft_wrap=True)
        console.print(
            "  what to do: find out which of the two was changed, by whom, and why: dabflow evidence show "
            + found.chain.version,
            soft_wrap=True,
        )
        return
    console.print(f"[green]{title}: {_entries(found.chain)}, everything fits[/]")
    for line in (
        "the chain and its history on GitHub are unbroken",
        "git and GitHub say the same about each commit, tag, pull request, review and deployment in it",
        *(["what is attached to the published release is how it began"] if found.published else []),
    ):
        console.print(f"  {line}", soft_wrap=True)


def _entries(chain: Chain) -> str:
    return "1 entry" if len(chain.entries) == 1 else f"{len(chain.entries)} entries"
