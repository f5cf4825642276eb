"""What a deploy leaves behind on the worker, and what that proves."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.rules.errors import TryAgain
from tasks.systems import child
from tasks.systems.deploy_journal import DeployJournal, Unfinished

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEADER = '{"state_version":2,"cli_version":"1.14.0-dev","lineage":"L","serial":%d}'
STATE = '{"state_version":2,"lineage":"L","serial":4,"state":{"resources.jobs.a":{"__id__":"1"}}}'


@pytest.fixture
def journal(tmp_path: Path) -> DeployJournal:
    (tmp_path / "prod").mkdir()
    return DeployJournal(tmp_path, "prod")


def write(journal: DeployJournal, *, state: str = "", wal: tuple[str, ...] = ()) -> None:
    if state:
        (journal.folder / "prod" / "resources.json").write_text(state)
    if wal:
        (journal.folder / "prod" / "resources.json.wal").write_text("\n".join(wal))
    with journal.deploying():
        pass


def test_an_empty_journal_proves_nothing(journal: DeployJournal) -> None:
    assert journal.unfinished() is None
    write(journal)
    assert journal.unfinished() is None


@pytest.mark.parametrize("state", ["", "[]", "{", '{"lineage": "L"}', '{"lineage": "L", "serial": "many"}'])
def test_a_journal_that_makes_no_sense_proves_nothing(journal: DeployJournal, state: str) -> None:
    write(journal, state=state)

    assert journal.unfinished() is None


def test_what_was_made_is_in_the_state_and_in_the_lines_after_it(journal: DeployJournal) -> None:
    """The last line may be half written; one without a value says that something was deleted."""
    lines = (
        HEADER % 5,
        '{"k":"resources.jobs.b","v":{"__id__":"2"}}',
        '{"k":"resources.jobs.a"}',
        '{"k":"resources.jobs.c","v":{"__i',
    )
    write(journal, state=STATE, wal=lines)

    found = journal.unfinished()

    assert found is not None
    assert (found.lineage, found.serial, found.ids) == ("L", 5, frozenset({"1", "2"}))


@pytest.mark.parametrize(
    ("state", "follows"),
    [(("L", 4), True), (("L", 5), False), (("L", 3), False), (("other", 4), False), (None, False)],
)
def test_it_counts_only_if_nobody_has_deployed_since(state: tuple[str, int] | None, follows: bool) -> None:
    assert Unfinished("L", 5, frozenset(), NOON, NOON).follows(state) is follows


def test_the_first_deployment_follows_nothing() -> None:
    assert Unfinished("L", 1, frozenset(), NOON, NOON).follows(None)


@pytest.mark.parametrize(
    ("since", "ours"),
    [
        ("2026-11-24T12:00:05.123456789Z", True),
        ("2026-11-24T13:00:05.5+01:00", True),
        ("2026-11-24T11:59:59Z", False),
        ("2026-11-24T12:00:11Z", False),
        ("2026-11-24T12:00:05", False),
        ("None", False),
    ],
)
def test_a_lock_is_known_by_when_it_was_taken(since: str, ours: bool) -> None:
    deploy = Unfinished("L", 5, frozenset(), NOON, NOON + timedelta(seconds=10))

    assert deploy.took(since) is ours


def test_nothing_is_concluded_while_anything_of_the_deploy_lives(
    journal: DeployJournal, until: Callable[[Callable[[], bool]], None]
) -> None:
    """The program that was started holds the journal, also if we are gone: the descriptor is its own."""
    write(journal, state=STATE)
    ready, stop = journal.folder / "ready", journal.folder / "stop"
    script = f"touch {ready}; while [ ! -e {stop} ]; do sleep 0.05; done"

    def deploy() -> None:
        with journal.deploying() as in_use:
            child.run(
                ["/bin/sh", "-c", script],
                cwd=journal.folder,
                environment={},
                within_seconds=60,
                keeps_open=[in_use],
            )

    thread = threading.Thread(target=deploy)
    thread.start()
    until(ready.exists)

    with pytest.raises(TryAgain, match="still runs"):
        journal.unfinished()
    with pytest.raises(TryAgain, match="still runs"), journal.deploying():
        pass

    stop.touch()
    thread.join()
    assert journal.unfinished() is not None


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Waits, half a minute at most, until something is so."""

    def wait(condition: Callable[[], bool]) -> None:
        event = threading.Event()
        for _ in range(600):
            if condition():
                return
            event.wait(0.05)
        raise AssertionError("it never was")

    return wait
