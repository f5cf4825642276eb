"""Who dabflow is on GitHub and what it may do there, looked up before anything is done."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.systems.github_auth import App
from tasks.systems.github_client import GitHubClient


@dataclass(frozen=True)
class Seen:
    """Who we are and what we may do in a repository. `permissions` is None for a token: GitHub does not list them."""

    login: str
    repository: str
    permissions: Mapping[str, str] | None
    may_push: bool


class Look(GitHubClient):
    """Looks only."""

    def seen(self) -> Seen:
        """Who we are there.

        Raises:
            NeedsHuman: the repository is not reachable, or GitHub does not accept who we say we are.
            TryAgain: GitHub did not answer.
        """
        login, repository = self.me, self._repo
        if isinstance(self._auth, App):
            permissions = self._auth.permissions
            return Seen(
                login, repository.full_name, permissions, may_push=permissions.get("contents") == "write"
            )
        return Seen(login, repository.full_name, None, may_push=bool(repository.permissions.push))
