"""A connection to one workspace as one service principal: the client of databricks-sdk, and what may go wrong."""

from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config

from tasks.systems import one_step
from tasks.systems.scrub import Scrubber
from tasks.systems.sign_in import SignIn
from tasks.systems.targets import Target, access_of
from tasks.systems.workspace_errors import workspace_errors

_ANSWER_SECONDS = 10.0  # for one answer
_SIGN_IN_SECONDS = 5.0
_REPEAT_SECONDS = 2  # how long the SDK repeats one request by itself; the step repeats, not the client


class Connection:
    """The workspace of one target, asked as its service principal. Nothing is sent before the first question.

    Made for one step and thrown away: it holds the credentials of one target only.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._access = access_of(target)
        self.scrubber = Scrubber([self._access.client_secret])

    def answers(self, what: str) -> AbstractContextManager[None]:
        """Inside, what goes wrong while asking for `what` becomes `TryAgain` or `NeedsHuman`, scrubbed."""
        return workspace_errors(self.target, what, self.scrubber)

    @cached_property
    def client(self) -> WorkspaceClient:
        """The client of this step for this target: it signs in once."""
        return one_step.once((Connection, self.target), self._signed_in)

    def _signed_in(self) -> WorkspaceClient:
        # Every setting that the SDK would else take from the worker's environment or profile file is given,
        # as empty: this client is about one target, whatever the worker was started with.
        settings: dict[str, Any] = {a.name: "" for a in Config.attributes() if a.env and a.transform is str}
        sign_in = SignIn(self._access, within_seconds=_SIGN_IN_SECONDS)
        settings |= {
            "host": self.target.host,
            "auth_type": sign_in.auth_type(),
            "http_timeout_seconds": _ANSWER_SECONDS,
            "retry_timeout_seconds": _REPEAT_SECONDS,
            "debug_headers": False,
        }
        return WorkspaceClient(config=Config(credentials_strategy=sign_in, **settings))
