"""Pushing to GitHub: a ref moves only if it is still where it was seen, so nobody's work is written over."""

import re
from typing import cast

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.git_repo import Mirror

# One line per ref, as `git push --porcelain` prints it: `!`, from:to, [rejected] (why).
_REJECTED = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)
_REFUSED = re.compile(r"returned error: 40[13]\b")


class NotTaken(NeedsHuman):
    """GitHub answered and did not move the ref: somebody else did meanwhile, or a rule forbids it."""


def push(mirror: Mirror, name: str, commit: str, *, seen: str | None) -> None:
    """The ref `name` (its full name) is at `commit`, which the mirror has; the mirror knows it from then on.

    Args:
        mirror: of the repository.
        name: such as refs/heads/hotfix/1.3.1.
        commit: where the ref is to be; "" deletes it.
        seen: where the ref was seen, None where there was none. Only then it moves.

    Raises:
        NotTaken: the ref is elsewhere by now, or a rule of the repository forbids it.
        NeedsHuman: our token may not write.
        TryAgain: no answer; it may have been done all the same.
    """
    # An empty expectation means: only if there is no such ref.
    lease = f"--force-with-lease={name}:{seen or ''}"
    # What is fetched into a ref of ours, git moves there by itself when a push has succeeded.
    fetched_into = mirror.command()(c=f"remote.origin.fetch=+{name}:{name}")
    with mirror.moving():
        pushed = fetched_into.push(
            "--porcelain",
            lease,
            "origin",
            f"{commit}:{name}",
            with_extended_output=True,
            with_exceptions=False,
        )
    _insist(cast("tuple[int, str, str]", pushed), f"git could not push {name} to {mirror.url}", name)


def _insist(pushed: tuple[int, str, str], what: str, name: str) -> None:
    """Go on only if a push succeeded. Git tells why not in text: a porcelain line, or the status of HTTP."""
    status, said, errors = pushed
    if status == 0:
        return
    if found := _REJECTED.search(said):
        kind = "/".join([*name.split("/")[:2], "*"])
        raise NotTaken(f"{what}: {found[1]}", f"see whether a rule forbids {kind}, allow it, then retry")
    if _REFUSED.search(errors):
        raise NeedsHuman(f"{what}: our token may not write", "give it `contents: write`, then retry")
    last = (errors.strip().splitlines() or [f"git ended with {status}"])[-1]
    raise TryAgain(f"{what}: {last}", "check that GitHub answers, then retry")
