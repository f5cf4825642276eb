"""Start a release."""

from dataclasses import dataclass

from deployments.prefect_api import POOL, PrefectApi
from deployments.runs import Run
from tasks.rules.versions import Version


@dataclass(frozen=True)
class Order:
    """What somebody asks for: a part of the version that grows, or an exact version."""

    repository: str
    requested_by: str
    bump: str = "auto"
    version: str | None = None
    reason: str = ""

    def parameters(self) -> dict[str, str]:
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


def start_release(api: PrefectApi, order: Order) -> Run:
    """A run of the release is created; a worker takes it within seconds.

    Prefect's client repeats what the server could not take at that moment (503). Should that make a second run,
    it finds the release under way, and ends.

    Raises:
        NeedsHuman: Prefect has no such deployment, or refuses the parameters.
        TryAgain: Prefect does not answer.
    """
    return api.start(order.parameters())


def warning_without_worker(api: PrefectApi) -> str:
    """What to say when nobody would take the run; "" when there is a worker."""
    if api.workers_online():
        return ""
    return f"no worker asks for the runs of the pool {POOL} now; the run waits for one: dabflow worker"
