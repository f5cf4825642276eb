"""The locks of a repository, which are Prefect's global concurrency limits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from deployments.parts.part import MISSING, Comparison, Difference, Seen
from tasks.lock import lock_name

ENVIRONMENTS = ("staging", "production")
_OURS = re.compile(rf"dabflow:(?:{'|'.join(ENVIRONMENTS)}):\S+")
_PAGE = 200


@dataclass(frozen=True)
class Lock:
    """One limit: one holder, and switched on. A step makes it, too, where it is missing."""

    client: SyncPrefectClient
    name: str

    @property
    def title(self) -> str:
        return f"lock {self.name}"

    def look(self) -> Seen:
        found = self._found()
        if found is None:
            return Seen((Difference(MISSING),))
        compared = Comparison()
        compared.of("limit", found.limit, 1)
        compared.of("active", found.active, True)
        compared.of("slot_decay_per_second", found.slot_decay_per_second, 0.0)
        return Seen(tuple(compared.found))

    def make(self, seen: Seen) -> None:
        if seen.missing:
            try:
                self.client.create_global_concurrency_limit(
                    GlobalConcurrencyLimitCreate(name=self.name, limit=1)
                )
            except ObjectAlreadyExists:
                return  # a release that started at this moment made it
        else:
            wanted = GlobalConcurrencyLimitUpdate(limit=1, active=True, slot_decay_per_second=0.0)
            self.client.update_global_concurrency_limit(self.name, wanted)

    def removable(self) -> bool:
        return self._found() is not None

    def remove(self) -> None:
        self.client.delete_global_concurrency_limit_by_name(self.name)

    def held(self) -> bool:
        found = self._found()
        return found is not None and found.active_slots > 0

    def _found(self) -> GlobalConcurrencyLimitResponse | None:
        try:
            return self.client.read_global_concurrency_limit_by_name(self.name)
        except ObjectNotFound:
            return None


def locks(client: SyncPrefectClient, repositories: tuple[str, ...]) -> list[Lock]:
    """The locks of these repositories, and all that the server has already."""
    names = {lock_name(repository, one) for repository in repositories for one in ENVIRONMENTS}
    names |= {limit.name for limit in all_limits(client) if _OURS.fullmatch(limit.name)}
    return [Lock(client, name) for name in sorted(names)]


def all_limits(client: SyncPrefectClient) -> Iterator[GlobalConcurrencyLimitResponse]:
    offset = 0
    while page := client.read_global_concurrency_limits(limit=_PAGE, offset=offset):
        yield from page
        offset += len(page)
