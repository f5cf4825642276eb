"""Children are real processes: small scripts of this interpreter and of sh."""

import gc
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.systems import child
from tasks.systems.child import Finished, TimedOut, base_environment, run

SECRET = "s3cr3t-of-the-service-principal"


def python(source: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(source), *arguments]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody has collected yet is not alive.
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def until(true: Callable[[], bool], within_seconds: float = 10) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def pid_in(file: Path) -> int:
    assert until(lambda: file.exists() and file.read_text().strip() != "")
    return int(file.read_text())


def test_both_streams_and_the_exit_code_come_back(tmp_path: Path) -> None:
    finished = run(
        ["sh", "-c", "echo to stdout; echo to stderr >&2; exit 3"],
        cwd=tmp_path,
        environment={},
        within_seconds=10,
    )

    assert (finished.exit_code, finished.stdout, finished.stderr) == (3, "to stdout\n", "to stderr\n")
    assert type(finished) is Finished
    assert 0 < finished.seconds < 5


def test_the_child_sees_only_what_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DABFLOW_TARGET_PROD_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")

    finished = run(
        python("import os; print(sorted(os.environ)); print(os.environ['HOME'])"),
        cwd=tmp_path,
        environment={"DATABRICKS_HOST": "https://x"},
        within_seconds=10,
    )

    names, home = finished.stdout.splitlines()
    assert "DABFLOW" not in names
    assert "PREFECT" not in names
    assert "'DATABRICKS_HOST', 'HOME', 'LANG'" in names
    assert home != os.environ["HOME"]
    assert not Path(home).exists()  # thrown away


def test_python3_is_this_interpreter(tmp_path: Path) -> None:
    finished = run(
        ["sh", "-c", "command -v python3 || command -v python"],
        cwd=tmp_path,
        environment={},
        within_seconds=10,
    )

    assert Path(finished.stdout.strip()).parent == Path(sys.executable).parent
    assert base_environment(tmp_path)["HOME"] == str(tmp_path)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NeedsHuman, match="databricks-nowhere could not be started"):
        run(["databricks-nowhere"], cwd=tmp_path, environment={}, within_seconds=1)


def test_full_pipes_on_both_streams_do_not_block(tmp_path: Path) -> None:
    """Each stream alone fills its pipe (64 KB) many times."""
    finished = run(
        python("""
            import sys
            for i in range(2000):
                print("o" * 500); print("e" * 500, file=sys.stderr)
        """),
        cwd=tmp_path,
        environment={},
        within_seconds=60,
        on_line=lambda _, __: None,
    )

    assert len(finished.stdout) == len(finished.stderr) == 2000 * 501


def test_more_than_the_limit_is_counted_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "KEPT_BYTES", 1000)

    finished = run(
        python("print('x' * 5000)"),
        cwd=tmp_path,
        environment={},
        within_seconds=10,
        on_line=lambda _, __: None,
    )

    assert finished.stdout == "x" * 1000 + "\n[4001 more bytes left out]\n"


def test_lines_come_while_it_runs(tmp_path: Path) -> None:
    """The child ends only after it has seen that its first line arrived."""
    seen = tmp_path / "seen"

    def on_line(stream: str, line: str) -> None:
        if (stream, line) == ("stderr", "first"):
            seen.touch()

    finished = run(
        ["sh", "-c", "echo first >&2; while [ ! -e seen ]; do sleep 0.02; done; echo second"],
        cwd=tmp_path,
        environment={},
        within_seconds=10,
        on_line=on_line,
    )

    assert finished.stdout == "second\n"


def test_no_secret_in_log_or_result(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    finished = run(
        ["sh", "-c", 'echo "out $TOKEN"; echo "err $TOKEN" >&2'],
        cwd=tmp_path,
        environment={"TOKEN": SECRET},
        within_seconds=10,
        secrets=[SECRET],
    )

    assert SECRET not in finished.stdout + finished.stderr + caplog.text
    assert sorted(caplog.messages) == ["err ***", "out ***"]


def test_a_secret_in_an_endless_line_is_masked_before_the_line_is_cut(tmp_path: Path) -> None:
    lines: list[str] = []

    run(
        python(f"print('x' * {child.LOGGED_CHARACTERS - 5} + {SECRET!r} + 'y' * 200_000)"),
        cwd=tmp_path,
        environment={},
        within_seconds=10,
        secrets=[SECRET],
        on_line=lambda _, line: lines.append(line),
    )

    assert len(lines) == 1
    assert len(lines[0]) == child.LOGGED_CHARACTERS
    assert SECRET[:5] not in lines[0]


def test_the_deadline_ends_the_whole_group(tmp_path: Path) -> None:
    finished = run(
        ["sh", "-c", "sleep 60 & echo $! > grandchild; echo before; wait"],
        cwd=tmp_path,
        environment={},
        within_seconds=0.5,
    )

    assert type(finished) is TimedOut
    assert finished.exit_code == -signal.SIGTERM
    assert finished.stdout == "before\n"
    assert finished.seconds < 5
    assert until(lambda: not alive(pid_in(tmp_path / "grandchild")))


def test_who_ignores_the_polite_signal_gets_the_other_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_GRACE_SECONDS", 0.3)

    finished = run(
        python("""
            import signal, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("deaf", flush=True); time.sleep(60)
        """),
        cwd=tmp_path,
        environment={},
        within_seconds=1,
    )

    assert type(finished) is TimedOut
    assert finished.exit_code == -signal.SIGKILL


def test_what_it_leaves_running_goes_too(tmp_path: Path) -> None:
    """The program ends at once; its child would hold both pipes open for a minute."""
    finished = run(
        ["sh", "-c", "sleep 60 & echo $! > grandchild; echo done"],
        cwd=tmp_path,
        environment={},
        within_seconds=30,
    )

    assert type(finished) is Finished
    assert finished.stdout == "done\n"
    assert finished.seconds < 5
    assert until(lambda: not alive(pid_in(tmp_path / "grandchild")))


def test_an_interruption_ends_it(tmp_path: Path) -> None:
    """Whatever is raised while it runs (cancelled, Ctrl-C) reaches us, and the program does not live on."""

    def interrupted(_: str, line: str) -> None:
        raise KeyboardInterrupt(line)

    with pytest.raises(KeyboardInterrupt):
        run(
            ["sh", "-c", "echo $$ > leader; echo started; sleep 60"],
            cwd=tmp_path,
            environment={},
            within_seconds=30,
            on_line=interrupted,
        )

    assert until(lambda: not alive(pid_in(tmp_path / "leader")))


def test_it_does_not_outlive_us_even_when_we_are_killed(tmp_path: Path) -> None:
    """SIGKILL gives us no chance to do anything: the watcher does it."""
    parent = subprocess.Popen(
        python(
            """
            import sys
            from pathlib import Path
            from tasks.systems.child import run
            run(["sh", "-c", "sleep 60 & echo $! > grandchild; echo $$ > leader; wait"],
                cwd=Path(sys.argv[1]), environment={}, within_seconds=60)
            """,
            str(tmp_path),
        ),
        cwd=Path(child.__file__).parents[2],
    )
    leader, grandchild = pid_in(tmp_path / "leader"), pid_in(tmp_path / "grandchild")

    parent.kill()
    parent.wait()

    assert until(lambda: not alive(leader))
    assert until(lambda: not alive(grandchild))


def test_no_thread_or_descriptor_is_left(tmp_path: Path) -> None:
    def once() -> None:
        run(["sh", "-c", "sleep 60 & echo x"], cwd=tmp_path, environment={}, within_seconds=10)

    once()
    gc.collect()  # what earlier tests left may go at any time
    threads, descriptors = threading.active_count(), len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        once()

    assert threading.active_count() <= threads
    assert len(list(Path("/dev/fd").iterdir())) <= descriptors
