"""Child processes: a clean environment, a group of their own, and nothing of them left behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

LOOK_SECONDS = 0.02


def clean_environment(home: Path) -> dict[str, str]:
    """What a task's process sees: nothing of the server's own environment but PATH."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "DATABRICKS_RUNTIME_VERSION": "sandbox",
    }


async def run_process(command: list[str], *, folder: Path, environment: dict[str, str], log: Path) -> int:
    """Run `command` until it ends and return its exit code; all it prints is appended to `log`.

    When the caller is cancelled the whole process group is killed first.
    """
    process = _start(command, folder, environment, log)
    try:
        # Not asyncio's own subprocesses: a loop that stops cancels twice, and leaves their transports open.
        while process.poll() is None:  # noqa: ASYNC110 - nothing tells of the end of a process but asking
            await asyncio.sleep(LOOK_SECONDS)
        return process.returncode
    finally:
        _end(process)


def _start(
    command: list[str], folder: Path, environment: dict[str, str], log: Path
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the process and its children, and wait for the process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
