"""GitHub: what a release reads and writes there, over PyGithub.

Reads may be repeated by the client where a connection failed; writes are never repeated here, only as a whole
step, which looks first. GitHub's errors become ours by status, never by text.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import requests
from github import Auth, Github, GithubException, GithubRetry, InputGitAuthor
from github.GithubObject import NotSet
from github.GitRelease import GitRelease
from github.NamedUser import NamedUser
from github.Organization import Organization
from github.PullRequest import PullRequest as ApiPullRequest
from github.Repository import Repository

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.reviews import Review
from tasks.systems import connections

log = logging.getLogger(__name__)

_NOT_FOUND, _CONFLICT, _NOT_ALLOWED, _INVALID = 404, 409, 405, 422
_FORBIDDEN = {401, 403, 451}
_PASSING = {408, 423, 425, 429, 500, 502, 503, 504}

# PyGithub's default also repeats POST on 5xx, which can create a thing twice.
_READS_ONLY = GithubRetry(
    total=2, status=0, allowed_methods={"GET"}, raise_on_status=False, respect_retry_after_header=False
)


class Refused(NeedsHuman):
    """GitHub understood and said no; `status` says how (405, 409, 422)."""

    def __init__(self, problem: str, remedy: str, status: int = 0) -> None:
        super().__init__(problem, remedy)
        self.args = (problem, remedy, status)
        self.status = status


@dataclass(frozen=True)
class PullRequest:
    """One pull request: `state` is open, merged or closed (without a merge).

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
    merge_commit: str | None = None


@dataclass(frozen=True)
class DeploymentRecord:
    """A GitHub Deployment with its newest status ("" when it has none)."""

    id: int
    sha: str
    environment: str
    payload: dict[str, Any]
    state: str
    url: str


@dataclass(frozen=True)
class ReleaseRecord:
    """A GitHub release, published or draft."""

    id: int
    tag: str
    name: str
    body: str
    draft: bool
    url: str


@contextmanager
def github_errors(what: str) -> Iterator[None]:
    """Turn what PyGithub raises into `TryAgain`, `Refused` or `NeedsHuman`; `what` is the sentence's subject."""
    try:
        yield
    except GithubException as error:
        raise _ours(what, error) from error
    except requests.exceptions.RequestException as error:
        raise TryAgain(f"{what}: no answer from GitHub ({type(error).__name__})", "retry") from error


def _ours(what: str, error: GithubException) -> Exception:
    headers = error.headers or {}
    said = f"{error.status} {_said(error)}".rstrip()
    # On a 403 the client may have swallowed the text, so the headers come first.
    limited = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    limited = error.status in {403, 429} and (limited or "rate limit" in said.lower())
    if error.status in _PASSING or limited:
        after = str(headers.get("retry-after", ""))
        return TryAgain(
            f"{what}: GitHub answered {said}",
            "wait a little, then retry",
            float(after) if after.isdigit() else 0,
        )
    if error.status in _FORBIDDEN:
        needs = headers.get("x-accepted-github-permissions")
        remedy = f"give it {needs}" if needs else "check what the token in DABFLOW_GITHUB_TOKEN may do"
        return NeedsHuman(f"{what}: GitHub refused our token ({said})", remedy)
    return Refused(f"{what}: GitHub answered {said}", "look at GitHub, then retry", error.status)


def _said(error: GithubException) -> str:
    """GitHub's own words: the message and its details."""
    data = error.data if isinstance(error.data, dict) else {"message": str(error.data or "")}
    details = [
        d if isinstance(d, str) else d.get("message") or f"{d.get('field')} {d.get('code')}"
        for d in data.get("errors") or []
    ]
    return "; ".join([str(data.get("message", "")), *details])


class GitHubRepo:
    """The repository `slug` (owner/name) with the rights of our token."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.owner = slug.split("/", maxsplit=1)[0]
        self._handles: dict[int, ApiPullRequest] = {}
        self._client = Github(
            auth=Auth.Token(connections.github_token()),
            base_url=connections.github_api_url(),
            timeout=15,
            per_page=100,
            api_version="2022-11-28",
            user_agent="dabflow",
            seconds_between_requests=None,
            seconds_between_writes=None,
            retry=_READS_ONLY,
        )

    @cached_property
    def _repo(self) -> Repository:
        try:
            with github_errors(f"reading {self.slug}"):
                found = self._client.get_repo(self.slug)
        except Refused as error:
            # Not `Refused`: nobody may read "the repository is hidden from us" as "that branch is not there".
            raise NeedsHuman(
                error.problem, f"check the name {self.slug}, and that the token may read it"
            ) from error
        if found.full_name.lower() != self.slug.lower():
            raise NeedsHuman(
                f"{self.slug} is now called {found.full_name}", "start the release with the new name"
            )
        return found

    @property
    def merge_commits_allowed(self) -> bool:
        return bool(self._repo.allow_merge_commit)

    @cached_property
    def me(self) -> str:
        """The login that our token acts as."""
        with github_errors("asking GitHub who we are"):
            return self._client.get_user().login

    def permission(self, login: str) -> str:
        """admin, write, read or none, and none for somebody GitHub does not know."""
        repo = self._repo
        try:
            with github_errors(f"reading what {login} may do"):
                return repo.get_collaborator_permission(login)
        except Refused as error:
            if error.status == _NOT_FOUND:
                return "none"
            raise

    # ---- refs and tags

    def ref(self, name: str) -> str | None:
        """The commit of `heads/x` or `tags/x` (peeled), or None where there is no such ref."""
        repo = self._repo
        try:
            with github_errors(f"reading {name}"):
                found = repo.get_git_ref(name)
                if found.object.type == "tag":
                    return repo.get_git_tag(found.object.sha).object.sha
                return found.object.sha
        except Refused as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def create_branch(self, name: str, at: str) -> None:
        with github_errors(f"creating branch {name}"):
            self._repo.create_git_ref(f"refs/heads/{name}", at)

    def delete_branch(self, name: str) -> None:
        with github_errors(f"deleting branch {name}"):
            self._repo.get_git_ref(f"heads/{name}").delete()

    def create_tag(self, name: str, at: str, message: str, *, when: int) -> None:
        """Create an annotated tag; the same arguments always make the same tag object (`when`: Unix seconds)."""
        tagger = InputGitAuthor(
            "dabflow", "dabflow@users.noreply.github.com", datetime.fromtimestamp(when, UTC).isoformat()
        )
        with github_errors(f"creating tag {name}"):
            made = self._repo.create_git_tag(name, message, at, "commit", tagger=tagger)
            self._repo.create_git_ref(f"refs/tags/{name}", made.sha)

    # ---- pull requests

    def pull_requests(self, head: str, base: str, *, state: str = "all") -> list[PullRequest]:
        """The pull requests from our own branch `head` into `base`, newest first."""
        with github_errors(f"looking for pull requests from {head}"):
            found = list(self._repo.get_pulls(state=state, base=base, head=f"{self.owner}:{head}"))
        # GitHub ignores a head that it does not understand, and then answers with all pull requests.
        ours = [p for p in map(self._seen, found) if (p.head, p.base) == (head, base)]
        return sorted(ours, key=lambda p: p.number, reverse=True)

    def merged_pull_requests(self, base: str) -> list[PullRequest]:
        """Every merged pull request into `base`, newest first."""
        with github_errors(f"looking for merged pull requests into {base}"):
            found = list(self._repo.get_pulls(state="closed", base=base))
        return [self._seen(p) for p in found if p.merged_at is not None]

    def pull_request(self, number: int) -> PullRequest:
        with github_errors(f"reading pull request #{number}"):
            return self._seen(self._repo.get_pull(number), whole=True)

    def open_pull_request(self, head: str, base: str, *, title: str, body: str) -> None:
        with github_errors(f"opening the pull request from {head} into {base}"):
            self._repo.create_pull(base=base, head=head, title=title, body=body)

    def edit_pull_request(self, number: int, *, title: str, body: str) -> None:
        with github_errors(f"editing pull request #{number}"):
            self._repo.get_pull(number).edit(title=title, body=body)

    def close_pull_request(self, number: int) -> None:
        with github_errors(f"closing pull request #{number}"):
            self._repo.get_pull(number).edit(state="closed")

    def mergeable(self, number: int) -> bool | None:
        """Whether GitHub could merge it now; None while GitHub still computes it (a look starts that)."""
        with github_errors(f"reading pull request #{number}"):
            return self._repo.get_pull(number).mergeable

    def merge_pull_request(self, number: int, *, head: str, title: str, message: str) -> None:
        """Merge with a merge commit, if the head is still `head`.

        Raises:
            Refused: 405 not mergeable now, 409 the head has moved.
        """
        with github_errors(f"merging pull request #{number}"):
            self._repo.get_pull(number).merge(
                merge_method="merge", sha=head, commit_title=title, commit_message=message
            )

    def request_reviews(self, number: int, logins: list[str]) -> None:
        with github_errors(f"asking {', '.join(logins)} for a review of #{number}"):
            self._handle(number).create_review_request(reviewers=logins)

    def requested_reviewers(self, number: int) -> set[str]:
        with github_errors(f"reading who is asked to review #{number}"):
            return {u.login for u in self._handle(number).get_review_requests()[0]}

    def reviews(self, number: int) -> list[Review]:
        """Every review, oldest first, those of deleted accounts left out."""
        with github_errors(f"reading the reviews of #{number}"):
            found = list(self._handle(number).get_reviews())
        return [
            Review(r.user.login, r.user.type == "User", r.state.upper(), r.commit_id or "")
            for r in found
            if r.user is not None
        ]

    # ---- the control comment

    def comment(self, number: int, marker: str) -> tuple[int, str] | None:
        """Our comment that starts with `marker`: its id and text."""
        with github_errors(f"reading the comments of #{number}"):
            found = self._handle(number).get_issue_comments()
            ours = [c for c in found if _login(c.user) == self.me and c.body.startswith(marker)]
        return (ours[0].id, ours[0].body) if ours else None

    def add_comment(self, number: int, body: str) -> None:
        with github_errors(f"commenting on #{number}"):
            self._handle(number).create_issue_comment(body)

    def edit_comment(self, number: int, comment_id: int, body: str) -> None:
        with github_errors(f"editing our comment on #{number}"):
            for comment in self._handle(number).get_issue_comments():
                if comment.id == comment_id:
                    comment.edit(body)

    def _handle(self, number: int) -> ApiPullRequest:
        """A pull request to reach what belongs to it; what it says itself may be old."""
        if number not in self._handles:
            self._handles[number] = self._repo.get_pull(number)
        return self._handles[number]

    # ---- deployments

    def deployments(self, environment: str, sha: str) -> list[DeploymentRecord]:
        """Deployments of a commit to an environment, newest first, each with its newest status."""
        with github_errors(f"reading the deployments to {environment}"):
            found = self._repo.get_deployments(environment=environment, sha=sha)
            return [self._deployment(d) for d in found]

    def deployment_payloads(self, environment: str) -> list[dict[str, Any]]:
        """What was written into the deployments to an environment, newest first, whatever became of them."""
        with github_errors(f"reading the deployments to {environment}"):
            return [_payload(d.payload) for d in self._repo.get_deployments(environment=environment)]

    def newest_successful_deployment(self, environment: str) -> DeploymentRecord | None:
        with github_errors(f"reading the deployments to {environment}"):
            found = self._repo.get_deployments(environment=environment)
            return next((r for r in map(self._deployment, found) if r.state == "success"), None)

    def create_deployment(self, environment: str, sha: str, payload: dict[str, Any], *, text: str) -> None:
        """Record that `sha` goes to `environment`.

        Raises:
            NeedsHuman: GitHub did something else than recording it.
        """
        with github_errors(f"recording the deployment to {environment}"):
            made = self._repo.create_deployment(
                sha,
                environment=environment,
                auto_merge=False,  # the default lets GitHub merge the default branch into our ref
                required_contexts=[],
                payload=payload,
                production_environment=environment == "production",
                description=text,
            )
        if not made.id or made.sha != sha:
            raise NeedsHuman(
                f"GitHub did not record a deployment of {sha[:12]} to {environment}", "look at its branches"
            )

    def set_deployment_status(self, deployment: int, state: str, *, text: str, url: str) -> None:
        with github_errors(f"saying that deployment {deployment} is {state}"):
            self._repo.get_deployment(deployment).create_status(
                state,
                description=text[:140],
                target_url=url or NotSet,
                auto_inactive=state == "success",
            )

    # ---- releases

    def releases(self) -> list[ReleaseRecord]:
        """Every release, drafts included."""
        with github_errors("reading the releases"):
            return [_release(r) for r in self._repo.get_releases()]

    def release(self, tag: str) -> ReleaseRecord | None:
        """The release of a tag, the published one before a draft."""
        found = sorted((r for r in self.releases() if r.tag == tag), key=lambda r: r.draft)
        return found[0] if found else None

    def draft_release(self, tag: str, *, name: str, body: str, at: str) -> None:
        with github_errors(f"drafting the release {tag}"):
            self._repo.create_git_release(
                tag, name, body, draft=True, target_commitish=at, make_latest="false"
            )

    def publish_release(self, release: ReleaseRecord, *, name: str, body: str) -> None:
        """Publish a draft as the latest release."""
        with github_errors(f"publishing the release {release.tag}"):
            self._repo.get_release(release.id).update_release(name, body, draft=False, make_latest="true")

    # ---- what PyGithub's objects say, as ours

    def _seen(self, pull: ApiPullRequest, *, whole: bool = False) -> PullRequest:
        merged = pull.merged_at is not None
        return PullRequest(
            number=pull.number,
            state="merged" if merged else pull.state,
            title=pull.title,
            body=pull.body or "",
            url=pull.html_url,
            author=_login(pull.user) or "",
            head=pull.head.ref if self._is_ours(pull) else pull.head.label,
            head_sha=pull.head.sha,
            base=pull.base.ref,
            # Lists lack it, and asking for a missing attribute would send a request of its own.
            merged_by=_login(pull.merged_by) if whole and merged else None,
            merge_commit=self._merge_commit(pull) if whole and merged else None,
        )

    def _is_ours(self, pull: ApiPullRequest) -> bool:
        """Whether its branch is in this repository; anybody may call a branch of a fork `release/1.4.0`."""
        origin: Repository | None = pull.head.repo  # None: the fork was deleted
        return origin is not None and origin.full_name.lower() == self.slug.lower()

    def _merge_commit(self, pull: ApiPullRequest) -> str | None:
        """The commit that merged it, from its events: the field of that name is leaving GitHub's API."""
        events = [e for e in pull.get_issue_events() if e.event == "merged"]
        return events[-1].commit_id if events else None

    def _deployment(self, found: Any) -> DeploymentRecord:  # noqa: ANN401 - PyGithub's class is untyped here
        newest = next(iter(found.get_statuses()), None)
        state = newest.state if newest else ""
        return DeploymentRecord(
            found.id, found.sha, found.environment, _payload(found.payload), state, found.url
        )


def _login(user: NamedUser | Organization | None) -> str | None:
    return None if user is None else user.login


def _payload(found: Any) -> dict[str, Any]:  # noqa: ANN401 - GitHub gives an object or its text
    if isinstance(found, str):
        found = json.loads(found) if found.startswith("{") else {}
    return found if isinstance(found, dict) else {}


def _release(found: GitRelease) -> ReleaseRecord:
    return ReleaseRecord(
        found.id, found.tag_name, found.name or "", found.body or "", found.draft, found.html_url
    )
