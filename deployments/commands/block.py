"""`dabflow block` and `dabflow unblock`."""

from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from deployments import blocking, surroundings
from deployments.commands.options import Repository, Version
from deployments.screen import make_console
from tasks.rules.versions import Version as Number

Reason = Annotated[
    str, Parameter(name="--reason", help="kept with the release, and told on its pull request")
]


def block(version: Version, /, *, reason: Reason, repository: Repository = None) -> int:
    """Let no approval of a release pass until it is unblocked."""
    slug = surroundings.repository_or_default(repository)
    return _print(blocking.block(slug, Number.parse(version), reason))


def unblock(version: Version, /, *, reason: Reason, repository: Repository = None) -> int:
    """Lift the block of a release; what was approved before counts again."""
    slug = surroundings.repository_or_default(repository)
    return _print(blocking.unblock(slug, Number.parse(version), reason))


def _print(said: str) -> int:
    make_console().print(escape(said), soft_wrap=True)
    return 0
