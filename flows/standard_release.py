"""Read this file first: one standard release, from `develop` to production and back.

     1 plan         which version, which commit, and where it stands already
     2 cut          release/X.Y.Z
     3 examine      validate, the team's checks, production's plan: side by side
     4 rehearse     deploy staging, smoke it
     5 propose      the pull request release/X.Y.Z -> main
            |
            |  6 approve: people read the plan and review; the run is suspended, for weeks if need be
            |             (a new commit on the branch, or a changed plan, goes back to 2)
            v
     7 merge        a merge commit whose tree is the rehearsed tree
     8 tag          X.Y.Z on it
     9 deploy       production, from the tag
    10 smoke        production
    11 publish      the GitHub release: from now on it means that production runs it
    12 back-merge   main -> develop

Every step looks before it acts, so a run can be killed anywhere and started again: it goes on where it was.
"""

from typing import Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows import this_run
from flows.parameters import ExactVersion, Login, Reason, Repository
from flows.promotion import back_to_develop, to_production
from tasks.plan_release import plan_release
from tasks.rules.choice import Wanted
from tasks.rules.phases import Phase
from tasks.rules.release import Release
from tasks.rules.versions import Bump, Version


@flow(name="standard-release", persist_result=True)
def standard_release(
    repository: Repository,
    requested_by: Login,
    bump: Literal["auto", "major", "minor", "patch"] = "auto",
    version: ExactVersion | None = None,
    reason: Reason = "",
) -> State[Any]:
    """Bring what is on `develop` to production: rehearse it on staging, ask for approval, ship it.

    Starting the same release again goes on where it stopped.

    Args:
        repository: The GitHub repository, as owner/name.
        requested_by: Your GitHub login. You cannot approve what you ask for.
        bump: Which part of the version grows. auto reads the commits (breaking, feature or fix).
        version: An exact version such as 1.4.0, instead of a bump.
        reason: Why this release, for the people who approve it.
    """
    wanted = Wanted(Version.parse(version) if version else None, Bump(bump))
    release = plan_release(
        repository, wanted, requested_by=requested_by, reason=reason, pinned=this_run.name()
    )
    if release.already_released:
        return Completed(message=f"{release.version} {already(release)}")
    if release.phase < Phase.PUBLISHED:
        ended = to_production(release)
        if ended is not None:
            return ended
    return back_to_develop(release)


def already(release: Release) -> str:
    """Why nothing is left to do for it."""
    return f"was {release.given_up}" if release.given_up else "is already released"
