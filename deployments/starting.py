"""Start a standard release, a hotfix or a rollback."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from deployments.parts.pool import POOL
from deployments.prefect_api import HOTFIX, RELEASE, ROLLBACK, PrefectApi
from deployments.runs import Run
from tasks.rules.errors import NeedsHuman
from tasks.rules.versions import Version


class Order(Protocol):
    """What somebody asks for, of which deployment of a flow."""

    deployment: ClassVar[str]

    @property
    def repository(self) -> str: ...

    def parameters(self) -> dict[str, Any]:
        """The parameters of the flow."""
        ...


@dataclass(frozen=True)
class StandardRelease:
    """A part of the version that grows, or an exact version."""

    deployment: ClassVar[str] = RELEASE

    repository: str
    requested_by: str
    bump: str = "auto"
    version: str | None = None
    reason: str = ""

    def parameters(self) -> dict[str, Any]:
        """The parameters of the standard release.

        Raises:
            NeedsHuman: the version is not one.
        """
        exact = {"version": str(Version.parse(self.version))} if self.version is not None else {}
        return {
            "repository": self.repository,
            "requested_by": self.requested_by,
            "bump": self.bump,
            "reason": self.reason,
            **exact,
        }


@dataclass(frozen=True)
class Hotfix:
    """A pull request, or a branch without one, that goes to production by itself."""

    deployment: ClassVar[str] = HOTFIX

    repository: str
    requested_by: str
    pull_request: int | None = None
    branch: str | None = None
    reason: str = ""
    overtakes: bool = False
    mend_withdrawn: bool = False

    def parameters(self) -> dict[str, Any]:
        """The parameters of the hotfix.

        Raises:
            NeedsHuman: not exactly one of pull request and branch is named.
        """
        if (self.pull_request is None) is (self.branch is None):
            raise NeedsHuman(
                "a hotfix is one pull request, or one branch that has none",
                "give --pr NUMBER or --branch NAME",
            )
        if self.pull_request is not None and self.pull_request < 1:
            raise NeedsHuman(
                f"there is no pull request #{self.pull_request}", "give the number that GitHub shows"
            )
        what = {"pull_request": self.pull_request} if self.branch is None else {"branch": self.branch}
        return {
            "repository": self.repository,
            "requested_by": self.requested_by,
            "reason": self.reason,
            "overtakes": self.overtakes,
            "mend_withdrawn": self.mend_withdrawn,
            **what,
        }


@dataclass(frozen=True)
class Rollback:
    """A version that production is to run again, and why."""

    deployment: ClassVar[str] = ROLLBACK

    repository: str
    requested_by: str
    to: str
    reason: str
    overtakes: bool = False

    def parameters(self) -> dict[str, Any]:
        """The parameters of the rollback.

        Raises:
            NeedsHuman: the version is not one, or there is no reason.
        """
        if not self.reason.strip():
            raise NeedsHuman("a rollback needs a reason that others understand", "give it: --reason TEXT")
        return {
            "repository": self.repository,
            "requested_by": self.requested_by,
            "to": str(Version.parse(self.to)),
            "reason": self.reason,
            "overtakes": self.overtakes,
        }


def start_run(api: PrefectApi, order: Order) -> Run:
    """A run of the flow is created; a worker takes it within seconds.

    Prefect's client repeats what the server could not take at that moment (503). Should that make a second run,
    it finds the first one at work, and ends.

    Raises:
        NeedsHuman: Prefect has no such deployment, or refuses the parameters.
        TryAgain: Prefect does not answer.
    """
    return api.start(order.deployment, order.parameters())


def warning_without_worker(api: PrefectApi) -> str:
    """What to say when nobody would take the run; "" when there is a worker."""
    if api.workers_online():
        return ""
    return f"no worker asks for the runs of the pool {POOL} now; the run waits for one: dabflow worker"
