"""`dabflow wake`."""

from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from deployments import surroundings
from deployments.answering import wake_all
from deployments.commands.options import Repository
from deployments.prefect_api import connected
from deployments.screen import make_console
from tasks.rules.names import named


def wake(
    version: Annotated[str | None, Parameter(help="only this one, such as 1.4.0")] = None,
    /,
    *,
    repository: Repository = None,
) -> int:
    """Let the releases that wait look at GitHub again. Where nothing has changed, they go on waiting."""
    slug = surroundings.repository_or_default(repository)
    exact = str(named(version)) if version else None
    console = make_console()
    with connected() as api:
        for line in wake_all(api, slug, exact):
            console.print(escape(line), soft_wrap=True)
    return 0
