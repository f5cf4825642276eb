r"""One hotfix: a fix that cannot wait for the next release goes to production by itself.

    develop          o---o---o-----------------o      all of it comes back
                          \                   /
                           `-- #7 --.        /        the commits of #7, and nothing else of develop,
                                     \      /
    hotfix/1.3.1                  ,---o    /          on top of what production runs
                                 /     \  /
    main                  1.3.0 o-------o  1.3.1

     1 plan         which commits, which number, and where it stands already
     2 cut          hotfix/X.Y.Z+1, from production's tag
     3-11           like a standard release: rehearsed, approved, merged, tagged, deployed, published
    12 tell         the original pull request where its fix is now; it is closed, its branch tidied away
    13 back-merge   main -> develop, and into each release that waits

It overtakes a release that waits: that one takes the fix in before it may be approved.
"""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows import this_run
from flows.parameters import Branch, Login, Number, Reason, Repository
from flows.promotion import back_to_develop, to_production
from tasks.original import ensure_original_told
from tasks.plan_hotfix import plan_hotfix
from tasks.propose import told_when_it_stops
from tasks.rules.fixes import wanted_fix
from tasks.rules.phases import Phase


@flow(name="hotfix", persist_result=True)
def hotfix(  # noqa: PLR0913 - the form in Prefect is made of these
    repository: Repository,
    requested_by: Login,
    pull_request: Number | None = None,
    branch: Branch | None = None,
    reason: Reason = "",
    *,
    overtakes: bool = False,
    mend_withdrawn: bool = False,
) -> State[Any]:
    """Bring one pull request to production now: on top of what runs there, without what else is on `develop`.

    Starting the same hotfix again goes on where it stopped.

    Args:
        repository: The GitHub repository, as owner/name.
        requested_by: Your GitHub login. You cannot approve what you ask for.
        pull_request: The number of the pull request that holds the fix; merged into develop already, or not.
        branch: Where there is no pull request: the branch that holds the fix.
        reason: Why it cannot wait, for the people who approve it.
        overtakes: Another release stopped half way in production; this hotfix goes on top of it.
        mend_withdrawn: Production was rolled back; this hotfix mends the version that was withdrawn.
    """
    wanted = wanted_fix(pull_request, branch, overtakes=overtakes, mend_withdrawn=mend_withdrawn)
    release = plan_hotfix(
        repository, wanted, requested_by=requested_by, reason=reason, pinned=this_run.name()
    )
    if release.already_released:
        return Completed(message=f"{wanted.title} is already in production")
    if release.phase < Phase.PUBLISHED:
        ended = to_production(release)
        if ended is not None:
            return ended
    with told_when_it_stops(release):
        ensure_original_told(release)
    return back_to_develop(release)
