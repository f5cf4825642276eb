"""Make the Prefect side match this dabflow: work pool, queue, block types, locks, the deployments of prefect.yaml, and
the automation that has GitHub told when a release's run ends without a word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound

from deployments.code_version import code_version
from deployments.parts.automation import RunEnded
from deployments.parts.blocks import ConnectionType
from deployments.parts.deployment import Deployment
from deployments.parts.described import FOLDER, described
from deployments.parts.limits import locks
from deployments.parts.part import Part, Seen
from deployments.parts.pool import FIRST, POOL, FirstQueue, Pool
from deployments.prefect_api import RELEASE, prefect_errors
from tasks.rules.code_versions import CodeVersion, worker_differs
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.blocks import BLOCKS

HOUSEKEEPING = "housekeeping/ended"
_TIMES = 3
RESULTS = "PREFECT_RESULTS_LOCAL_STORAGE_PATH"


@dataclass(frozen=True)
class Wish:
    """What an operator said: repositories whose locks are made now, and a folder for results that workers share."""

    repositories: tuple[str, ...] = ()
    results: str = ""


@dataclass(frozen=True)
class Line:
    """What is told about one part; `differs` where something is, or was, not as described."""

    text: str
    differs: bool = False


def parts(client: SyncPrefectClient, wish: Wish | None = None) -> list[Part]:
    """Everything that dabflow has on a Prefect server, in the order in which it is made."""
    wish = wish or Wish()
    version = str(code_version(FOLDER))
    environment = {RESULTS: wish.results} if wish.results else {}
    deployments = [Deployment(client, one, version, environment) for one in described()]
    ended = next(one for one in deployments if one.described.name == HOUSEKEEPING)

    def starts() -> UUID | None:
        return ended.id()

    pools = {one.described.pool: one.described.queue for one in deployments} | {POOL: FIRST}
    return [
        *(Pool(client, name) for name in sorted(pools)),
        *(FirstQueue(client, name) for name, queue in sorted(pools.items()) if queue == FIRST),
        *(ConnectionType(client, kind) for kind in BLOCKS),
        *locks(client, wish.repositories),
        *deployments,
        RunEnded(client, starts),
    ]


def install(client: SyncPrefectClient, wish: Wish | None = None) -> Iterator[Line]:
    """Everything is as this dabflow describes it; yields what was done. What people changed on purpose stays.

    Interrupted anywhere, the next time finishes it: each part is looked at, changed only if it differs, and looked
    at again. Nothing is changed while something of a name of ours is somebody else's.

    Raises:
        NeedsHuman: there is such a thing, or Prefect refuses.
        TryAgain: Prefect did not answer, or does not show yet what it took.
    """
    for part, seen in differences(client, wish):
        # The automation names a deployment that may have been made just now.
        now = part.look() if seen.differences else seen
        done = _made(part, now) if now.differences else "is there"
        yield Line(f"{part.title}: {done}", differs=bool(now.differences))
        yield from (Line(f"  {told}; it stays so") for told in now.stays)


def dry_run(client: SyncPrefectClient, wish: Wish | None = None) -> Iterator[Line]:
    """Yields what `install` would do; changes nothing.

    Raises:
        NeedsHuman, TryAgain: as `install`.
    """
    for part, seen in differences(client, wish):
        yield from (Line(f"{part.title}: {one}", differs=True) for one in seen.differences)
        if not seen.differences:
            yield Line(f"{part.title}: as described")
        yield from (Line(f"  {told}; it stays so") for told in seen.stays)


def differences(client: SyncPrefectClient, wish: Wish | None = None) -> Sequence[tuple[Part, Seen]]:
    """Look at every part; the deployments are compared with this dabflow.

    Raises:
        NeedsHuman: something of a name of ours is somebody else's.
    """
    with prefect_errors():
        return [(part, part.look()) for part in parts(client, wish)]


def _made(part: Part, seen: Seen) -> str:
    left = seen
    for _ in range(_TIMES):  # Prefect's client sends a request again whose answer was lost: two may be there
        with prefect_errors():
            part.make(left)
            left = part.look()
        if not left.differences:
            break
    else:
        raise TryAgain(
            f"Prefect took the {part.title}, but shows it otherwise: {'; '.join(str(one) for one in left.differences)}",
            "run dabflow install again",
        )
    if seen.missing:
        return "made"
    return f"changed: {'; '.join(str(one) for one in seen.differences)}"


def insist_on_this_version(client: SyncPrefectClient, folder: Path) -> None:
    """What is installed on the server, if anything is, is of the version of the code in `folder`.

    Raises:
        NeedsHuman: it is of another one.
    """
    here = code_version(folder)
    with prefect_errors():
        try:
            found = client.read_deployment_by_name(RELEASE).version
        except ObjectNotFound:
            return
    installed = CodeVersion.parse(found or "")
    if installed is not None and installed != here:
        raise NeedsHuman(*worker_differs(here, installed))
