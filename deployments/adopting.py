"""Take over what somebody deployed to production by hand."""

from collections.abc import Sequence

from tasks.adopt import by_root, ensure_adopted, foreign
from tasks.by_people import insist_on_reason, insist_on_write_access
from tasks.known_state import recorded_in
from tasks.rules.errors import NeedsHuman
from tasks.rules.release import PRODUCTION, BundleRuns
from tasks.running import running_bundles
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
    runs = running_bundles(mirror, settings, at, settings.targets.production)
    record = hub.newest_successful_deployment(PRODUCTION)
    before = recorded_in(mirror, record)
    if not any(one.commit for one in runs):
        raise NeedsHuman(
            f"{settings.targets.production} runs nothing", "release a version: there is nothing to take over"
        )
    others = foreign(runs, before)
    if not others:
        return f"production runs {_named(runs)}, as GitHub's record says: nothing was to be done"
    if len(others) > 1:
        raise NeedsHuman(
            f"{settings.targets.production} runs {_named(runs)}: that is not one deployment",
            "deploy the bundles that somebody deployed by hand from one commit, then adopt that",
        )
    ensure_adopted(mirror, hub, others[0], {"by": hub.me, "reason": reason}, by_root(runs))
    instead = f" instead of {before.commit[:12]}" if before else ""
    return f"production runs {_named(runs)}{instead}: taken over; the next release may overwrite it"


def _named(runs: Sequence[BundleRuns]) -> str:
    """The commits, each with its bundle where they are not the same."""
    commits = sorted({one.commit for one in runs if one.commit})
    if len(commits) == 1:
        return commits[0][:12]
    return ", ".join(f"{one.commit[:12] if one.commit else 'nothing'} ({one.bundle})" for one in runs)
