"""Child processes: a clean environment, a group of their own, and nothing of them left behind."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path


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
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
