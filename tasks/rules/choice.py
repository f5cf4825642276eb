"""Which version a start is about: an unfinished release is gone on with, a finished one is left alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.rules.errors import NeedsHuman
from tasks.rules.versions import Bump, Version, next_version


@dataclass(frozen=True)
class Wanted:
    """What the person who started the run asked for: an exact version, or which part grows."""

    version: Version | None
    bump: Bump


@dataclass(frozen=True)
class Known:
    """What the repository shows.

    highest: the highest version with a tag or an open release or hotfix branch.
    finished: the highest version that is released, published and merged back, and was not given up.
    unfinished: releases that were begun and are not finished, lowest first.
    hotfixes: the same of hotfixes; a release goes its way beside them.
    news: whether develop holds anything that the highest release does not.
    """

    highest: Version | None
    finished: Version | None
    unfinished: Sequence[Version]
    news: bool
    hotfixes: Sequence[Version] = ()


@dataclass(frozen=True)
class Choice:
    """The version to release, and whether nothing is left to do for it."""

    version: Version
    already_released: bool = False


def choose(wanted: Wanted, known: Known, *, auto: Bump, over: bool = False) -> Choice:
    """Choose the version that this start is about.

    Args:
        wanted: from the start form.
        known: from the repository.
        auto: what `auto` comes to, read from the commits.
        over: the exact version that is wanted was withdrawn or abandoned; only its way back may be left.

    Raises:
        NeedsHuman: another release is unfinished, or the version lies behind what is released.
    """
    bump = auto if wanted.bump is Bump.AUTO else wanted.bump
    if wanted.version is not None and over:
        return Choice(wanted.version, already_released=wanted.version not in known.unfinished)
    if wanted.version is not None:
        return _exact(wanted.version, known)
    if known.unfinished:
        return _adopted(known.unfinished[0], wanted.bump, known.finished)
    if not known.news and known.finished is not None:
        return Choice(known.finished, already_released=True)
    return Choice(next_version(known.highest, bump))


def insist_on_back_merge(*, production: str, develop: str, contained: bool) -> None:
    """Insist that develop contains production's branch, before a release is cut from it.

    Raises:
        NeedsHuman: it does not.
    """
    if not contained:
        raise NeedsHuman(
            f"{production} holds commits that {develop} does not: an earlier back-merge is missing",
            f"merge {production} into {develop} with a merge commit, then start again",
        )


def _exact(version: Version, known: Known) -> Choice:
    if version in known.unfinished:
        return Choice(version)
    if known.finished is not None and version == known.finished:
        return Choice(version, already_released=True)
    if known.unfinished:
        raise _busy(known.unfinished[0], str(version))
    if known.highest is not None and version <= known.highest:
        raise NeedsHuman(
            f"{version} is not after {known.highest}, the newest version",
            f"start a version after {known.highest}, or let `bump` choose it",
        )
    if not known.news:
        raise NeedsHuman(
            f"develop holds nothing that {known.finished or 'production'} does not have",
            "merge what shall be released into develop, then start again",
        )
    return Choice(version)


def _adopted(unfinished: Version, bump: Bump, finished: Version | None) -> Choice:
    # Its part of the version, not its number: an open hotfix branch may have had a number between the two.
    if bump is Bump.AUTO or bump is _bump_between(finished or Version(0, 0, 0), unfinished):
        return Choice(unfinished)
    raise _busy(unfinished, f"a {bump} release ({next_version(finished, bump)})")


def _bump_between(before: Version, after: Version) -> Bump:
    if after.major != before.major:
        return Bump.MAJOR
    return Bump.MINOR if after.minor != before.minor else Bump.PATCH


def _busy(unfinished: Version, asked: str) -> NeedsHuman:
    return NeedsHuman(
        f"{unfinished} is not finished, and {asked} was asked for",
        f"go on with it (start again with version {unfinished}), or close its pull request"
        " and delete its branch; then start this one",
    )
