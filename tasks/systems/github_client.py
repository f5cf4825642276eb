"""The way to GitHub: the client, and our repository there. GitHub's errors become ours in github_errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from github import Auth, Github
from github.NamedUser import NamedUser
from github.Organization import Organization
from github.Repository import Repository

from tasks.rules.errors import NeedsHuman
from tasks.systems import connections
from tasks.systems.github_auth import App, auth_of
from tasks.systems.github_errors import NOT_FOUND, READS_ONLY, Refused, github_errors

__all__ = ["NOT_FOUND", "GitHubClient", "Refused", "github_errors", "login_of"]


class GitHubClient:
    """A way to the repository `slug` (owner/name) with the rights of our App or token.

    PyGithub's objects are lazy here: one that is named by its number, name or id sends nothing until it is asked for
    something that it does not know. What that may not be is in docs/decisions/0023.
    """

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.owner = slug.split("/", maxsplit=1)[0]

    @cached_property
    def _auth(self) -> Auth.Auth:
        return auth_of(self.slug)

    @cached_property
    def _client(self) -> Github:
        return Github(
            auth=self._auth,
            base_url=connections.github_api_url(self.slug),
            timeout=15,
            per_page=100,
            api_version="2022-11-28",
            user_agent="dabflow",
            seconds_between_requests=None,
            seconds_between_writes=None,
            retry=READS_ONLY,
            lazy=True,
        )

    @cached_property
    def _repo(self) -> Repository:
        """The repository to read from: nothing is sent for it."""
        return self._client.get_repo(self.slug)

    @cached_property
    def _whole(self) -> Repository:
        """The repository and what it says of itself, asked once. Whatever writes begins with it.

        GitHub leads an old name on to the new one, and what is written would lose its body on the way.
        """
        return self._looked_up()

    def _looked_up(self) -> Repository:
        """The repository and what it says of itself, asked now.

        Raises:
            NeedsHuman: GitHub does not show it to us, or it has another name by now.
        """
        try:
            with github_errors(f"reading {self.slug}"):
                found = self._client.get_repo(self.slug).complete()
        except Refused as error:
            # Not `Refused`: nobody may read "the repository is hidden from us" as "that branch is not there".
            raise NeedsHuman(
                error.problem, f"check the name {self.slug}, and that {connections.acting_as()} may read it"
            ) from error
        if found.full_name.lower() != self.slug.lower():
            raise NeedsHuman(
                f"{self.slug} is now called {found.full_name}", "start the release with the new name"
            )
        return found

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """`github_errors` for what belongs to the repository: a 404 means that it has no such thing.

        GitHub says 404 also where it does not show us the repository, which may have been hidden since we saw it.

        Raises:
            NeedsHuman: that is so.
        """
        try:
            with github_errors(what):
                yield
        except Refused as error:
            if error.status == NOT_FOUND:
                self._looked_up()
            raise

    @cached_property
    def me(self) -> str:
        """The login that dabflow acts as: of the App's bot, or of the token's account."""
        if isinstance(self._auth, App):
            return self._auth.login
        with github_errors("asking GitHub who we are"):
            return self._client.get_user().login


def login_of(user: NamedUser | Organization | None) -> str | None:
    return None if user is None else user.login
