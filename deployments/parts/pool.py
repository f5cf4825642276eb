"""The work pool, and its queue for what must not wait behind releases."""

from dataclasses import dataclass

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import WorkPool, WorkQueue
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from deployments.parts.part import MISSING, Comparison, Difference, Seen
from tasks.rules.errors import NeedsHuman

POOL = "dabflow"
FIRST, DEFAULT = "first", "default"
_TYPE = "process"
_DESCRIPTION = "Runs dabflow's releases; made by `dabflow install`."


@dataclass(frozen=True)
class Pool:
    """The pool. Its job template comes with the first worker; what a run needs is in the deployments."""

    client: SyncPrefectClient
    name: str = POOL

    @property
    def title(self) -> str:
        return f"work pool {self.name}"

    def look(self) -> Seen:
        found = self._found()
        if found is None:
            return Seen((Difference(MISSING),))
        if found.type != _TYPE:
            raise NeedsHuman(
                f"the work pool {self.name} is for workers of the type {found.type}, not {_TYPE}: it is not dabflow's",
                f"if nothing uses it, delete it (prefect work-pool delete {self.name}), then run dabflow install again",
            )
        if found.description not in {None, "", _DESCRIPTION}:
            raise NeedsHuman(
                f"the work pool {self.name} is not dabflow's; it says of itself: {found.description}",
                f"delete it (prefect work-pool delete {self.name}), or, if dabflow may have it, empty its description",
            )
        compared = Comparison()
        compared.of("description", found.description, _DESCRIPTION)
        stays = []
        if found.is_paused:
            stays.append("is paused: no run starts until somebody resumes it")
        if found.concurrency_limit is not None:
            stays.append(f"runs {found.concurrency_limit} at most at a time: somebody's limit")
        return Seen(tuple(compared.found), tuple(stays))

    def make(self, seen: Seen) -> None:
        if seen.missing:
            try:
                wanted = WorkPoolCreate(name=self.name, type=_TYPE, description=_DESCRIPTION)
                self.client.create_work_pool(wanted)
            except ObjectAlreadyExists:
                return  # a worker that started at this moment made it: the next look says how it differs
        else:
            self.client.update_work_pool(self.name, WorkPoolUpdate(description=_DESCRIPTION))

    def removable(self) -> bool:
        found = self._found()
        return found is not None and (found.type, found.description) == (_TYPE, _DESCRIPTION)

    def remove(self) -> None:
        self.client.delete_work_pool(self.name)

    def _found(self) -> WorkPool | None:
        try:
            return self.client.read_work_pool(self.name)
        except ObjectNotFound:
            return None


@dataclass(frozen=True)
class FirstQueue:
    """Hotfixes, rollbacks and the housekeeping go before releases where a worker takes only a few runs at a time."""

    client: SyncPrefectClient
    pool: str = POOL
    name: str = FIRST

    @property
    def title(self) -> str:
        return f"work queue {self.pool}/{self.name}"

    def look(self) -> Seen:
        queues = self._queues()
        found, other = queues.get(self.name), queues.get(DEFAULT)
        if found is None:
            return Seen((Difference(MISSING),))
        late = other is not None and found.priority >= other.priority
        differs = (Difference("priority", str(found.priority), "1"),) if late else ()
        return Seen(differs, ("is paused: somebody's wish",) if found.is_paused else ())

    def make(self, seen: Seen) -> None:
        if seen.missing:
            try:
                self.client.create_work_queue(self.name, work_pool_name=self.pool, priority=1)
            except ObjectAlreadyExists:
                return  # a deployment brought it: the next look says how it differs
        else:
            self.client.update_work_queue(self._queues()[self.name].id, priority=1)

    def removable(self) -> bool:
        """It goes with its pool."""
        return False

    def remove(self) -> None:
        """Nothing is left to do."""

    def _queues(self) -> dict[str, WorkQueue]:
        try:
            return {queue.name: queue for queue in self.client.read_work_queues(work_pool_name=self.pool)}
        except ObjectNotFound:
            return {}
