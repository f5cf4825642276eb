"""Run another program so that it cannot outlive us, see what is not its business, or tell a secret.

A child gets an environment built from nothing, a throw-away HOME, no terminal and a process group of its own.
The whole group ends with it: at the deadline, when we are interrupted, and (by a small watcher) when we die.
"""

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from tasks.rules.errors import NeedsHuman
from tasks.systems.scrub import Scrubber

log = logging.getLogger(__name__)

Stream = Literal["stdout", "stderr"]
OnLine = Callable[[Stream, str], None]

KEPT_BYTES = 32 * 1024 * 1024  # of each stream; a plan of 500 jobs has 1.1 MB
LOGGED_CHARACTERS = 4_000  # of one line
_LINE_BYTES = 64 * 1024  # of one line that are looked at for the log
_GRACE_SECONDS = 3.0  # between "please end" and "end"
_LOOK_EVERY_SECONDS = 0.05  # whether it has ended, while it says nothing

# What a program needs to find its way about on this machine and network; none of it is a credential of ours.
_SURROUNDINGS = (
    "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
)  # fmt: skip

# Reads its group's number; then waits for a word. End of file instead means that we are gone.
# (`kill -s NAME -- -GROUP` is the one spelling that dash, bash and busybox all take.)
_WATCHER = (
    'read -r group; read -r word && exit; kill -s TERM -- "-$group" 2>/dev/null; sleep 2; '
    'kill -s KILL -- "-$group" 2>/dev/null'
)


@dataclass(frozen=True)
class Finished:
    """A program that ended: texts are scrubbed; a negative `exit_code` is the signal that ended it."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float


@dataclass(frozen=True)
class TimedOut(Finished):
    """A program that we ended, with everything it had started, because its time was over."""


def run(  # noqa: PLR0913 - all but the command are said by name
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    within_seconds: float,
    secrets: Sequence[str] = (),
    on_line: OnLine | None = None,
    keeps_open: Sequence[int] = (),
) -> Finished:
    """Run `command` to its end, or end it; nothing it started in its group is left either way.

    Args:
        command: program and arguments. Arguments are public: every process of this machine can read them.
        cwd: where it runs.
        environment: what it gets beside PATH, LANG and a HOME that is deleted afterwards. Nothing else.
        within_seconds: then the whole group gets SIGTERM, and SIGKILL 3 seconds later.
        secrets: values that must not appear in the log or in what is returned.
        on_line: called with the stream and each line, scrubbed, as it comes; logged if not given.
        keeps_open: descriptors of ours that stay open as long as anything of it lives: a lock on one tells.

    Returns:
        `TimedOut` when the time was over, `Finished` otherwise, whatever the exit code.

    Raises:
        NeedsHuman: there is no such program or folder.
    """
    output = _Output(Scrubber(secrets), on_line or _log_line)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dabflow-home-") as home:
        variables = base_environment(Path(home)) | dict(environment)
        with _started(command, cwd, variables, keeps_open) as process:
            in_time = _follow(process, output, started + within_seconds)
    seconds = round(time.monotonic() - started, 3)
    outcome = Finished if in_time else TimedOut
    return outcome(process.returncode, output.text("stdout"), output.text("stderr"), seconds)


def base_environment(home: Path) -> dict[str, str]:
    """The least a program needs. This interpreter's folder comes first on PATH: `python3` is this one."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    surroundings = {name: os.environ[name] for name in _SURROUNDINGS if name in os.environ}
    return surroundings | {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8"}


@contextlib.contextmanager
def _started(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], keeps_open: Sequence[int]
) -> Iterator[subprocess.Popen[bytes]]:
    """The running program; its pipes are closed at the end, its group is ended if we are interrupted."""
    with _watcher() as watch:
        try:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=tuple(keeps_open),
            )
        except OSError as error:
            raise NeedsHuman(
                f"{command[0]} could not be started in {cwd}: {error.strerror}",
                "check that it is installed on this worker and on its PATH",
            ) from error
        with _present(process.stdout), _present(process.stderr):
            try:
                watch(process.pid)
                yield process
            except BaseException:
                _end(process)
                raise


@contextlib.contextmanager
def _watcher() -> Iterator[Callable[[int], None]]:
    """A process that ends a group when we die, even by SIGKILL: it reads from a pipe that only we hold.

    Not PR_SET_PDEATHSIG: that is Linux only, needs code between fork and exec, which is unsafe beside
    threads, and reaches the child but not the child's children.
    """
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", _WATCHER],
        cwd="/",
        env={"PATH": os.defpath},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    pipe = _present(watcher.stdin)

    def tell(line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            pipe.write(line.encode())
            pipe.flush()

    try:
        yield lambda group: tell(f"{group}\n")
    finally:
        tell("done\ndone\n")
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        watcher.wait()


def _follow(process: subprocess.Popen[bytes], output: "_Output", deadline: float) -> bool:
    """Read both streams until the program has ended; False when its time was over first."""
    with selectors.DefaultSelector() as streams:
        streams.register(_present(process.stdout), selectors.EVENT_READ, "stdout")
        streams.register(_present(process.stderr), selectors.EVENT_READ, "stderr")
        while process.poll() is None:
            if time.monotonic() >= deadline:
                _end(process)
                _drain(streams, output)
                return False
            output.read(streams, _LOOK_EVERY_SECONDS)
        # Whatever it left running holds the pipes open; it goes before the last words are read.
        _end(process)
        _drain(streams, output)
    return True


def _drain(streams: selectors.BaseSelector, output: "_Output") -> None:
    """Read what is still in the pipes, and do not wait for a stranger that keeps one open."""
    until = time.monotonic() + 1
    while streams.get_map() and time.monotonic() < until and output.read(streams, _LOOK_EVERY_SECONDS):
        pass
    output.end()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program if it still runs, gently first, and everything else in its group."""
    if process.poll() is None:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    # PermissionError is what macOS says of a group whose only member is a zombie.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class _Output:
    """Both streams: passed on line by line, and kept up to a limit."""

    def __init__(self, scrubber: Scrubber, on_line: OnLine) -> None:
        self.scrubber = scrubber
        self.on_line = on_line
        self.kept: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.lines: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.left_out: dict[Stream, int] = {"stdout": 0, "stderr": 0}

    def read(self, streams: selectors.BaseSelector, timeout: float) -> bool:
        """Take what there is; False when there was nothing."""
        if not streams.get_map():  # it closed both, so it is about to end
            time.sleep(timeout / 10)
            return False
        ready = streams.select(timeout)
        for key, _ in ready:
            block = os.read(key.fd, 65_536)
            if block:
                self._take(key.data, block)
            else:
                streams.unregister(key.fileobj)
        return bool(ready)

    def end(self) -> None:
        """Pass on the last lines, which had no end of line."""
        for stream, line in self.lines.items():
            if line:
                self._pass_on(stream, bytes(line))
                line.clear()

    def text(self, stream: Stream) -> str:
        text = self.scrubber.text(self.kept[stream].decode("utf-8", "replace"))
        left_out = self.left_out[stream]
        return f"{text}\n[{left_out} more bytes left out]\n" if left_out else text

    def _take(self, stream: Stream, block: bytes) -> None:
        room = KEPT_BYTES - len(self.kept[stream])
        self.kept[stream] += block[:room]
        self.left_out[stream] += max(0, len(block) - room)
        *ended, rest = block.split(b"\n")
        line = self.lines[stream]
        for part in ended:
            self._pass_on(stream, bytes(line + part))
            line.clear()
        line += rest[: max(0, _LINE_BYTES - len(line))]

    def _pass_on(self, stream: Stream, line: bytes) -> None:
        # Scrubbed first and cut afterwards: half a secret would not be recognised.
        text = self.scrubber.text(line[:_LINE_BYTES].decode("utf-8", "replace").rstrip())
        if text:
            self.on_line(stream, text[:LOGGED_CHARACTERS])


def _log_line(_: Stream, line: str) -> None:
    log.info("%s", line)


def _present(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("Popen was asked for a pipe and gave none")
    return pipe
