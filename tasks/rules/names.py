"""What a release is called wherever it is kept: its version, or from where to where a rollback goes."""

import re
from dataclasses import dataclass

from tasks.rules.versions import Version

_ROLLBACK = re.compile(r"rollback-([^-]+)-to-([^-]+)", re.ASCII)


@dataclass(frozen=True)
class Named:
    """What a name is about: the version that goes to production, and for a rollback the one that it replaces."""

    version: Version
    withdraws: Version | None = None

    def __str__(self) -> str:
        return f"rollback-{self.withdraws}-to-{self.version}" if self.withdraws else str(self.version)


def named(name: str) -> Named:
    """Read `1.4.0` or `rollback-1.5.0-to-1.4.0`.

    Raises:
        NeedsHuman: it is neither.
    """
    rollback = _ROLLBACK.fullmatch(name)
    if rollback is None:
        return Named(Version.parse(name))
    return Named(Version.parse(rollback[2]), Version.parse(rollback[1]))
