"""Which reviews count as an approval of one commit and its plan.

Source: GitHub REST API, "List reviews for a pull request": states APPROVED, CHANGES_REQUESTED, COMMENTED,
DISMISSED, PENDING, in chronological order; `commit_id` stays at what was reviewed when the head moves, and a
dismissed review keeps its place and its time. Logins know no capitals.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

MAY_APPROVE = frozenset({"admin", "write"})  # GitHub answers maintain as write, triage as read
_DECIDES = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})


@dataclass(frozen=True)
class Review:
    """One review that was sent: who, whether that is a person, GitHub's word for it, of which commit, and when.

    `login` is empty when the account is gone, `commit` when GitHub no longer has it. `at` is GitHub's time.
    """

    id: int
    login: str
    person: bool
    state: str
    commit: str
    at: datetime
    body: str = ""


@dataclass(frozen=True)
class Terms:
    """What a review must be about, and who may give one.

    Args:
        head: the commit that would go to production.
        shown_at: when the plan was shown, by GitHub's clock as reviews are; earlier ones could not know it.
        requester: the login that asked for the release; without one no approval can be verified.
        ourselves: the login that dabflow acts as.
        permissions: admin, write, read or none, by login.
        authors: who wrote a commit of the release, where an author may not approve it.
        members: who is in a team that the settings name; they count without write access too.
    """

    head: str
    shown_at: datetime
    requester: str
    ourselves: str
    permissions: Mapping[str, str]
    authors: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()

    def trusts(self, login: str) -> bool:
        """Whether the word of this account has weight here: write access, or a place in a named team."""
        allowed = {name for name, level in self.permissions.items() if level in MAY_APPROVE}
        return is_among(login, allowed | self.members)


@dataclass(frozen=True)
class Reviewed:
    """Who approved this commit, who stands against it, and why other reviews do not count."""

    approved: tuple[Review, ...] = ()
    blocked_by: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def approved_by(self) -> tuple[str, ...]:
        return tuple(review.login for review in self.approved)


def is_among(login: str, logins: Iterable[str]) -> bool:
    return login.lower() in {other.lower() for other in logins}


def last_decisions(reviews: Iterable[Review]) -> list[Review]:
    """Each account's last decision, in the order of first words; a comment changes nothing."""
    last: dict[str, Review] = {}
    for review in sorted(reviews, key=lambda r: r.at):
        if review.state in _DECIDES:
            last[review.login.lower()] = review
    return list(last.values())


def reviewed(reviews: Iterable[Review], terms: Terms) -> Reviewed:
    """Say what the reviews, oldest first as GitHub lists them, come to."""
    approved: list[Review] = []
    blocked: list[str] = []
    ignored: list[str] = []
    for review in last_decisions(reviews):
        why_not = _why_not(review, terms)
        if review.state == "CHANGES_REQUESTED" and review.person and terms.trusts(review.login):
            blocked.append(review.login)
        elif why_not:
            ignored.append(f"{review.login or 'a deleted account'} ({why_not})")
        else:
            approved.append(review)
    return Reviewed(tuple(approved), tuple(blocked), tuple(ignored))


def unqualified(login: str, terms: Terms) -> str:
    """Why this account cannot approve, whatever it says; empty when it can."""
    if why_not := involved(login, terms):
        return why_not
    if not terms.trusts(login):
        return "has no write access"
    return "wrote a commit of this release" if is_among(login, terms.authors) else ""


def involved(login: str, terms: Terms) -> str:
    """Why this account cannot judge the release, being on its side; empty when it is not."""
    if not terms.requester:
        return "nobody knows who asked for the release"
    if login.lower() == terms.requester.lower():
        return "asked for the release"
    return "is dabflow itself" if login.lower() == terms.ourselves.lower() else ""


def unknown(review: Review) -> str:
    """Why nobody can say which person this is; empty when it is one."""
    if not review.login:
        return "nobody knows who that was"
    return "" if review.person else "is a bot"


def outdated(review: Review, terms: Terms) -> str:
    """Why a review is not, or no longer, about this commit and its plan; empty when it is."""
    if review.state == "DISMISSED":
        return "that review was dismissed"
    if review.commit != terms.head:
        return f"reviewed {review.commit[:12] or 'a commit that is gone'}, not {terms.head[:12]}"
    return "reviewed before this plan was shown" if review.at < terms.shown_at else ""


def _why_not(review: Review, terms: Terms) -> str:
    why_not = unknown(review) or unqualified(review.login, terms)
    if review.state == "CHANGES_REQUESTED":
        return f"asked for changes, but {why_not}"
    return why_not or outdated(review, terms)
