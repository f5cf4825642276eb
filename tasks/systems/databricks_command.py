"""The `databricks` program itself: where it is, which version it is, and its JSON."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import semver

from tasks.rules.errors import NeedsHuman
from tasks.systems import child

log = logging.getLogger(__name__)

OLDEST = (1, 13)  # has `bundle plan` of version 2 and the direct engine by default
NEXT_MAJOR = 2


def program() -> str:
    """Where the command is, once it is known to be the file that is meant.

    Raises:
        NeedsHuman: it is not there, or not the file whose DABFLOW_DATABRICKS_CLI_SHA256 was given.
    """
    command = located()
    insist_on_checksum(command)
    return command


def located() -> str:
    """Where the command is: DABFLOW_DATABRICKS_CLI, else `databricks` on PATH.

    Raises:
        NeedsHuman: it is not there.
    """
    named = os.environ.get("DABFLOW_DATABRICKS_CLI", "").strip()
    found = shutil.which(named or "databricks")
    if found is None:
        raise NeedsHuman(
            f"the Databricks CLI is not there: {named or '`databricks` is not on PATH'}",
            "install it, or let DABFLOW_DATABRICKS_CLI name it, where the worker is started",
        )
    return str(Path(found).absolute())


def checksum(command: str) -> str:
    """The SHA-256 of the command's file, as hexadecimal digits.

    Raises:
        NeedsHuman: it cannot be read.
    """
    return _checksum(command, _as_it_is(command))


@lru_cache(maxsize=4)
def _checksum(command: str, _as_it_is: tuple[int, ...]) -> str:
    try:
        with open(command, "rb") as file:  # noqa: PTH123 - a path as text
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(command, error) from error


def _as_it_is(command: str) -> tuple[int, ...]:
    """Numbers that are others after an update of the command's file."""
    try:
        looked = os.stat(command)  # noqa: PTH116 - its numbers, not its path
    except OSError as error:
        raise _unreadable(command, error) from error
    return looked.st_ino, looked.st_mtime_ns, looked.st_size


def _unreadable(command: str, error: OSError) -> NeedsHuman:
    return NeedsHuman(f"{command} cannot be read: {error.strerror}", "let the worker read it")


def insist_on_checksum(command: str) -> None:
    """Insist that the command is the file that DABFLOW_DATABRICKS_CLI_SHA256 names, if it names one.

    Raises:
        NeedsHuman: it is another one.
    """
    meant = os.environ.get("DABFLOW_DATABRICKS_CLI_SHA256", "").strip().lower()
    if meant and checksum(command) != meant:
        raise NeedsHuman(
            f"{command} is not the file that DABFLOW_DATABRICKS_CLI_SHA256 names: its SHA-256 is {checksum(command)}",
            "install the one that is meant, or correct the variable, where the worker is started",
        )


def version_of(command: str, *, within_seconds: float) -> str:
    """The version of the command, known to be one that we understand. This process asks again after an update only.

    Raises:
        NeedsHuman: it is too old, too new or something else, or cannot be read.
    """
    return _version(command, _as_it_is(command), within_seconds)


@lru_cache(maxsize=4)
def _version(command: str, _as_it_is: tuple[int, ...], within_seconds: float) -> str:
    # Outside any bundle, so that its files are not read; without credentials.
    with tempfile.TemporaryDirectory(prefix="dabflow-version-") as folder:
        done = child.run(
            [command, "version", "--output", "json"],
            cwd=Path(folder),
            environment={"DATABRICKS_CLI_DISABLE_TELEMETRY": "1"},
            within_seconds=within_seconds,
            on_line=log_stderr,
        )
    version = str(json_object("databricks version", done.stdout).get("Version", "")).removeprefix("v")
    if not _supported(version):
        oldest = ".".join(map(str, OLDEST))
        raise NeedsHuman(
            f"{command} is version {version or 'unknown'}, which dabflow does not know",
            f"install a Databricks CLI from {oldest} on, before {NEXT_MAJOR}",
        )
    return version


def _supported(version: str) -> bool:
    try:
        parsed = semver.Version.parse(version)
    except ValueError:
        return False
    return OLDEST <= (parsed.major, parsed.minor) < (NEXT_MAJOR, 0)


def json_object(command: str, text: str) -> dict[str, Any]:
    """The JSON object that the command printed. An unknown subcommand prints help, and exits with 0."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NeedsHuman(
            f"`{command}` ended well but printed no JSON: {text[:200].strip() or 'nothing'}",
            "check that it is the Databricks CLI, of a version that dabflow knows",
        )
    return found


def log_stderr(stream: child.Stream, line: str) -> None:
    """What people should see as it comes; stdout is JSON for us."""
    if stream == "stderr":
        log.info("%s", line)
