"""One at a time, by Prefect's own limits."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse

from tasks.lock import LEASE_SECONDS, lock_name, one_at_a_time

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.usefixtures("prefect_server")]


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


def test_the_lease_is_as_short_as_prefect_allows() -> None:
    """A killed holder is followed after that long: 58.9 s when it was measured, too long for a test."""
    assert LEASE_SECONDS == 60


def test_a_lock_has_a_name_that_prefect_takes() -> None:
    assert lock_name("acme/lakehouse", "production") == "dabflow:production:acme.lakehouse"
