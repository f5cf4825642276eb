"""Pull requests: found, opened, edited, merged."""

from dataclasses import dataclass
from datetime import datetime

from github.PullRequest import PullRequest as ApiPullRequest
from github.Repository import Repository

from tasks.systems.github_client import NOT_FOUND, GitHubClient, Refused, login_of


@dataclass(frozen=True)
class PullRequest:
    """One pull request: `state` is open, merged or closed (without a merge); times are in UTC.

    `head` is a branch of the repository itself, or `somebody:branch` of a fork.
    """

    number: int
    state: str
    title: str
    body: str
    url: str
    author: str
    head: str
    head_sha: str
    base: str
    merged_by: str | None = None
    merged_at: datetime | None = None
    merge_commit: str | None = None
    draft: bool = False
    from_fork: bool = False


class PullRequests(GitHubClient):
    """The repository's pull requests."""

    @property
    def merge_commits_allowed(self) -> bool:
        """Whether a merge may make a commit of its own; yes where GitHub does not tell our token."""
        return self._whole.allow_merge_commit is not False

    def pull_requests(self, head: str, base: str, *, state: str = "all") -> list[PullRequest]:
        """The pull requests from our own branch `head` into `base`, newest first."""
        with self._asking(f"looking for pull requests from {head}"):
            found = list(self._repo.get_pulls(state=state, base=base, head=f"{self.owner}:{head}"))
        # GitHub ignores a head that it does not understand, and then answers with all pull requests.
        ours = [p for p in map(self._seen, found) if (p.head, p.base) == (head, base)]
        return sorted(ours, key=lambda p: p.number, reverse=True)

    def merged_pull_requests(self, base: str) -> list[PullRequest]:
        """Every merged pull request into `base`, newest first."""
        with self._asking(f"looking for merged pull requests into {base}"):
            found = list(self._repo.get_pulls(state="closed", base=base))
        return [self._seen(p) for p in found if p.merged_at is not None]

    def open_into(self, base: str) -> list[PullRequest]:
        """Every open pull request into `base`."""
        with self._asking(f"looking for open pull requests into {base}"):
            return [self._seen(p) for p in self._repo.get_pulls(state="open", base=base)]

    def pull_request(self, number: int) -> PullRequest:
        with self._asking(f"reading pull request #{number}"):
            return self._seen(self._repo.get_pull(number), whole=True)

    def commits_of_pull(self, number: int) -> list[str]:
        """The commits of a pull request itself, merges too: 250 at most, GitHub lists no more."""
        with self._asking(f"reading the commits of #{number}"):
            return [commit.sha for commit in self._repo.get_pull(number).get_commits()]

    def commits_in_pull(self, number: int) -> int:
        """How many commits a pull request has, whether GitHub lists them or not."""
        with self._asking(f"reading pull request #{number}"):
            return self._repo.get_pull(number).commits

    def open_pull_requests_of(self, branch: str) -> list[int]:
        """The open pull requests that come from our own branch, or aim at it."""
        with self._asking(f"looking for pull requests of {branch}"):
            found = [*self._repo.get_pulls(state="open", head=f"{self.owner}:{branch}")]
            found += self._repo.get_pulls(state="open", base=branch)
        seen = [self._seen(pull) for pull in found]
        return sorted({p.number for p in seen if branch in {p.head, p.base}})

    def open_pull_request(self, head: str, base: str, *, title: str, body: str) -> None:
        with self._asking(f"opening the pull request from {head} into {base}"):
            self._whole.create_pull(base=base, head=head, title=title, body=body)

    def edit_pull_request(self, number: int, *, title: str, body: str) -> None:
        with self._asking(f"editing pull request #{number}"):
            self._whole.get_pull(number).edit(title=title, body=body)

    def close_pull_request(self, number: int) -> None:
        with self._asking(f"closing pull request #{number}"):
            self._whole.get_pull(number).edit(state="closed")

    def mergeable(self, number: int) -> bool | None:
        """Whether GitHub could merge it now; None while GitHub still computes it (a look starts that)."""
        with self._asking(f"reading pull request #{number}"):
            return self._repo.get_pull(number).mergeable

    def behind(self, number: int) -> bool:
        """Whether GitHub wants the newest commits of the base in the head before it merges."""
        with self._asking(f"reading pull request #{number}"):
            return self._repo.get_pull(number).mergeable_state == "behind"

    def merge_branch(self, head: str, into: str, *, message: str) -> None:
        """Merge one branch into another one, directly; nothing where that contains it.

        Raises:
            Refused: 409 they conflict, 404 one of them is not there.
        """
        with self._asking(f"merging {head} into {into}"):
            self._whole.merge(into, head, message)

    def contains(self, head: str, commit: str) -> bool:
        """Whether GitHub has `head`, and it contains `commit`; git need not know `head`, as of a branch that is gone."""
        try:
            with self._asking(f"comparing {commit[:12]} with {head[:12]}"):
                return self._repo.compare(commit, head).behind_by == 0
        except Refused as error:
            if error.status == NOT_FOUND:
                return False
            raise

    def pull_requests_of(self, commit: str) -> list[PullRequest]:
        """The pull requests that brought a commit, oldest first."""
        with self._asking(f"looking for the pull requests of {commit[:12]}"):
            found = list(self._repo.get_commit(commit).get_pulls())
        return sorted(map(self._seen, found), key=lambda pull: pull.number)

    def merge_pull_request(self, number: int, *, head: str, title: str, message: str) -> None:
        """Merge with a merge commit, if the head is still `head`.

        Raises:
            Refused: 405 not mergeable now, 409 the head has moved.
        """
        with self._asking(f"merging pull request #{number}"):
            self._whole.get_pull(number).merge(
                merge_method="merge", sha=head, commit_title=title, commit_message=message
            )

    def _seen(self, pull: ApiPullRequest, *, whole: bool = False) -> PullRequest:
        merged = pull.merged_at is not None
        return PullRequest(
            number=pull.number,
            state="merged" if merged else pull.state,
            title=pull.title,
            body=pull.body or "",
            url=pull.html_url,
            author=login_of(pull.user) or "",
            head=pull.head.ref if self._is_ours(pull) else pull.head.label,
            head_sha=pull.head.sha,
            base=pull.base.ref,
            # Lists lack it, and asking for a missing attribute would send a request of its own.
            merged_by=login_of(pull.merged_by) if whole and merged else None,
            merged_at=pull.merged_at,
            merge_commit=self._merge_commit(pull) if whole and merged else None,
            draft=pull.draft,
            from_fork=not self._is_ours(pull),
        )

    def _is_ours(self, pull: ApiPullRequest) -> bool:
        """Whether its branch is in this repository; anybody may call a branch of a fork `release/1.4.0`."""
        origin: Repository | None = pull.head.repo  # None: the fork was deleted
        return origin is not None and origin.full_name.lower() == self.slug.lower()

    def _merge_commit(self, pull: ApiPullRequest) -> str | None:
        """The commit that merged it, from its events: the field of that name is leaving GitHub's API."""
        events = [e for e in pull.get_issue_events() if e.event == "merged"]
        return events[-1].commit_id if events else None
