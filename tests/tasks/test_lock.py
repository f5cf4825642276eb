"""One at a time, by Prefect's own limits."""

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from other_prefect import OtherPrefect
from prefect.client.orchestration import get_client
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse

from tasks.lock import LEASE_SECONDS, lock_name, one_at_a_time

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("prefect_server")


def limit(repository: str, environment: str) -> GlobalConcurrencyLimitResponse:
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(lock_name(repository, environment))


def test_the_limit_is_made_when_it_is_missing_and_free_afterwards() -> None:
    with one_at_a_time("acme/new", "production"):
        held = limit("acme/new", "production")
        assert (held.limit, held.active_slots) == (1, 1)

    assert limit("acme/new", "production").active_slots == 0


def test_it_is_free_after_an_error_inside() -> None:
    with pytest.raises(RuntimeError), one_at_a_time("acme/broken", "production"):
        raise RuntimeError

    assert limit("acme/broken", "production").active_slots == 0


def test_one_after_the_other() -> None:
    inside: list[str] = []

    def hold(name: str) -> None:
        with one_at_a_time("acme/busy", "production"):
            inside.append(f"{name} in")
            time.sleep(0.5)
            inside.append(f"{name} out")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hold, ["a", "b"]))

    assert inside in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])


def test_repositories_and_environments_do_not_wait_for_each_other() -> None:
    entered = threading.Event()

    def enter_others() -> None:
        with one_at_a_time("acme/one", "staging"), one_at_a_time("acme/two", "production"):
            entered.set()

    with one_at_a_time("acme/one", "production"):
        other = threading.Thread(target=enter_others)
        other.start()
        assert entered.wait(timeout=20)
    other.join()


def test_a_lock_that_people_made_wider_is_left_as_it_is() -> None:
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(lock_name("acme/wide", "staging"), limit=2)

    with one_at_a_time("acme/wide", "staging"):
        assert limit("acme/wide", "staging").limit == 2


ENTER = """
import sys, time
from tasks.lock import one_at_a_time
with one_at_a_time("acme/killed", "production"):
    print("inside", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def enter(api: str, *, then_stay_seconds: int) -> subprocess.Popen[str]:
    """A process that waits for the lock, says that it is inside, and stays there."""
    environment = os.environ | {"PREFECT_API_URL": api, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ENTER, str(then_stay_seconds)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def says(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline().strip() if process.stdout else ""


def test_a_killed_holder_is_followed_when_its_lease_ends(other_prefect: OtherPrefect) -> None:
    """The lease is as short as Prefect allows, a minute; here the server's note of its end is put forward."""
    with enter(other_prefect.api, then_stay_seconds=600) as holder:
        assert says(holder) == "inside"
        holder.kill()
    limits = f"{other_prefect.api}/v2/concurrency_limits/{lock_name('acme/killed', 'production')}"
    held = httpx.get(limits).json()
    assert held["active_slots"] == 1, "its place is not free yet"

    with enter(other_prefect.api, then_stay_seconds=0) as waiter:
        end_lease(other_prefect.leases, held["id"])
        assert says(waiter) == "inside"

    assert LEASE_SECONDS == 60


def end_lease(leases: Path, limit_id: str) -> None:
    """Write into the server's file storage that the lease of this limit ends now.

    Source: Prefect 3.8, server/concurrency/lease_storage/filesystem.py.
    """
    (file,) = [path for path in leases.glob("*-*.json") if limit_id in path.read_text(encoding="utf-8")]
    now = datetime.now(UTC).isoformat()
    for path, change in ((file, {"expiration": now}), (leases / "expirations.json", {file.stem: now})):
        new = path.with_suffix(".new")
        new.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
        new.replace(path)


def test_a_lock_has_a_name_that_prefect_takes() -> None:
    assert lock_name("acme/lakehouse", "production") == "dabflow:production:acme.lakehouse"
