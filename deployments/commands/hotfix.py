"""`dabflow hotfix`."""

from typing import Annotated

from cyclopts import Parameter

from deployments import surroundings
from deployments.commands.options import Overtakes, Repository, RequestedBy, Watching
from deployments.commands.starting import begin
from deployments.starting import Hotfix


def hotfix(  # noqa: PLR0913 - a command's options
    *,
    pr: Annotated[int | None, Parameter(help="the number of the pull request that holds the fix")] = None,
    branch: Annotated[str | None, Parameter(help="where there is no pull request: the fix's branch")] = None,
    repository: Repository = None,
    requested_by: RequestedBy = None,
    reason: Annotated[str, Parameter(help="why it cannot wait, for the people who approve")] = "",
    overtakes: Overtakes = False,
    mend_withdrawn: Annotated[
        bool, Parameter(negative="", help="production was rolled back: mend the version that was withdrawn")
    ] = False,
    watch: Watching = False,
) -> int:
    """Bring one pull request to production now, without what else is on develop; or go on with that."""
    order = Hotfix(
        repository=surroundings.repository_or_default(repository),
        requested_by=surroundings.requester_or_default(requested_by),
        pull_request=pr,
        branch=branch,
        reason=reason,
        overtakes=overtakes,
        mend_withdrawn=mend_withdrawn,
    )
    return begin(order, watch=watch)
