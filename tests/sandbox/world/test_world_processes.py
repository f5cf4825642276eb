"""Child processes of a sandbox: started, found again, ended, and never mistaken for somebody else's."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.processes import Unhealthy, began, remembered, start, stop, wait_until

READY = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def soon(true: Callable[[], bool]) -> bool:
    for _ in range(250):
        if true():
            return True
        time.sleep(0.02)
    return False


def test_a_child_is_remembered_and_ended(tmp_path: Path) -> None:
    child = start(tmp_path, "sleeper", SLEEP, os.environ)

    assert soon(lambda: child.alive)
    assert remembered(tmp_path, "sleeper") == child
    assert stop(tmp_path, "sleeper")
    assert soon(lambda: not child.alive)
    assert remembered(tmp_path, "sleeper") is None


def test_ending_what_does_not_run_is_fine(tmp_path: Path) -> None:
    assert not stop(tmp_path, "nobody")


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    child = start(tmp_path, "stubborn", [sys.executable, "-c", stubborn], os.environ)
    assert soon(lambda: "deaf" in Path(child.log).read_text())

    assert stop(tmp_path, "stubborn", within_seconds=0.3)

    assert not child.alive


def test_what_a_dead_child_left_behind_is_ended(tmp_path: Path) -> None:
    parent = f"import subprocess, time; print(subprocess.Popen({SLEEP!r}).pid, flush=True); time.sleep(60)"
    child = start(tmp_path, "parent", [sys.executable, "-c", parent], os.environ)
    assert soon(lambda: Path(child.log).read_text().strip().isdigit())
    orphan = int(Path(child.log).read_text())
    os.kill(child.pid, signal.SIGKILL)
    assert soon(lambda: not child.alive)
    assert began(orphan)

    assert not stop(tmp_path, "parent")

    assert soon(lambda: not began(orphan))


def test_a_stranger_who_got_the_same_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP, start_new_session=True) as stranger:
        note = {"name": "old", "pid": stranger.pid, "began": "long ago", "log": str(tmp_path / "old.log")}
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "old.json").write_text(json.dumps(note))

        assert not stop(tmp_path, "old")

        time.sleep(0.1)
        assert stranger.poll() is None
        stranger.kill()


def test_interrupts_work_even_when_the_starter_ignores_them(tmp_path: Path) -> None:
    """A Prefect worker stops by an interrupt that it sends to itself."""
    code = (
        "import os, sys; from pathlib import Path; from sandbox.processes import start; import time\n"
        f"start(Path({str(tmp_path)!r}), 'sleeper', {READY!r}, os.environ)"
    )
    ignoring = f"trap '' INT; exec {sys.executable} -c \"$1\""
    subprocess.run(["sh", "-c", ignoring, "sh", code], check=True)
    child = remembered(tmp_path, "sleeper")
    assert child is not None
    log = Path(child.log)
    assert soon(lambda: "ready" in log.read_text())

    os.kill(child.pid, signal.SIGINT)

    assert soon(lambda: not child.alive)
    stop(tmp_path, "sleeper")


def test_a_child_that_ends_while_it_starts_is_shown_with_its_last_words(tmp_path: Path) -> None:
    child = start(
        tmp_path, "broken", [sys.executable, "-c", "raise SystemExit('no such database')"], os.environ
    )

    with pytest.raises(Unhealthy, match=r"broken ended while it started[\s\S]*no such database"):
        wait_until(child, lambda: False, within_seconds=60)


def test_a_child_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    child = start(tmp_path, "slow", SLEEP, os.environ)

    with pytest.raises(Unhealthy, match="slow is not ready after"):
        wait_until(child, lambda: False, within_seconds=0.2)
    stop(tmp_path, "slow")
