"""One at a time: Prefect's global concurrency limits, with a lease that ends when its holder dies."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

log = logging.getLogger(__name__)

LEASE_SECONDS = 60  # Prefect's minimum; its server looks every 15 s for leases that ended: 75 s were measured after a kill
# A server on SQLite answers 503 while it writes down the step before, and its client then waits two seconds.
SETTLE_SECONDS = 0.2


def lock_name(repository: str, environment: str) -> str:
    """The name of the limit, as `prefect gcl ls` shows it (Prefect forbids `/` in names)."""
    return f"dabflow:{environment}:{repository.replace('/', '.')}"


@contextmanager
def one_at_a_time(repository: str, environment: str) -> Iterator[None]:
    """Hold the lock of a repository's environment; wait for whoever holds it now.

    Losing the lease does not kill us: every step inside looks before it acts, and a deployment killed in the
    middle costs more than a second holder who finds everything done.
    """
    name = lock_name(repository, environment)
    _make_sure_it_exists(name)
    time.sleep(SETTLE_SECONDS)
    with concurrency(name, strict=True, lease_duration=LEASE_SECONDS, raise_on_lease_renewal_failure=False):
        log.info("holding %s", name)
        yield


def _make_sure_it_exists(name: str) -> None:
    # Only when it is missing: an update of a limit in use could disturb its holder.
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            try:
                client.upsert_global_concurrency_limit_by_name(name, limit=1)
            except ObjectAlreadyExists:
                # Another run made it at the same moment: then it is there now.
                client.read_global_concurrency_limit_by_name(name)
