"""A sandbox from `up` to `reset`: which processes it has, in which order they start, and how they end.

world            GitHub and the workspaces, one process
prefect-server   beside it, at the same time
prefect-worker   when both answer, at the same time as the project's own setup commands
"""

import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import prefect_side
from sandbox.notice import Notice, environment_file, notice_file, read_environment, read_notice
from sandbox.ports import address_file
from sandbox.prefect_side import SERVER, WORKER
from sandbox.processes import Child, remembered, start, stop, wait_until
from sandbox.seeding.files import PROJECT

WORLD = "world"
PARTS = (WORLD, SERVER, WORKER)

Say = Callable[[str], None]

# Everything that a sandbox makes in its folder; `reset` removes this and nothing else.
_STATE = (
    *("github", "workspaces", "prefect", "dabflow", "bin", "run", "logs"),
    *("addresses.json", "principals.json", "seeded.json", "sandbox.env"),
)


@dataclass(frozen=True)
class Project:
    """What is tried in the sandbox: its work pool, what makes its deployments, and what to tell a newcomer.

    `setup` are commands run in `folder`, against the sandbox's Prefect server, each time a worker starts.
    """

    folder: Path
    pool: str = "dabflow"
    setup: tuple[tuple[str, ...], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    hints: tuple[str, ...] = ()


class AnotherAtWork(RuntimeError):
    """Somebody else starts or stops this very sandbox."""


class NotASandbox(RuntimeError):
    """The folder holds something else."""


class Sandbox:
    """The sandbox in `folder`. Without a project it has no Prefect server and no worker."""

    def __init__(self, folder: Path, project: Project | None) -> None:
        self.folder = folder.resolve()
        self.project = project

    # -- looking

    def children(self) -> dict[str, Child]:
        """Return the parts that were started and not stopped, alive or not."""
        known = {name: remembered(self.folder, name) for name in PARTS}
        return {name: child for name, child in known.items() if child}

    @property
    def wanted(self) -> tuple[str, ...]:
        return PARTS if self.project else (WORLD,)

    def dead(self) -> list[str]:
        """Return the parts that should run and do not."""
        alive = {name for name, child in self.children().items() if child.alive}
        return [name for name in self.wanted if name not in alive]

    @property
    def notice(self) -> Notice | None:
        """Addresses and accounts, as long as the world runs."""
        return None if WORLD in self.dead() else read_notice(self.folder)

    def environment(self) -> dict[str, str]:
        """Return what the worker and the setup commands are given."""
        return read_environment(self.folder) | dict(self.project.environment if self.project else {})

    # -- changing

    def up(self, say: Say) -> bool:
        """Start every part that does not run, and say whether there was one. All of them answer afterwards.

        Raises:
            Unhealthy: a part did not start; everything is stopped again.
            AnotherAtWork: another command is at it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            missing = self.dead()
            if not missing:
                return False
            try:
                self._start(missing, say)
            except BaseException:
                self._stop_all()
                raise
        return True

    def _start(self, missing: list[str], say: Say) -> None:
        if self.project:
            prefect_side.prefect_url(self.folder)  # its port is known before the world writes the addresses
        if SERVER in missing and self.project:
            say("starting the Prefect server")
            prefect_side.start_prefect(self.folder, self.project.environment)
        if WORLD in missing:
            say("starting GitHub and three workspaces")
            self._start_world()
        children = self.children()
        wait_until(children[WORLD], self._world_answers, within_seconds=180)
        if self.project and (SERVER in missing or WORKER in missing):
            prefect_side.wait_for_prefect(self.folder, children[SERVER])
            self._start_worker(self.project, say)

    def _start_world(self) -> None:
        notice_file(self.folder).unlink(missing_ok=True)
        command = [sys.executable, "-m", "sandbox.hosting", str(self.folder)]
        start(self.folder, WORLD, command, os.environ, cwd=PROJECT)

    def _world_answers(self) -> bool:
        told, world = read_notice(self.folder), remembered(self.folder, WORLD)
        return bool(told and world and told.pid == world.pid)

    def _start_worker(self, project: Project, say: Say) -> None:
        say("setting up the deployments and starting a worker")
        prefect_side.ensure_work_pool(self.folder, project.pool)
        since = prefect_side.now()
        # A worker that outlived its server may have lost heart; a new one costs two seconds.
        stop(self.folder, WORKER)
        worker = prefect_side.start_worker(
            self.folder, self.environment(), pool=project.pool, cwd=project.folder
        )
        prefect_side.run_setup(self.folder, project.setup, project.folder, self.environment())
        prefect_side.wait_for_worker(self.folder, worker, pool=project.pool, since=since)

    def down(self) -> list[str]:
        """Stop what was started here, and nothing else; return the names of what ran. The state stays."""
        if not self.folder.is_dir():
            return []
        with self._alone():
            return self._stop_all()

    def _stop_all(self) -> list[str]:
        stopped = [name for name in reversed(PARTS) if stop(self.folder, name)]
        notice_file(self.folder).unlink(missing_ok=True)
        return stopped

    def reset(self) -> list[str]:
        """Stop everything and forget it; the next `up` begins with a new history.

        Raises:
            NotASandbox: the folder is not one that `up` made.
        """
        if not self.folder.is_dir():
            return []
        if any(self.folder.iterdir()) and not address_file(self.folder).exists():
            raise NotASandbox(f"{self.folder} holds no sandbox\n  what to do: name the right --folder")
        with self._alone():
            stopped = self._stop_all()
            for name in _STATE:
                _remove(self.folder / name)
        return stopped

    def settle(self) -> None:
        """Wait until no other command starts or stops this sandbox."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the sandbox for one command; the system lets go of it when the process ends."""
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AnotherAtWork(
                    f"another command starts or stops the sandbox in {self.folder}\n"
                    "  what to do: wait for it, then look with `dabflow sandbox status`"
                ) from None
            yield


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


__all__ = ["PARTS", "AnotherAtWork", "NotASandbox", "Project", "Sandbox", "environment_file"]
