"""Which reviews count as an approval of one commit.

Source: GitHub REST API, "List reviews for a pull request": states APPROVED, CHANGES_REQUESTED, COMMENTED,
DISMISSED, PENDING, in chronological order; `commit_id` stays at what was reviewed when the head moves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MAY_APPROVE = frozenset({"admin", "write"})  # GitHub answers maintain as write, triage as read
_DECIDES = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})


@dataclass(frozen=True)
class Review:
    """One review: who, whether that is a person, what was said (GitHub's word) of which commit."""

    login: str
    person: bool
    state: str
    commit: str


@dataclass(frozen=True)
class Reviewed:
    """Who approved this commit, who stands against it, and why other approvals do not count."""

    approved_by: tuple[str, ...]
    blocked_by: tuple[str, ...]
    ignored: tuple[str, ...]


def latest_per_person(reviews: Iterable[Review]) -> list[Review]:
    """Each person's last decision; a comment changes nothing, an answer by a bot never counts."""
    last: dict[str, Review] = {}
    for review in reviews:
        if review.person and review.state in _DECIDES:
            last[review.login.lower()] = review
    return list(last.values())


def reviewed(
    reviews: Iterable[Review], *, head: str, requester: str, ourselves: str, permissions: Mapping[str, str]
) -> Reviewed:
    """Say what the reviews come to for the commit `head`.

    Args:
        reviews: oldest first, as GitHub lists them.
        head: the commit that would go to production.
        requester: the login that asked for the release; without one no approval can be verified.
        ourselves: the login that dabflow acts as.
        permissions: admin, write, read or none, by login.
    """
    approved: list[str] = []
    blocked: list[str] = []
    ignored: list[str] = []
    for review in latest_per_person(reviews):
        why_not = _why_not(review, requester, ourselves, permissions)
        if review.state == "CHANGES_REQUESTED" and permissions.get(review.login) in MAY_APPROVE:
            blocked.append(review.login)
        elif review.state == "APPROVED" and why_not:
            ignored.append(f"{review.login} ({why_not})")
        elif review.state == "APPROVED" and review.commit != head:
            ignored.append(f"{review.login} (approved {review.commit[:12]}, not {head[:12]})")
        elif review.state == "APPROVED":
            approved.append(review.login)
    return Reviewed(tuple(approved), tuple(blocked), tuple(ignored))


def _why_not(review: Review, requester: str, ourselves: str, permissions: Mapping[str, str]) -> str:
    login = review.login.lower()
    if not requester:
        return "nobody knows who asked for the release"
    if login == requester.lower():
        return "asked for the release"
    if login == ourselves.lower():
        return "is dabflow itself"
    if permissions.get(review.login) not in MAY_APPROVE:
        return "has no write access"
    return ""
