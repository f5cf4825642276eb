"""Version numbers: X.Y.Z, nothing before it but the tag prefix and nothing after it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import semver

from tasks.rules.errors import NeedsHuman


class Bump(StrEnum):
    """Which part of the version grows; `auto` lets the commits decide."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    AUTO = "auto"


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """The version of a release. 0.10.0 comes after 0.9.0."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1.4.0`.

        Raises:
            NeedsHuman: the text is anything else (`v1.4.0`, `1.4`, `01.4.0`, `1.4.0-rc.1`).
        """
        found = cls._read(text)
        if found is None:
            raise NeedsHuman(
                f"{text!r} is not a version of a release",
                "name three numbers, such as 1.4.0, without `v`, leading zeros or a suffix",
            )
        return found

    @classmethod
    def of_tag(cls, name: str, prefix: str = "") -> Self | None:
        """Read the version out of a tag or branch name; None if the name is not exactly prefix + X.Y.Z."""
        if not name.startswith(prefix):
            return None
        return cls._read(name.removeprefix(prefix))

    @classmethod
    def _read(cls, text: str) -> Self | None:
        # semver's pattern takes any Unicode digit and a newline at the end; a ref name must be plain.
        if not text.isascii() or text != text.strip():
            return None
        try:
            found = semver.Version.parse(text)
        except ValueError:
            return None
        if found.prerelease or found.build:
            return None
        return cls(found.major, found.minor, found.patch)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def next_version(released: Version | None, bump: Bump) -> Version:
    """Return the version after `released`, or the first one if nothing was released.

    Raises:
        NeedsHuman: `auto` was not resolved before (`commits.bump_of` does that).
    """
    base = released or Version(0, 0, 0)
    match bump:
        case Bump.MAJOR:
            return Version(base.major + 1, 0, 0)
        case Bump.MINOR:
            return Version(base.major, base.minor + 1, 0)
        case Bump.PATCH:
            return Version(base.major, base.minor, base.patch + 1)
        case Bump.AUTO:
            raise NeedsHuman(
                "`auto` does not say which part of the version grows", "choose major, minor or patch"
            )


def highest(versions: Iterable[Version]) -> Version | None:
    """Return the highest version, None if there is none."""
    return max(versions, default=None)
