"""The way to GitHub: the client, our repository there, and GitHub's errors as ours.

Reads may be repeated by the client where a connection failed; writes are never repeated here, only as a whole
step, which looks first. GitHub's errors become ours by status, never by text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import requests
from github import Auth, Github, GithubException, GithubRetry
from github.NamedUser import NamedUser
from github.Organization import Organization
from github.Repository import Repository

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems import connections

NOT_FOUND = 404
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


@contextmanager
def github_errors(what: str) -> Iterator[None]:
    """Turn what PyGithub raises into `TryAgain`, `Refused` or `NeedsHuman`; `what` is the sentence's subject."""
    try:
        yield
    except GithubException as error:
        raise _ours(what, error) from error
    except requests.exceptions.RequestException as error:
        if error.response is not None:
            # Only downloads end like this: PyGithub does not look at what they are answered with.
            headers = {name.lower(): value for name, value in error.response.headers.items()}
            raise _ours(what, GithubException(error.response.status_code, None, headers)) from error
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


class GitHubClient:
    """A way to the repository `slug` (owner/name) with the rights of our token."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.owner = slug.split("/", maxsplit=1)[0]
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

    @cached_property
    def me(self) -> str:
        """The login that our token acts as."""
        with github_errors("asking GitHub who we are"):
            return self._client.get_user().login


def login_of(user: NamedUser | Organization | None) -> str | None:
    return None if user is None else user.login
