"""`dabflow rollback` and `dabflow unhold`."""

from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from deployments import surroundings
from deployments.commands.options import Overtakes, Repository, RequestedBy, Version, Watching
from deployments.commands.starting import begin
from deployments.screen import make_console
from deployments.starting import Rollback
from tasks.hold import lifted
from tasks.rules.versions import Version as Number


def rollback(
    *,
    to: Annotated[str, Parameter(help="the version that production is to run again, such as 1.4.0")],
    reason: Annotated[str, Parameter(help="what is wrong with what runs there now")],
    repository: Repository = None,
    requested_by: RequestedBy = None,
    overtakes: Overtakes = False,
    watch: Watching = False,
) -> int:
    """Bring production back to a version that was released before; or go on with that."""
    order = Rollback(
        repository=surroundings.repository_or_default(repository),
        requested_by=surroundings.requester_or_default(requested_by),
        to=to,
        reason=reason,
        overtakes=overtakes,
    )
    return begin(order, watch=watch)


def unhold(
    version: Version,
    /,
    *,
    reason: Annotated[str, Parameter(help="kept with the release, and told on its pull request")],
    repository: Repository = None,
) -> int:
    """Lift the hold of a withdrawn version: it, and what holds nothing else, may go to production again."""
    slug = surroundings.repository_or_default(repository)
    make_console().print(escape(lifted(slug, Number.parse(version), reason)), soft_wrap=True)
    return 0
