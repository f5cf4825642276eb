"""`dabflow release`."""

from typing import Annotated, Literal

from cyclopts import Parameter

from deployments import surroundings
from deployments.commands.options import Repository, RequestedBy, Watching
from deployments.commands.starting import begin
from deployments.starting import StandardRelease
from tasks.rules.errors import NeedsHuman

Bump = Literal["auto", "major", "minor", "patch"]


def release(
    *,
    bump: Annotated[Bump | None, Parameter(help="which part grows; auto reads the commits")] = None,
    version: Annotated[str | None, Parameter(help="an exact version instead, such as 1.4.0")] = None,
    repository: Repository = None,
    requested_by: RequestedBy = None,
    reason: Annotated[str, Parameter(help="why, for the people who approve")] = "",
    watch: Watching = False,
) -> int:
    """Start a release, or go on with the unfinished one."""
    if bump and version:
        raise NeedsHuman("--bump and --version both say which version is meant", "give one of them")
    order = StandardRelease(
        repository=surroundings.repository_or_default(repository),
        requested_by=surroundings.requester_or_default(requested_by),
        bump=bump or "auto",
        version=version,
        reason=reason,
    )
    return begin(order, watch=watch)
