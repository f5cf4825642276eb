"""Take over what somebody deployed to production by hand."""

from tasks.adopt import ensure_adopted
from tasks.by_people import insist_on_reason, insist_on_write_access
from tasks.known_state import recorded_of
from tasks.rules.errors import NeedsHuman
from tasks.rules.release import PRODUCTION
from tasks.running import running_commits
from tasks.standing import production_settings
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo


def adopted(repository: str, reason: str) -> str:
    """GitHub's record of production names what runs there; returns what is so, as a sentence.

    Raises:
        NeedsHuman: nothing, or several things, run there; the reason is empty, or the caller may not write.
        TryAgain: GitHub or the workspace did not answer.
    """
    mirror, hub = Mirror(repository).fetch(), GitHubRepo(repository)
    reason = insist_on_reason(reason, "taking over what somebody deployed by hand")
    insist_on_write_access(hub)
    settings = production_settings(mirror)
    at = mirror.branches()[settings.branches.production]
    runs = running_commits(mirror, settings, at, settings.targets.production)
    if len(runs) != 1:
        named = ", ".join(commit[:12] for commit in runs) or "nothing"
        raise NeedsHuman(
            f"{settings.targets.production} runs {named}: that is not one deployment",
            "deploy all of its bundles from one commit, then adopt that",
        )
    before = recorded_of(hub.newest_successful_deployment(PRODUCTION))
    if not ensure_adopted(mirror, hub, runs[0], {"by": hub.me, "reason": reason}):
        return f"production runs {runs[0][:12]}, as GitHub's record says: nothing was to be done"
    instead = f" instead of {before.commit[:12]}" if before else ""
    return f"production runs {runs[0][:12]}{instead}: taken over; the next release may overwrite it"
