"""Child processes that outlive the command that starts them: their log, their identity, their end.

What was started is kept in `<folder>/run/<name>.json`. A process id alone says little, because the system
gives it to somebody else later; the moment when the process began is kept beside it, and compared before any
signal.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# A Prefect worker stops on SIGTERM by sending itself SIGINT, which is ignored in all that a shell starts by
# `&`. Restored by a step before `exec`, because a `preexec_fn` is not safe in a program with threads.
_RESTORE_SIGINT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""
_TAIL_LINES = 20


class Unhealthy(RuntimeError):
    """Something that was started does not work; the text holds the end of its log."""


@dataclass(frozen=True)
class Child:
    """One process of the sandbox. `began` tells it from a later one with the same id."""

    name: str
    pid: int
    began: str
    log: str

    @property
    def alive(self) -> bool:
        _reap(self.pid)
        return began(self.pid) == self.began

    def tail(self, lines: int = _TAIL_LINES) -> str:
        """Return the end of the log, indented."""
        with contextlib.suppress(OSError):
            text = Path(self.log).read_text(encoding="utf-8", errors="replace")
            return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
        return "    (no log)"


def began(pid: int) -> str:
    """Return when a process began, in the words of this system; an empty text when it does not run."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        with contextlib.suppress(OSError):
            # proc(5): after "pid (any name)" the state comes first, the start is the twentieth.
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            return "" if fields[0] in "ZX" else f"{_boot()}:{fields[19]}"
        return ""
    shown = subprocess.run(  # macOS
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return "" if shown.startswith("Z") else shown.partition(" ")[2].strip()


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def _reap(pid: int) -> None:
    """Take note of the end of a child of this very process; it stays a zombie otherwise."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def start(
    folder: Path,
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    cwd: Path | None = None,
) -> Child:
    """Start a command in a session of its own, its output in `<folder>/logs/<name>.log`, and remember it."""
    log = folder / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _RESTORE_SIGINT, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
        )
    child = Child(name, process.pid, began(process.pid), str(log))
    # Its end is seen by `_reap`; without this Popen would warn that nobody waited.
    process.returncode = 0
    _remember(folder, child)
    return child


def _remember(folder: Path, child: Child) -> None:
    note = _note(folder, child.name)
    note.parent.mkdir(exist_ok=True)
    new = note.with_suffix(".new")
    new.write_text(json.dumps(asdict(child)), encoding="utf-8")
    new.replace(note)


def remembered(folder: Path, name: str) -> Child | None:
    """Return what `start` left about this name, whether or not it still runs."""
    try:
        return Child(**json.loads(_note(folder, name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def stop(folder: Path, name: str, *, within_seconds: float = 15) -> bool:
    """End the remembered process and everything in its group; say whether there was something to end.

    A process that was given the same id later is left alone.
    """
    child = remembered(folder, name)
    if child is None:
        return False
    was_alive = child.alive
    if was_alive:
        os.kill(child.pid, signal.SIGTERM)
        _wait_for_end(child, within_seconds)
    if not began(child.pid) or child.alive:
        # Nobody gets this id while the group exists: what is left in it was started by the child.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        _wait_for_end(child, within_seconds)
    _note(folder, name).unlink(missing_ok=True)
    return was_alive


def _wait_for_end(child: Child, within_seconds: float) -> None:
    deadline = time.monotonic() + within_seconds
    while child.alive and time.monotonic() < deadline:
        time.sleep(0.05)


def wait_until(child: Child, healthy: Callable[[], bool], *, within_seconds: float) -> None:
    """Return as soon as `healthy` says so.

    Raises:
        Unhealthy: the process ended, or the time is over; with the end of its log.
    """
    deadline = time.monotonic() + within_seconds
    while not healthy():
        if not child.alive:
            raise Unhealthy(f"{child.name} ended while it started; the end of {child.log}:\n{child.tail()}")
        if time.monotonic() > deadline:
            problem = f"{child.name} is not ready after {within_seconds:.0f} s"
            raise Unhealthy(f"{problem}; the end of {child.log}:\n{child.tail()}")
        time.sleep(0.05)


def _note(folder: Path, name: str) -> Path:
    return folder / "run" / f"{name}.json"
