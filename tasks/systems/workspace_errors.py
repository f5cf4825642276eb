"""What goes wrong between us and a workspace becomes ours here: by type or status, never by the words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import requests
from databricks.sdk import errors
from databricks.sdk.errors.base import DatabricksError

from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.systems.scrub import Scrubber
from tasks.systems.targets import Target, place_of

_MAY_PASS = (
    errors.TooManyRequests,
    errors.InternalError,
    errors.TemporarilyUnavailable,
    errors.DeadlineExceeded,
    errors.Aborted,
    errors.Cancelled,
)
_WAIT = "nothing now: the step looks again by itself; if this goes on, look at the workspace's status page"
_BUSY = {408, 425, 429}
# An answer that broke off is a lost answer: what was asked for may have been done.
_NO_ANSWER = (
    requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, TimeoutError
)  # fmt: skip


@contextmanager
def workspace_errors(target: Target, what: str, scrubber: Scrubber) -> Iterator[None]:
    """Inside, errors of databricks-sdk and of the way to the workspace become `TryAgain` or `NeedsHuman`.

    Args:
        target: whose workspace is asked.
        what: what is asked for, as in "the state of run 5".
        scrubber: cleans the text, and the text of the errors it came from.
    """
    try:
        yield
    except DatabricksError as error:
        raise scrubbed(_refused(target, what, error), error, scrubber) from error
    except requests.HTTPError as error:
        raise scrubbed(_not_signed_in(target, error), error, scrubber) from error
    except _NO_ANSWER as error:
        problem = f"{target.name} at {target.host} did not answer when asked for {what}: {_reason(error)}"
        raise scrubbed(TryAgain(problem, _WAIT), error, scrubber) from error
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        problem = (
            f"{target.host}, asked for {what}, answered something that is not Databricks: {_reason(error)}"
        )
        remedy = f"check that {place_of(target.name, 'HOST')} is the address of a workspace"
        raise scrubbed(NeedsHuman(problem, remedy), error, scrubber) from error


def scrubbed(ours: ReleaseError, error: BaseException, scrubber: Scrubber) -> ReleaseError:
    """Our error with its cause, both fit to be stored: no secret in a text, no request with its headers."""
    ours.__cause__ = error
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, requests.RequestException):
            cause.request = cause.response = None
        cause = cause.__cause__ or cause.__context__
    return scrubber.scrubbed(ours)


def _refused(target: Target, what: str, error: DatabricksError) -> ReleaseError:
    problem = f"{target.name} at {target.host} refused {what}: {_first_line(error)}"
    match error:
        # The plain base class is what the SDK makes of statuses that Databricks does not define: of gateways.
        case _ if isinstance(error, _MAY_PASS) or type(error) is DatabricksError:
            return TryAgain(problem, _WAIT)
        case errors.Unauthenticated():
            return NeedsHuman(problem, _credentials(target))
        case errors.PermissionDenied():
            return NeedsHuman(problem, f"give the service principal {target.client_id} the right to do this")
        case errors.NotFound():
            return NeedsHuman(
                problem, f"check that the bundle is deployed to {target.name} and nobody removed it"
            )
        case _:
            return NeedsHuman(problem, "correct what the message names, then retry")


def _not_signed_in(target: Target, error: requests.HTTPError) -> ReleaseError:
    status = error.response.status_code if error.response is not None else 0
    problem = f"{target.name} at {target.host} did not let {target.client_id} sign in: it answered {status}"
    if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TryAgain(problem, _WAIT)
    if status == HTTPStatus.NOT_FOUND:
        return NeedsHuman(
            problem, f"check that {place_of(target.name, 'HOST')} is the address of a workspace"
        )
    return NeedsHuman(problem, _credentials(target))


def _credentials(target: Target) -> str:
    names = " and ".join(place_of(target.name, what) for what in ("CLIENT_ID", "CLIENT_SECRET"))
    return f"check {names} (or the token's file or command): a secret may have expired or been rotated"


def _first_line(error: BaseException) -> str:
    """The workspace's own words; the SDK adds its settings, or the whole conversation if it is at a loss."""
    text = str(error).partition(". Config:")[0]
    status = re.search(r"^< (\d{3} .*)$", text, re.MULTILINE)
    if "Request log:" in text and status:
        return status[1]
    return next(iter(text.splitlines()), "") or type(error).__name__


def _reason(error: BaseException) -> str:
    """The words of the error at the root: "Timed out after 0:00:02" alone says nothing."""
    while error.__cause__ is not None:
        error = error.__cause__
    return _first_line(error)
