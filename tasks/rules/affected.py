"""What a deploy would meet on its target: runs that are active, histories that would go, what is protected there.

All of it but the protection moves by itself, so an approval is not bound to it: it is shown as it was when looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.rules.plans import Plan

MOST_RUNS = 100  # that are counted of one job


@dataclass(frozen=True)
class ActiveRun:
    """A run that had not ended; `key` is its job, as in `resources.jobs.daily_report`."""

    key: str
    run_id: int
    state: str
    url: str


@dataclass(frozen=True)
class Continuous:
    """A pipeline that runs all the time."""

    key: str
    url: str


@dataclass(frozen=True)
class Affected:
    """What was found at the target; `unknown` says why nothing could be.

    `known` are the keys that the target's state knows; `runs_so_far` counts the runs of jobs that would lose
    them, up to `MOST_RUNS`.
    """

    known: frozenset[str] = frozenset()
    runs: tuple[ActiveRun, ...] = ()
    continuous: tuple[Continuous, ...] = ()
    runs_so_far: Mapping[str, int] = field(default_factory=dict)
    unknown: str = ""

    def deleted_by_hand(self, plan: Plan) -> tuple[str, ...]:
        """The keys that the state knows and the plan wants to create: somebody deleted them in the workspace."""
        return tuple(
            each.key for each in plan.changes if each.creates and not each.right and each.key in self.known
        )


@dataclass(frozen=True)
class Protection:
    """Which resources `lifecycle.prevent_destroy` protects.

    `deployed` are those of the configuration that was deployed last, `planned` those of the one to be deployed: a
    block that is taken out takes its protection with it, and the CLI looks at the planned one only. `unknown` says
    why the deployed ones could not be found out.
    """

    deployed: frozenset[str] = frozenset()
    planned: frozenset[str] = frozenset()
    unknown: str = ""

    def holds(self, key: str) -> bool:
        """Whether the resource is protected, or is not known not to be."""
        return bool(self.unknown) or key in self.deployed or key in self.planned
