"""GitHub's errors as ours: by status, never by text.

Reads may be repeated by the client where a connection failed; writes are never repeated there, only as a whole
step, which looks first.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from github import GithubException, GithubRetry

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems import connections

NOT_FOUND = 404
_FORBIDDEN = {401, 403, 451}
_PASSING = {408, 423, 425, 429, 500, 502, 503, 504}

# PyGithub's default also repeats POST on 5xx, which can create a thing twice.
READS_ONLY = GithubRetry(
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
        who = connections.acting_as()
        remedy = f"give {who} {_in_words(needs)}" if needs else f"check what {who} may do"
        return NeedsHuman(f"{what}: GitHub refused our token ({said})", remedy)
    return Refused(f"{what}: GitHub answered {said}", "look at GitHub, then retry", error.status)


def _in_words(needs: str) -> str:
    """The permissions that a header names, `a=write,b=read; c=read`: a comma is "and", a semicolon "or".

    Source: GitHub, "Troubleshooting the REST API", X-Accepted-GitHub-Permissions.
    """
    ways = [
        " and ".join(one.strip().replace("=", ": ") for one in way.split(",")) for way in needs.split(";")
    ]
    return ", or ".join(way for way in ways if way)


def _said(error: GithubException) -> str:
    """GitHub's own words: the message and its details."""
    data = error.data if isinstance(error.data, dict) else {"message": str(error.data or "")}
    details = [
        d if isinstance(d, str) else d.get("message") or f"{d.get('field')} {d.get('code')}"
        for d in data.get("errors") or []
    ]
    return "; ".join([str(data.get("message", "")), *details])
