"""Who dabflow is on GitHub: an App where it is installed, or the account of a token.

An App signs its own requests with its private key and gets a token for an hour where it is installed. A step
gets its own token, for the API and for git; one that ends in the middle of a step is renewed.
"""

import email.utils
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from github import Auth, GithubException, GithubIntegration
from github.Installation import Installation

from tasks.rules.errors import NeedsHuman
from tasks.systems import connections, one_step
from tasks.systems.connections import GitHubAccess
from tasks.systems.github_errors import NOT_FOUND, READS_ONLY, Refused, github_errors

_UNAUTHORIZED = 401
# GitHub takes signatures of the last ten minutes; ours is dated back by one.
_CLOCK_SECONDS = 60


class App(Auth.AppInstallationAuth):
    """The App, where it is installed for a repository."""

    def __init__(self, access: GitHubAccess, repository: str) -> None:
        self.access, self.repository = access, repository
        signer = _signer(access)
        self._requests = GithubIntegration(
            auth=signer,
            base_url=access.api_url,
            timeout=15,
            api_version="2022-11-28",
            user_agent="dabflow",
            seconds_between_requests=None,
            seconds_between_writes=None,
            retry=READS_ONLY,
        )
        number = access.installation_id or self.installation.id
        super().__init__(signer, number, requester=self._requests.requester)

    @property
    def token(self) -> str:
        """A token that still lasts; a new one where the last is about to end.

        Raises:
            NeedsHuman: GitHub gives none.
        """
        try:
            with self._refusals("a token"):
                return one_step.secret(super().token)
        except Refused as error:
            if error.status != NOT_FOUND:
                raise
            raise NeedsHuman(
                f"the App {self.slug} has no installation {self.installation_id}",
                f"leave the installation out in {self.access.source}: it is then found by the repository",
            ) from error

    @property
    def login(self) -> str:
        """The login of the App's bot: what GitHub writes beside what we do."""
        return f"{self.slug}[bot]"

    @cached_property
    def slug(self) -> str:
        """The App's name in addresses.

        Raises:
            NeedsHuman: there is no such App.
        """
        try:
            with self._refusals("who it is"):
                return self._requests.get_app().slug
        except Refused as error:
            if error.status != NOT_FOUND:
                raise
            raise NeedsHuman(
                f"{self.access.api_url} knows no App {self.access.app_id}",
                f"take the App id from the App's page and correct it in {self.access.source}",
            ) from error

    @cached_property
    def installation(self) -> Installation:
        """Where it is installed for the repository, with the permissions that were accepted there.

        Raises:
            NeedsHuman: it is not installed for it.
        """
        owner, _, name = self.repository.partition("/")
        try:
            with self._refusals("where it is installed"):
                return self._requests.get_repo_installation(owner, name)
        except Refused as error:
            if error.status != NOT_FOUND:
                raise
            # GitHub says 404 also for an App that is not there: asked for its slug, that is a stop of its own.
            raise NeedsHuman(
                f"the App {self.slug} is not installed for {self.repository}",
                f"install it there and choose the repository: {self.access.url}/apps/{self.slug}/installations/new",
            ) from error

    @property
    def permissions(self) -> dict[str, str]:
        """What the App may do in the repository: permission -> read or write, as GitHub names them."""
        found: dict[str, str] = self.installation.raw_data["permissions"]
        return found

    @contextmanager
    def _refusals(self, what: str) -> Iterator[None]:
        """Tell apart, of what GitHub refuses to an App, what only an App runs into."""
        with github_errors(f"asking GitHub for the App {self.access.app_id}, {what}"):
            try:
                yield
            except GithubException as error:
                if error.status == _UNAUTHORIZED:
                    raise self._not_accepted(error) from error
                raise

    def _not_accepted(self, error: GithubException) -> NeedsHuman:
        problem = f"GitHub does not accept the signature of the App {self.access.app_id}"
        ahead = _clock_ahead(error)
        if abs(ahead) > _CLOCK_SECONDS:
            way = "ahead of" if ahead > 0 else "behind"
            return NeedsHuman(
                f"{problem}: this worker's clock is {abs(ahead):.0f} s {way} GitHub's",
                "set the worker's clock (NTP), then retry",
            )
        return NeedsHuman(
            f"{problem}: the private key from {self.access.source} is not one of its keys",
            "make a new private key on the App's page and store it: dabflow connect github",
        )


def auth_of(repository: str) -> Auth.Auth:
    """How PyGithub signs in for a repository (owner/name); a step has one token for it.

    Raises:
        NeedsHuman: there is no connection, or the App is not installed for the repository.
    """
    access = connections.github(repository)
    if not access.app_id:
        return Auth.Token(access.token)
    return one_step.once((App, repository), lambda: App(access, repository))


def git_token(repository: str) -> str:
    """What git gives as the password for a repository: to be asked for again for each command."""
    return auth_of(repository).token


def _signer(access: GitHubAccess) -> Auth.AppAuth:
    """What signs the App's own requests.

    Raises:
        NeedsHuman: the private key is none.
    """
    try:
        # Read once: PyJWT would read it for each signature, which takes 20 ms each time.
        key = serialization.load_pem_private_key(access.private_key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(access, type(error).__name__) from None
    if not isinstance(key, RSAPrivateKey):
        raise _no_key(access, type(key).__name__)
    return Auth.AppAuth(access.app_id, sign_func=lambda claims: jwt.encode(claims, key, "RS256"))


def _no_key(access: GitHubAccess, what: str) -> NeedsHuman:
    return NeedsHuman(
        f"the private key of the App {access.app_id}, from {access.source}, is no RSA key as PEM text ({what})",
        "take the whole file that GitHub gave when the key was made: dabflow connect github",
    )


def _clock_ahead(error: GithubException) -> float:
    """By how many seconds our clock is ahead of that of the server that answered; 0 where it does not say."""
    try:
        theirs = email.utils.parsedate_to_datetime(str((error.headers or {}).get("date")))
    except ValueError:
        return 0.0
    return time.time() - theirs.timestamp()
