"""A whole Prefect server, as `prefect server start` starts it, on PostgreSQL where the machine has one, else on SQLite;
the harness is always on SQLite, and leaves out what ends leases.

For programs of their own: Prefect's clients in one process keep to the server that they have met first.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import postgres

from sandbox.prefect_side import (
    DATABASE,
    SERVER,
    prefect_environment,
    prefect_url,
    start_prefect,
    wait_for_prefect,
)
from sandbox.processes import stop


@dataclass(frozen=True)
class OtherPrefect:
    """The address of its API, the folder where it keeps the leases of locks, and what its database is."""

    api: str
    leases: Path
    on_postgres: bool


@contextmanager
def started(folder: Path) -> Iterator[OtherPrefect]:
    environment = {"PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1"}
    found = postgres.programs()
    with ExitStack() as running:
        if found:
            database = running.enter_context(postgres.started(found))
            environment[DATABASE] = database
        running.callback(stop, folder, SERVER)
        wait_for_prefect(folder, start_prefect(folder, environment))
        home = Path(prefect_environment(folder, environment)["PREFECT_HOME"])
        yield OtherPrefect(f"{prefect_url(folder)}/api", home / "concurrency_leases", on_postgres=bool(found))
