"""What a command has to say about a configuration or a deployment: errors, warnings, recommendations.

Everything here goes to stderr; stdout is for results.
"""

import os
import sys
import threading
from typing import Literal, NamedTuple

from sandbox.databricks_cli.record import field, record
from sandbox.databricks_cli.values import Location, Path, path_text

# A path in the configuration and where it is written.
Place = tuple[Path, Location]

Severity = Literal["Error", "Warning", "Recommendation"]


class Refused(Exception):
    """The stand-in does not support what was asked for. Never a silent shrug."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the sandbox's databricks does not support {what}: use the real CLI")


class Stopped(Exception):
    """The command cannot go on and everything about it was printed already."""


class Failed(Exception):
    """The command cannot go on. `summary` is the line after "Error: ", `detail` stands apart below it."""

    def __init__(self, summary: str, detail: str = "", at: Location | None = None, path: Path = ()) -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.at = at
        self.path = path
        self.also: tuple[Place, ...] = ()


class PlainFailure(Failed):
    """A failure that is printed as one line, without details and without a blank line after it."""


class Diagnostic(NamedTuple):
    severity: Severity
    summary: str
    detail: str = ""
    path: Path = ()
    at: Location | None = None
    also: tuple[Place, ...] = ()  # further places that it is about

    def text(self, root: str) -> str:
        """Write it as the command prints it; files are named relative to `root`."""
        lines = [f"{self.severity}: {self.summary}"]
        paths = dict.fromkeys(path_text(p) for p in (self.path, *(path for path, _ in self.also)) if p)
        places = [at for at in (self.at, *(at for _, at in self.also)) if at is not None]
        lines += [f"  {'  ' if n else 'at'} {text}" for n, text in enumerate(paths)]
        for n, at in enumerate(places):
            file = os.path.relpath(at.file, root or ".") if at.file else ""
            lines.append(f"  {'  ' if n else 'in'} {file}:{at.line}:{at.column}")
        if self.detail:
            lines += ["", self.detail]
        return "\n".join(lines) + "\n\n"


@record
class Log:
    """Prints as it goes, and counts. One per command; safe to use from several threads."""

    root: str = ""
    quiet: bool = False
    counts: dict[Severity, int] = field(
        default_factory=lambda: {"Error": 0, "Warning": 0, "Recommendation": 0}
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, diagnostic: Diagnostic) -> None:
        self.line(diagnostic.text(self.root), end="", severity=diagnostic.severity)

    def caution(self, summary: str, *, detail: str = "", path: Path = (), at: Location | None = None) -> None:
        self.add(Diagnostic("Warning", summary, detail, path, at))

    def failure(self, error: Exception, prefix: str = "") -> None:
        """Print what went wrong as an error and count it."""
        if isinstance(error, Stopped):
            return
        if isinstance(error, Failed):
            summary = prefix + error.summary
            self.add(Diagnostic("Error", summary, error.detail, error.path, error.at, error.also))
        else:
            self.add(Diagnostic("Error", f"{prefix}{error}"))

    def progress(self, text: str) -> None:
        """Print a step of the work, unless the command was told to be quiet."""
        if not self.quiet:
            self.line(text)

    def line(self, text: str, *, end: str = "\n", severity: Severity | None = None) -> None:
        with self.lock:
            if severity is not None:
                self.counts[severity] += 1
            sys.stderr.write(text + end)
            sys.stderr.flush()

    @property
    def errors(self) -> int:
        return self.counts["Error"]

    def stop_if_errors(self) -> None:
        """Raise `Stopped` when an error was printed before."""
        if self.errors:
            raise Stopped

    def trailer(self) -> str:
        """The last line of `bundle validate`."""
        parts = [f"{n} {severity.lower()}{'' if n == 1 else 's'}" for severity, n in self.counts.items() if n]
        if not parts:
            return "Validation OK!"
        head, last = parts[:-1], parts[-1]
        match len(head):
            case 0:
                return f"Found {last}"
            case 1:
                return f"Found {head[0]} and {last}"
            case _:
                return f"Found {', '.join(head)}, and {last}"
