"""What may become a hotfix, from where it is cut and what it is called, and what happens to its branch afterwards."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.rules.errors import NeedsHuman
from tasks.rules.phases import Phase
from tasks.rules.release import Fix, Release
from tasks.rules.settings import SYNC_PREFIX, ReleaseSettings
from tasks.rules.versions import Bump, Version, next_version

SHORT = 12
# GitFlow's support branches, and what else people call the branches on which they keep an older version alive.
_OLDER_LINE = re.compile(r"(?:support|maint|maintenance)/.+|(?:.*/)?v?\d+(?:\.\d+)*\.x", re.ASCII)


@dataclass(frozen=True)
class WantedFix:
    """What the person who started the run asked for: a pull request or a branch, and what they know about.

    `overtakes`: another release stopped half way in production, and the hotfix goes on top of it.
    `mend_withdrawn`: production was rolled back, and the hotfix mends the version that was withdrawn.
    """

    pull_request: int = 0
    branch: str = ""
    overtakes: bool = False
    mend_withdrawn: bool = False

    @property
    def key(self) -> int | str:
        """What the evidence of the hotfix calls it by."""
        return self.pull_request or self.branch

    @property
    def title(self) -> str:
        return _named(self.key)


def wanted_fix(
    pull_request: int | None, branch: str | None, *, overtakes: bool = False, mend_withdrawn: bool = False
) -> WantedFix:
    """Read the start form.

    Raises:
        NeedsHuman: it names both, or neither.
    """
    if (pull_request is None) is not (not branch):
        return WantedFix(pull_request or 0, branch or "", overtakes, mend_withdrawn)
    both = pull_request is not None
    raise NeedsHuman(
        "both a pull request and a branch were named"
        if both
        else "it was not said what the hotfix shall bring",
        "start with the number of the pull request that holds the fix; or, where there is none, with a branch",
    )


def asked_facts(release: Release) -> dict[str, object]:
    """What the evidence of a release or hotfix says about what was asked for."""
    by: dict[str, object] = {"requested_by": release.requested_by, "reason": release.reason}
    fix = release.fix
    if fix is None:
        return by
    commits = {"fix": fix.key, "branch": fix.branch, "head": fix.head, "commits": list(fix.commits)}
    return {"kind": release.kind, **commits, "source": release.source, **by}


def noted_fix(facts: Mapping[str, Any]) -> Fix:
    """Read what `asked_facts` says that a hotfix brings."""
    key = facts.get("fix", 0)
    return Fix(
        number=key if isinstance(key, int) else 0,
        branch=str(facts.get("branch", "")),
        head=str(facts.get("head", "")),
        commits=tuple(str(commit) for commit in facts.get("commits", ())),
    )


# ---- from where, and what it is called


@dataclass(frozen=True)
class Base:
    """What production runs, and the newest version that production's branch holds.

    They differ after a rollback, and while a release is on its way. `out` says withdrawn or abandoned of the
    newest; `ahead`: the branch holds more than that version.
    """

    branch: str
    runs: Version | None
    newest: Version | None
    out: str = ""
    ahead: bool = False


def cut_from(base: Base, wanted: WantedFix) -> Version:
    """Return the version whose tag a hotfix is cut from: the newest on production's branch.

    Raises:
        NeedsHuman: that is not what production runs, and nobody said that it shall be mended all the same.
    """
    runs, newest = base.runs, base.newest
    if runs is None:
        raise NeedsHuman(
            "nothing is in production yet: no release is published", "start a standard release instead"
        )
    if newest is None or newest < runs:
        raise NeedsHuman(
            f"production runs {runs}, which {base.branch} does not contain",
            f"merge the tag of {runs} into {base.branch}, then start again",
        )
    if base.ahead:
        raise NeedsHuman(
            f"{base.branch} holds commits that came after {newest} and have no version yet",
            "finish the release that was merged there (start it again), then start the hotfix again."
            f" If somebody pushed to {base.branch} by hand: release it first, or take it back",
        )
    if base.out and not wanted.mend_withdrawn:
        raise NeedsHuman(
            f"production runs {runs}, but {base.branch} still holds {newest}, which was {base.out}:"
            f" a hotfix would bring {newest} back",
            f"if the hotfix mends {newest}, so that it can go to production after all, start with `mend_withdrawn`."
            f" If not: revert {newest} on develop and start a standard release",
        )
    if newest > runs and not base.out and not wanted.overtakes:
        raise NeedsHuman(
            f"{newest} is on its way to production, and {base.branch} holds it already",
            f"wait until {newest} is published. If it stopped half way: decide there what becomes of it, or start"
            f" with `overtakes`, which puts the hotfix on top of {newest}",
        )
    return newest


def number_after(base: Version, taken: Collection[Version]) -> Version:
    """Return the number of a hotfix of `base`: the next one that is no tag's and no branch's."""
    number = next_version(base, Bump.PATCH)
    while number in taken:
        number = next_version(number, Bump.PATCH)
    return number


# ---- what may become a hotfix


@dataclass(frozen=True)
class Offered:
    """What somebody wants to bring to production, as git and GitHub show it.

    `state` is open, merged, closed, or branch. `listed` of `total` commits are known. `carried` are unreleased
    commits of develop that it would bring along.
    """

    fix: Fix
    state: str
    listed: int
    total: int
    carried: Sequence[str] = ()


def insist_on_branch(fix: Fix, base: str, settings: ReleaseSettings, *, default: str = "") -> None:
    """Insist that it is a branch of its own, not one that releases are made of, and not about an older line.

    Raises:
        NeedsHuman: it is one; the text says what to do instead.
    """
    names, branch = settings.branches, fix.branch
    for name in (branch, base):
        if _OLDER_LINE.fullmatch(name):
            raise NeedsHuman(
                f"{fix.title} is about {name}, an older line: dabflow brings a fix to what production runs now",
                f"open the fix as a pull request into {names.develop} or {names.production}, and start with that",
            )
    whole = (names.develop, names.production, default)
    release = Version.of_tag(branch, names.release_prefix) is not None
    if branch in whole or release or branch.startswith(SYNC_PREFIX):
        raise NeedsHuman(
            f"{fix.title} comes from {branch}: that would release everything that is on it",
            "start a standard release; or put the fix alone on a branch of its own, and start with that",
        )


def insist_on_fix(offered: Offered, settings: ReleaseSettings) -> None:
    """Insist that it is a fix that can go to production by itself.

    Raises:
        NeedsHuman: it is not; the text says what to do instead.
    """
    fix, names = offered.fix, settings.branches
    if offered.listed < offered.total:
        raise NeedsHuman(
            f"{fix.title} has {offered.total} commits, of which GitHub lists {offered.listed}: too many for a hotfix",
            "start a standard release, or put the fix alone on a branch of its own",
        )
    if offered.state == "closed":
        raise NeedsHuman(
            f"{fix.title} was closed without being merged",
            "reopen it if it shall go to production after all, then start again",
        )
    if offered.carried:
        count = len(offered.carried)
        what = "a commit" if count == 1 else f"{count} commits"
        raise NeedsHuman(
            f"{fix.title} brings along {what} of {names.develop} that production does not have"
            f" ({some(offered.carried)})",
            f"let the pull request aim at {names.develop} (its own commits are then picked), or put its commits on a"
            f" branch that begins at {names.production}",
        )
    if not offered.listed:
        raise NeedsHuman(
            f"{fix.title} holds no commits of its own",
            "name the pull request that holds the fix"
            if fix.number
            else f"{names.develop} has all of it: name the pull request by which it came there",
        )


def merge_with_changes(fix: Fix, merge: str, files: Sequence[str]) -> NeedsHuman:
    """Return the stop for a merge commit that cannot be picked and must not be lost."""
    return NeedsHuman(
        f"{fix.title} holds the merge commit {merge[:SHORT]}, which changes something itself: {', '.join(files)}",
        "put the fix on a branch without merges (`git rebase`), then start again",
    )


def does_not_go(
    fix: Fix, commit: str, files: Sequence[str], *, branch: str, tag: str, picks: bool
) -> NeedsHuman:
    """Return the stop for a fix that conflicts with what production runs, with the way to do it by hand."""
    listed = "\n".join(f"  {file}" for file in files)
    fetch = (
        f"git fetch origin refs/pull/{fix.number}/head" if fix.number else f"git fetch origin {fix.branch}"
    )
    bring = (
        f"git cherry-pick -x {' '.join(fix.commits)}   # resolve, `git add`, then `git cherry-pick --continue`;"
        " keep the lines `(cherry picked from ...)`"
        if picks
        else f"git merge --no-ff {fix.head}   # resolve, `git add`, then `git merge --continue`"
    )
    return NeedsHuman(
        f"{fix.title} does not go onto {tag} by itself: {commit[:SHORT]} conflicts in\n{listed}\nNothing was pushed",
        "bring it there by hand, push the branch, then start the hotfix again: dabflow goes on with your branch.\n"
        f"  git fetch origin --tags && {fetch}\n"
        f"  git switch --create {branch} {tag}\n"
        f"  {bring}\n"
        f"  git push origin {branch}",
    )


def not_shipped(hotfixes: Mapping[Version, Phase]) -> list[Version]:
    """The unfinished hotfixes that have not reached production: while there is one, no other one is begun."""
    return [v for v, phase in hotfixes.items() if phase < Phase.PUBLISHED]


def other_hotfix(version: Version, asked: str, *, fix: int | str, branch: str) -> NeedsHuman:
    """Return the stop for a second hotfix while another one is unfinished; `fix` is what that one brings, if known."""
    of = f" (of {_named(fix)})" if fix else ""
    go_on = f"go on with it (start with {_named(fix)})" if fix else f"look whose {branch} is"
    return NeedsHuman(
        f"the hotfix {version}{of} is not finished, and one of {asked} was asked for",
        f"{go_on}; or give it up: close its pull request and delete {branch}, then start this one",
    )


# ---- what becomes of the branch


@dataclass(frozen=True)
class Leftover:
    """The branch of a fix that is in production now. `head` is None where it is gone.

    `used_by` are other open pull requests that come from it or aim at it; `lacking` are commits of it that the
    hotfix does not have.
    """

    branch: str
    head: str | None
    in_fork: bool = False
    default: str = ""
    protected: bool = False
    used_by: Sequence[int] = ()
    lacking: Sequence[str] = ()


def kept_because(left: Leftover, settings: ReleaseSettings, version: Version) -> str:
    """Say why the branch must stay; "" where nobody needs it any more."""
    names = settings.branches
    if left.head is None:
        return ""
    if left.in_fork:
        return "it is in a fork"
    ours = (names.release_prefix, names.hotfix_prefix, SYNC_PREFIX)
    if left.branch in {names.production, names.develop, left.default} or left.branch.startswith(ours):
        return "releases are made of it"
    if left.protected:
        return "it is protected"
    if left.used_by:
        return f"{_listed([f'#{number}' for number in left.used_by])} {_verb(left.used_by)} it, too"
    if left.lacking:
        return f"it has commits that {version} does not have ({some(left.lacking)})"
    return ""


def _verb(things: Sequence[object]) -> str:
    return "uses" if len(things) == 1 else "use"


def _named(fix: int | str) -> str:
    return Fix(fix, "").title if isinstance(fix, int) else Fix(0, fix).title


def some(commits: Sequence[str], most: int = 3) -> str:
    """Return the first commits, and how many more there are."""
    shown = ", ".join(commit[:SHORT] for commit in commits[:most])
    return shown if len(commits) <= most else f"{shown} and {len(commits) - most} more"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
