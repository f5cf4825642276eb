"""A deploy of this worker that was ended in the middle: taken over where that is proved to be safe, shown where not.

It is safe if the journal of that deploy is here, no process of it lives, nobody has written the bundle's state since,
and every orphan is in the journal: then the next deploy with that journal makes nothing twice. The command's lock is
broken only if it is the one that this deploy took.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.bundles import workspace_of
from tasks.rules.errors import NeedsHuman
from tasks.rules.release import Validated
from tasks.systems.bundle_cli import BundleCli

if TYPE_CHECKING:
    from tasks.systems.workspace import Orphan

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rest:
    """What the next deploy of a bundle takes over; `dead_lock` if the command's lock is that of the dead deploy."""

    dead_lock: bool


def rest_of(cli: BundleCli, bundle: Validated) -> Rest | None:
    """What an unfinished deploy of this worker left for the next one; None if there was none.

    Raises:
        NeedsHuman: there are things that neither the state nor the journal knows: a deploy would make them twice.
        TryAgain: that deploy still runs, or the workspace does not answer.
    """
    workspace = workspace_of(bundle.target)
    unfinished = cli.journal.unfinished()  # first: what still runs may still make things
    orphans = workspace.orphans(bundle.root_path)
    if unfinished is None or not unfinished.follows(workspace.state_version(bundle.root_path)):
        if orphans:
            raise left_behind(bundle, orphans)
        return None
    unknown = [orphan for orphan in orphans if orphan.id not in unfinished.ids]
    if unknown:
        raise left_behind(bundle, unknown)
    lock = workspace.lock(bundle.root_path)
    ours = lock is not None and not lock.forced and lock.holder == bundle.deployer
    dead = ours and lock is not None and unfinished.took(lock.since)
    log.warning(
        "a deploy to %s was ended in the middle; its journal knows all it made, the next one goes on from there%s",
        bundle.target,
        " and takes its lock over" if dead else "",
    )
    return Rest(dead)


def insist_on_no_orphans(bundle: Validated, *, after: str = "") -> None:
    """Insist that everything that names this bundle is in its state.

    Args:
        bundle: which bundle, on which target.
        after: what went wrong before, as the beginning of the text.

    Raises:
        NeedsHuman: something is not.
    """
    orphans = workspace_of(bundle.target).orphans(bundle.root_path)
    if orphans:
        raise left_behind(bundle, orphans, after=after)


def left_behind(bundle: Validated, orphans: "list[Orphan]", *, after: str = "") -> NeedsHuman:
    """Return the stop that names what a broken deploy left."""
    listed = "\n".join(f"  {o.kind} {o.id} {o.name} {o.url}" for o in orphans)
    return NeedsHuman(
        f"{after}{bundle.target} holds what a deploy that ended badly left behind, unknown to the bundle's state:\n"
        f"{listed}",
        "retry on the same worker: what its journal knows is taken over. What it does not know is named again; for"
        " each of those: `databricks bundle deployment bind KEY ID --auto-approve` at this commit, or delete it."
        " Deploying before that would make each of them twice",
    )
