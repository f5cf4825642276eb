"""What every test may ask for."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest
from golden_files import Golden

if TYPE_CHECKING:
    from other_prefect import OtherPrefect
    from prefect.client.orchestration import SyncPrefectClient
    from rolled import Rolled
    from sharing import ByFile
    from two_bundles import Released
    from xdist.remote import Producer

    from sandbox.world import World


_MOST_WORKERS = 8
_ROOM_BYTES = 2 * 2**30  # four times what a whole run leaves there


def few_certificates(folder: Path) -> Path:
    """The first of the usual certificates: a client loads all of them in 20 ms, and tests make thousands of clients.

    They talk to loopback only, without TLS.
    """
    end = "-----END CERTIFICATE-----\n"
    first, _, _ = Path(certifi.where()).read_text(encoding="utf-8").partition(end)
    file = folder / "certificate.pem"
    file.write_text(first + end, encoding="utf-8")
    return file


def keep_files_in_memory() -> None:
    """Temporary files in memory, if there is room: tests make a hundred thousand, and git and databases wait for disks."""
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return
    found = os.statvfs(memory)
    if found.f_bavail * found.f_frsize >= _ROOM_BYTES and not found.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files; refused in CI")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError(
            "--update-golden is for people who read the diff: it is refused where CI is set"
        )
    keep_files_in_memory()
    if "PYTEST_XDIST_WORKER" in os.environ:
        return  # what follows was done for all workers
    # Before anything imports httpx or Prefect; what tests start takes it over.
    folder = Path(tempfile.mkdtemp(prefix="dabflow-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder))
    os.environ["SSL_CERT_FILE"] = os.environ["PREFECT_API_SSL_CERT_FILE"] = str(few_certificates(folder))
    # Not the cache of whoever runs the tests; kept, so that the next run's servers start sooner.
    os.environ["XDG_CACHE_HOME"] = str(config.rootpath / ".pytest_cache" / "home")


LONGEST_FIRST = ("flows", "deployments", "tasks", "contract", "bench")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores, as tests also wait; of 0.5 GB each, with the Prefect server that most need."""
    return min((os.cpu_count() or 1) + 1, _MOST_WORKERS)


def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "ByFile":
    from sharing import ByFile

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The workers end at about the same time: long tests first."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(tests).parts[0]
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def golden(pytestconfig: pytest.Config) -> Golden:
    """Texts that people read, compared with `tests/golden/`."""
    return Golden(update=bool(pytestconfig.getoption("--update-golden")))


@contextmanager
def one_migrates() -> Iterator[None]:
    """As long as no migrated database is kept, the other workers wait for the one that makes it."""
    from sandbox import prefect_database

    folder = prefect_database.kept().parent
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "migrating.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if prefect_database.kept().exists():
            fcntl.flock(lock, fcntl.LOCK_UN)
        yield


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API address of a real Prefect server of this test session; flows in this process use it."""
    from prefect.events.clients import NullEventsClient
    from prefect.events.worker import EventsWorker
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
        PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_HOME,
        temporary_settings,
    )
    from prefect.testing import utilities

    from sandbox import prefect_database

    home = tmp_path_factory.mktemp("prefect")
    changed = {
        # Not the home of whoever runs the tests.
        PREFECT_HOME: home,
        # Without heartbeats: their thread adds up to a second to the end of each run.
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        # Two questions less for every client; the server is of this version, and knows no CSRF tokens.
        PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False,
        PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: False,
    }
    # A server opens one connection only to a database with this name in its address. With several, SQLite
    # refuses to write every now and then, and Prefect's client waits two seconds or more after each refusal.
    database = home / ":memory:"
    with temporary_settings(changed), ExitStack() as running:
        with one_migrates(), pytest.MonkeyPatch.context() as patch:
            prefect_database.begin(database, file="prefect-test.db")
            patch.setattr(utilities, "mkdtemp", lambda: str(database))
            running.enter_context(utilities.prefect_test_harness(server_startup_timeout=120))
            prefect_database.keep(database, file="prefect-test.db")
        EventsWorker.set_client_override(NullEventsClient)
        running.callback(EventsWorker.set_client_override, None)
        yield str(PREFECT_API_URL.value())


@pytest.fixture
def task_runs_kept(prefect_server: str) -> Iterator[None]:
    """That server writes down each task run, as every other server does.

    Else it does not: nothing of ours asks for them but those who watch a run, and it is half of a server's work.
    """
    from prefect.events.clients import NullEventsClient
    from prefect.events.worker import EventsWorker

    EventsWorker.set_client_override(None)
    yield
    EventsWorker.set_client_override(NullEventsClient)


@pytest.fixture
def bare_prefect(prefect_server: str) -> "Iterator[SyncPrefectClient]":
    """A client of that server, with nothing of ours installed."""
    from bare import make_bare
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        make_bare(client)
        yield client


@pytest.fixture(scope="session")
def other_prefect(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[OtherPrefect]":
    """A second server, whose database knows of no release."""
    from other_prefect import started

    with started(tmp_path_factory.mktemp("other-prefect")) as server:
        yield server


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a seeded, stopped world: 1.3.0 released, work on develop since."""
    from sandbox.seed import seed
    from sandbox.world import REPOSITORY, World

    folder = tmp_path_factory.mktemp("seeded") / "world"
    with World.open(folder) as world:
        seed(world)
    # It is copied hundreds of times: one pack instead of a hundred files.
    repository = folder / "github" / "repositories" / f"{REPOSITORY}.git"
    subprocess.run(["git", "repack", "-a", "-d", "-q"], cwd=repository, check=True)
    return folder


@pytest.fixture(scope="session")
def rolled(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> "Rolled":
    """The same with 1.4.0 and 1.5.0 released since, 1.5.0 in production: a world to go back in."""
    from rolled import make_world
    from stages import opened

    from sandbox.world import copy_world

    folder = copy_world(seeded, tmp_path_factory.mktemp("rolled") / "world")
    with opened(folder) as world:
        return folder, make_world(world)


@pytest.fixture(scope="session")
def two_bundles(tmp_path_factory: pytest.TempPathFactory) -> "Released":
    """A repository with two bundles of which 0.1.0 was released."""
    from two_bundles import make_released

    return make_released(tmp_path_factory.mktemp("two-bundles") / "world")


@pytest.fixture
def rolled_world(rolled: "Rolled", tmp_path: Path) -> "Iterator[World]":
    """A fresh copy of it, answering."""
    from stages import opened

    from sandbox.world import copy_world

    with opened(copy_world(rolled[0], tmp_path / "world")) as world:
        yield world


@pytest.fixture
def world(seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Iterator[World]":
    """A fresh copy of the seeded world, answering, with the environment that a worker would have."""
    from sandbox.world import World, copy_world

    with World.open(copy_world(seeded, tmp_path / "world")) as opened:
        for name, value in opened.environment().items():
            monkeypatch.setenv(name, value)
        yield opened
