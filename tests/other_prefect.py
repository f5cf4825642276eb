"""A whole Prefect server, as `prefect server start` starts it; the harness leaves out what ends leases.

For programs of their own: Prefect's clients in one process keep to the server that they have met first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.prefect_side import SERVER, prefect_environment, prefect_url, start_prefect, wait_for_prefect
from sandbox.processes import stop


@dataclass(frozen=True)
class OtherPrefect:
    """The address of its API, and the folder where it keeps the leases of locks."""

    api: str
    leases: Path


@contextmanager
def started(folder: Path) -> Iterator[OtherPrefect]:
    environment = {"PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1"}
    try:
        wait_for_prefect(folder, start_prefect(folder, environment))
        home = Path(prefect_environment(folder, environment)["PREFECT_HOME"])
        yield OtherPrefect(f"{prefect_url(folder)}/api", home / "concurrency_leases")
    finally:
        stop(folder, SERVER)
