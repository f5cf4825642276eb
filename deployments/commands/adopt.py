"""`dabflow adopt`."""

from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from deployments import adopting, surroundings
from deployments.commands.options import Repository
from deployments.screen import make_console


def adopt(
    *,
    reason: Annotated[str, Parameter(help="kept with GitHub's record of production")],
    repository: Repository = None,
) -> int:
    """Take over what production runs as it is: somebody deployed it by hand, and a release may overwrite it."""
    slug = surroundings.repository_or_default(repository)
    make_console().print(escape(adopting.adopted(slug, reason)), soft_wrap=True)
    return 0
