"""`dabflow demo`: the stage. A sandbox in a folder of its own is started, the play is played, everything is stopped.

Prefect is imported by the play only, because it reads the environment at that moment.
"""

import importlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal, Protocol, cast

import httpx
from rich.markup import escape

from deployments.project import PROJECT
from deployments.screen import Screen
from sandbox.lifecycle import Sandbox
from sandbox.notice import Notice
from sandbox.prefect_side import prefect_url
from sandbox.processes import Unhealthy
from tasks.rules.errors import ReleaseError

# A person's own accounts and settings have no business in the demo.
_NOT_OURS = ("PREFECT_", "DATABRICKS_", "DABFLOW_", "GITHUB_", "GH_")
_INTERRUPTED = 130


Act = Literal["release", "hotfix", "rollback"]  # the last act that is played


@dataclass(frozen=True)
class Stage:
    """The sandbox of one demo, running."""

    folder: Path
    environment: dict[str, str]
    notice: Notice
    began: float


class Play(Protocol):
    """What `deployments.play` is, before it is imported."""

    def play(self, stage: Stage, screen: Screen, act: Act) -> bool: ...


class Ended(BaseException):
    """A signal asked us to end."""


def run_demo(screen: Screen, *, act: Act, keep: bool) -> int:
    """Play the demo up to an act; 0 when everything was as it must be. Everything that was started is stopped."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="dabflow-demo-"))
    sandbox = Sandbox(folder, PROJECT)
    good = interrupted = False
    try:
        with _signals_end_us():
            good = _play(sandbox, screen, act, began)
    except (ReleaseError, Unhealthy, httpx.HTTPError, OSError, LookupError) as error:
        screen.print(f"\n[bold red]The demo stopped.[/]\n{escape(str(error))}")
    except (Ended, KeyboardInterrupt):
        screen.print("\nInterrupted.")
        interrupted = True
    finally:
        screen.working_on("stopping the sandbox")
        _stop(sandbox)
        _say_where(folder, screen, keep=keep, wanted=not good and not interrupted)
    return _INTERRUPTED if interrupted else int(not good)


def _play(sandbox: Sandbox, screen: Screen, act: Act, began: float) -> bool:
    isolate(sandbox.folder)
    with ThreadPoolExecutor(1) as aside:
        imported = aside.submit(importlib.import_module, "deployments.play")
        sandbox.up(lambda what: screen.working_on(f"{what} ..."))
        play = cast("Play", imported.result())
    notice = sandbox.notice
    if notice is None:
        raise Unhealthy("the sandbox ended right after it was started")
    environment = sandbox.environment()
    os.environ.update(environment)
    return play.play(Stage(sandbox.folder, environment, notice, began), screen, act)


def isolate(folder: Path) -> None:
    """Let this process see the sandbox's Prefect only, with a home of its own."""
    for name in [name for name in os.environ if name.startswith(_NOT_OURS)]:
        if name != "DABFLOW_DATABRICKS_CLI":
            del os.environ[name]
    os.environ |= {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"{prefect_url(folder)}/api",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "DO_NOT_TRACK": "1",
    }


def _stop(sandbox: Sandbox) -> None:
    """Stop it, also when somebody is impatient and interrupts again."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sandbox.down()
    finally:
        signal.signal(signal.SIGINT, before)


def _say_where(folder: Path, screen: Screen, *, keep: bool, wanted: bool) -> None:
    """Tell what is left of the demo; `wanted` are its logs, when something was wrong."""
    if keep:
        screen.print(f"Everything is stopped. To click through it: dabflow sandbox up --folder {folder}")
    elif wanted:
        screen.print(f"Everything is stopped. The logs are in {folder / 'logs'}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
        screen.print("[dim]Everything is stopped, and its folder is gone (--keep would leave it).[/]")


@contextmanager
def _signals_end_us() -> Iterator[None]:
    def end(_: int, __: FrameType | None) -> None:
        raise Ended

    before: dict[signal.Signals, Any] = {n: signal.signal(n, end) for n in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
