"""What people say on a pull request: who is asked for a review, what they said, and our own comment."""

from github.NamedUser import NamedUser
from github.PullRequestReview import PullRequestReview

from tasks.rules.errors import TryAgain
from tasks.rules.reviews import Review
from tasks.systems.github_client import NOT_FOUND, GitHubClient, Refused, login_of


class Talk(GitHubClient):
    """What is said on the repository's pull requests."""

    def request_reviews(self, number: int, logins: list[str]) -> None:
        with self._asking(f"asking {', '.join(logins)} for a review of #{number}"):
            self._whole.get_pull(number).create_review_request(reviewers=logins)

    def requested_reviewers(self, number: int) -> set[str]:
        with self._asking(f"reading who is asked to review #{number}"):
            return {u.login for u in self._repo.get_pull(number).get_review_requests()[0]}

    def reviews(self, number: int) -> list[Review]:
        """Every review that was sent, oldest first."""
        with self._asking(f"reading the reviews of #{number}"):
            found = list(self._repo.get_pull(number).get_reviews())
        return [_review(r) for r in found if r.submitted_at is not None]

    # ---- the control comment

    def comment(self, number: int, marker: str) -> tuple[int, str] | None:
        """Our comment that starts with `marker`: its id and text."""
        with self._asking(f"reading the comments of #{number}"):
            found = self._repo.get_issue(number).get_comments()
            ours = [c for c in found if login_of(c.user) == self.me and c.body.startswith(marker)]
        return (ours[0].id, ours[0].body) if ours else None

    def add_comment(self, number: int, body: str) -> None:
        with self._asking(f"commenting on #{number}"):
            self._whole.get_issue(number).create_comment(body)

    def edit_comment(self, number: int, comment_id: int, body: str) -> None:
        """Our comment says this.

        Raises:
            TryAgain: somebody has deleted it meanwhile.
        """
        try:
            with self._asking(f"editing our comment on #{number}"):
                self._whole.get_issue(number).get_comment(comment_id).edit(body)
        except Refused as error:
            if error.status == NOT_FOUND:
                raise TryAgain(error.problem, "nothing now: it is written anew") from error
            raise


def _review(found: PullRequestReview) -> Review:
    user: NamedUser | None = found.user  # None: the account was deleted
    return Review(
        id=found.id,
        login=login_of(user) or "",
        person=user is not None and user.type == "User",
        state=found.state.upper(),
        commit=found.commit_id or "",
        at=found.submitted_at,
        body=found.body or "",
    )
