"""`dabflow init`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape

from deployments.commands.options import Repository
from deployments.initializing import (
    Became,
    Source,
    ensure_file,
    files_of,
    found_in,
    history_of,
)
from deployments.project import FOLDER
from deployments.screen import make_console
from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.rules.first_steps import Step, first_steps, where_it_goes_on
from tasks.rules.proposal import proposal_of
from tasks.rules.slugs import is_repository
from tasks.systems.git_checkout import Checkout


def init(
    folder: Annotated[Path, Parameter(help="a clone of the bundle's repository")] = Path(),
    /,
    *,
    repository: Repository = None,
    dabflow: Annotated[
        str | None, Parameter(help="owner/name@COMMIT of dabflow; default: where this one was cloned from")
    ] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="write nothing")] = False,
) -> int:
    """Write what a bundle repository needs, and say what is left to do by hand; 1 where a file differs.

    Only files that are not there are written. Nothing is committed.
    """
    checkout = Checkout(folder)
    slug = _slug(checkout, repository)
    source = Source.of(dabflow) if dabflow else Source.installed(FOLDER)
    found = found_in(checkout)
    proposal = proposal_of(found)
    history, trouble = history_of(checkout, proposal, slug=slug)
    console = make_console()
    became = {
        path: ensure_file(checkout.folder / path, text, dry_run=dry_run)
        for path, text in files_of(proposal, source).items()
    }
    _show_files(console, became, dry_run=dry_run)
    console.print(f"\n{escape(where_it_goes_on(slug, found, proposal))}", soft_wrap=True)
    _show_steps(console, first_steps(slug, found, proposal, history), trouble)
    return 1 if Became.DIFFERENT in became.values() else 0


def _slug(checkout: Checkout, given: str | None) -> str:
    slug = given or checkout.slug()
    if not is_repository(slug):
        raise NeedsHuman(
            f"which repository on GitHub {checkout.folder} is cannot be read off its remote `origin`",
            "give --repository owner/name",
        )
    return slug


def _show_files(console: Console, became: dict[Path, Became], *, dry_run: bool) -> None:
    for path, what in became.items():
        colour = "yellow" if what is Became.DIFFERENT else "green"
        said = "would be written" if dry_run and what is Became.WRITTEN else what.value
        console.print(f"[{colour}]{escape(str(path))}[/]: {said}", soft_wrap=True)


def _show_steps(console: Console, steps: list[Step], trouble: ReleaseError | None) -> None:
    if trouble is not None:
        console.print(f"\n[yellow]GitHub was not asked: {escape(trouble.problem)}[/]", soft_wrap=True)
    if not steps:
        return
    console.print("\nBefore the first release, by hand:")
    for number, step in enumerate(steps, 1):
        console.print(f"  {number}. {escape(step.so)}", soft_wrap=True)
        for line in step.do.splitlines():
            console.print(f"     {escape(line)}", soft_wrap=True)
