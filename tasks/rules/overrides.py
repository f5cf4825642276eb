"""Who lets a release pass a freeze or its soak time, and why: a line in a review of it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tasks.rules.reviews import Review, Terms, involved, is_among, outdated, unknown

What = Literal["freeze", "soak"]

_LINE = re.compile(r" {0,3}/override(?:\s+(?P<what>\S+))?(?:\s+(?P<reason>\S.*))?", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(```|~~~)")
_KNOWN: dict[str, What] = {"freeze": "freeze", "soak": "soak"}


@dataclass(frozen=True)
class Override:
    """`login` sets `what` aside for this commit, for a reason that is kept with the release."""

    what: What
    login: str
    reason: str
    review_id: int


@dataclass(frozen=True)
class _Wish:
    review: Review
    what: str
    reason: str


def overrides(reviews: Iterable[Review], terms: Terms, role: frozenset[str]) -> tuple[Override, ...]:
    """The overrides that count, oldest first.

    One counts if it stands on a line of its own, `/override freeze REASON` or `/override soak REASON`, in a review
    of this head, submitted once the plan was shown and not dismissed, by a person in `role` who is neither the
    requester nor dabflow. Any kind of review will do, a comment too.
    """
    return tuple(
        Override(_KNOWN[wish.what], wish.review.login, wish.reason, wish.review.id)
        for wish in _wishes(reviews)
        if not _why_not(wish, terms, role)
    )


def overrides_ignored(reviews: Iterable[Review], terms: Terms, role: frozenset[str]) -> tuple[str, ...]:
    """Why other overrides do not count, for people."""
    return tuple(
        f"{wish.review.login or 'a deleted account'}: /override {wish.what}".rstrip() + f" ({why_not})"
        for wish in _wishes(reviews)
        if (why_not := _why_not(wish, terms, role))
    )


def _wishes(reviews: Iterable[Review]) -> Iterator[_Wish]:
    sent = (review for review in reviews if review.state != "PENDING")
    for review in sorted(sent, key=lambda r: r.at):
        for line in _plain_lines(review.body):
            if found := _LINE.fullmatch(line):
                yield _Wish(review, (found["what"] or "").lower(), (found["reason"] or "").strip())


def _plain_lines(body: str) -> Iterator[str]:
    """The lines outside of blocks of code, where people only show what one would write."""
    fenced = False
    for line in body.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield line


def _why_not(wish: _Wish, terms: Terms, role: frozenset[str]) -> str:
    review = wish.review
    who = unknown(review) or involved(review.login, terms)
    if not who and not is_among(review.login, role):
        who = "may not override"
    return who or outdated(review, terms) or _unclear(wish)


def _unclear(wish: _Wish) -> str:
    if wish.what not in _KNOWN:
        return "say freeze or soak"
    return "" if wish.reason else "say why, on the same line"
