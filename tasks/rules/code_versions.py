"""Which dabflow may run a run: the one it was made with, or a compatible one that was installed since.

A version is the package's number and a digest of the code that runs: 0.1.0+1a2b3c4d5e6f. Two checkouts with the same
code have the same version, whatever their commits are called; a changed file makes another one.
"""

import re
from dataclasses import dataclass
from typing import Self

from semver import Version

from tasks.rules.errors import NeedsHuman

_FORM = re.compile(r"(?P<number>\d+\.\d+\.\d+)\+(?P<digest>[0-9a-f]{12})")
_AGAIN = "start the release again with the same parameters: it goes on where it was, and asks once more"


@dataclass(frozen=True)
class CodeVersion:
    """`number` of the package, `digest` of the code that runs."""

    number: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return None for a text that `dabflow install` did not write."""
        found = _FORM.fullmatch(text)
        return cls(found["number"], found["digest"]) if found else None

    def __str__(self) -> str:
        return f"{self.number}+{self.digest}"


def compatible(newer: CodeVersion, older: CodeVersion) -> bool:
    """Whether the one goes on with a run that the other began: the numbers differ in the last part only.

    What a run keeps (answers, results of steps) changes its form with a new minor version at the earliest.
    """
    one, other = Version.parse(newer.number), Version.parse(older.number)
    return (one.major, one.minor) == (other.major, other.minor)


def must_run(here: CodeVersion, *, installed: str, made_with: str) -> str:
    """Return what is worth telling about a run that may go on here, or "".

    `installed` is the version of the deployment now, `made_with` what it was when the run was created.

    Raises:
        NeedsHuman: it may not; nothing of it was begun.
    """
    if made_with == str(here):
        return ""  # also where the deployment has moved on and this worker, or DABFLOW_CODE, holds the run to its version
    now, then = CodeVersion.parse(installed), CodeVersion.parse(made_with)
    if now is None or then is None:
        raise NeedsHuman(
            f"this deployment was not made by dabflow install, its version is {installed!r}",
            "run dabflow install from the dabflow that the workers have, then start the run again",
        )
    if now != here:
        raise NeedsHuman(*worker_differs(here, now))
    if not compatible(here, then):
        raise NeedsHuman(
            f"this run was made with dabflow {then}, and {here}, which is here now, does not go on with its runs",
            _AGAIN,
        )
    return f"made with dabflow {then}, goes on with {here}"


def worker_differs(here: CodeVersion, installed: CodeVersion) -> tuple[str, str]:
    """What is so, and what to do, where a worker's dabflow is not the installed one."""
    return (
        f"this worker has dabflow {here}, but its deployments were installed by {installed}",
        f"bring this worker to {installed} and start it again; or run dabflow install from {here}, if that is wanted",
    )
