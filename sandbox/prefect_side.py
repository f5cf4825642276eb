"""A Prefect server and a worker of a sandbox, as child processes.

    server = start_prefect(folder, environment)      returns at once
    wait_for_prefect(folder, server)
    ensure_work_pool(folder, "dabflow")
    worker = start_worker(folder, environment, pool="dabflow")
    wait_for_worker(folder, worker, pool="dabflow")

Both get `environment` (connections, `PATH`) and nothing of the caller's own Prefect settings or profiles.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from sandbox import prefect_database
from sandbox.ports import is_free, keep_ports, known_ports
from sandbox.processes import Child, Unhealthy, start, wait_until

SERVER, WORKER = "prefect-server", "prefect-worker"
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"

# Somebody's own accounts have no business in a sandbox.
_NOT_OURS = ("PREFECT_", "DATABRICKS_", "DABFLOW_", "GITHUB_", "GH_")

_BUSY_SECONDS = 30  # a server on SQLite refuses while it still writes what it begins with


def prefect_url(folder: Path) -> str:
    """Return where the server's pages are; its port is chosen at the first call and kept."""
    port = known_ports(folder).get("prefect") or keep_ports(folder, "prefect")["prefect"]
    return f"http://127.0.0.1:{port}"


def prefect_environment(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for a Prefect process of this sandbox, `environment` included."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PREFECT_HOME": str(_home(folder)),
        "PREFECT_API_URL": f"{prefect_url(folder)}/api",
        # In memory, the default, a restart of the server loses leases and leaves slots taken for ever.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_CLI_COLORS": "false",
        **environment,
    }


def start_prefect(folder: Path, environment: Mapping[str, str]) -> Child:
    """Start a server with a database of its own in `<folder>/prefect`, unless `environment` names one; it is not ready yet.

    Raises:
        Unhealthy: somebody else listens on its port, and would be taken for it.
    """
    port = keep_ports(folder, "prefect")["prefect"]
    if not is_free(port):
        raise Unhealthy(
            f"port {port}, where the Prefect server of this sandbox answers, is in use by something else\n"
            "  what to do: stop that, or make a new sandbox (`dabflow sandbox reset`, or another --folder)"
        )
    variables = prefect_environment(folder, environment)
    if DATABASE not in variables:
        prefect_database.begin(_home(folder))
    command = [_prefect(), "--no-prompt", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    return start(folder, SERVER, command, variables)


def wait_for_prefect(folder: Path, server: Child, *, within_seconds: float = 90) -> None:
    """Return when the server answers; what a new one has made of its database is kept for the next.

    Raises:
        Unhealthy: it ended, or does not answer in time.
    """
    address = f"{prefect_url(folder)}/api/health"
    wait_until(server, lambda: _status(address) == httpx.codes.OK, within_seconds=within_seconds)
    prefect_database.keep(_home(folder))


def ensure_work_pool(folder: Path, pool: str) -> None:
    """Make a pool for process workers if there is none; the first worker gives it its job template.

    Raises:
        Unhealthy: the server refuses.
    """
    address, wanted = f"{prefect_url(folder)}/api/work_pools/", {"name": pool, "type": "process"}
    busy_until = time.monotonic() + _BUSY_SECONDS
    while True:
        answer = httpx.post(address, json=wanted, timeout=30)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > busy_until:
            break
        time.sleep(0.5)
    if answer.is_error and answer.status_code != httpx.codes.CONFLICT:
        raise Unhealthy(f"the Prefect server makes no work pool {pool}: {answer.status_code} {answer.text}")


def run_setup(folder: Path, commands: Sequence[Sequence[str]], cwd: Path, env: Mapping[str, str]) -> None:
    """Run commands against the sandbox's Prefect server one after another; output goes to `logs/setup.log`.

    Raises:
        Unhealthy: one of them failed; with the end of what it said.
    """
    log = folder / "logs" / "setup.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    for command in commands:
        with log.open("ab") as output:
            done = subprocess.run(
                list(command),
                cwd=cwd,
                env=prefect_environment(folder, env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            shown = Child("setup", 0, "", str(log)).tail()
            raise Unhealthy(f"`{' '.join(command)}` failed ({done.returncode}); the end of {log}:\n{shown}")


def start_worker(
    folder: Path, environment: Mapping[str, str], *, pool: str, cwd: Path | None = None
) -> Child:
    """Start a process worker for the pool; it is not ready yet."""
    command = [_prefect(), "--no-prompt", "worker", "start", "--pool", pool, "--type", "process"]
    return start(
        folder, WORKER, [*command, "--name", "sandbox"], prefect_environment(folder, environment), cwd=cwd
    )


def wait_for_worker(
    folder: Path, worker: Child, *, pool: str, since: datetime, within_seconds: float = 60
) -> None:
    """Return when the worker has told the server that it lives, later than `since`.

    Raises:
        Unhealthy: it ended, or says nothing in time.
    """
    address = f"{prefect_url(folder)}/api/work_pools/{pool}/workers/filter"

    def heard() -> bool:
        answer = httpx.post(address, json={}, timeout=10)
        beats = [w["last_heartbeat_time"] for w in answer.json()] if answer.is_success else []
        return any(beat and datetime.fromisoformat(beat) >= since for beat in beats)

    wait_until(worker, heard, within_seconds=within_seconds)


def now() -> datetime:
    return datetime.now(UTC)


def _home(folder: Path) -> Path:
    return folder.resolve() / "prefect"


def _status(address: str) -> int:
    try:
        return httpx.get(address, timeout=5).status_code
    except httpx.HTTPError:
        return 0


def _prefect() -> str:
    """The command that belongs to this very interpreter, whatever PATH says."""
    return str(Path(sys.executable).parent / "prefect")
