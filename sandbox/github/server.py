"""The sandbox's GitHub, as one object: `GitHub.open(folder)`, then serve `.app`."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.types import ASGIApp

from sandbox.control import Control
from sandbox.github import hook
from sandbox.github.app_key import private_key_pem
from sandbox.github.application import Application
from sandbox.github.hub import Hub
from sandbox.github.records import Account, Protection, Repository, Role


class GitHub:
    """A GitHub whose repositories, records and tokens live in one folder.

    Everything but making a repository and setting what only its administrators may goes over HTTP.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.control = Control(Application(hub), hub.home, self.snapshot)

    @classmethod
    def open(cls, home: Path) -> "GitHub":
        """Load what `home` holds, or make a GitHub there with its accounts, their tokens and teams."""
        return cls(Hub.open(home))

    @property
    def app(self) -> ASGIApp:
        return self.control

    @property
    def accounts(self) -> dict[str, Account]:
        """Accounts by login, their tokens included."""
        return self.hub.state.accounts

    def snapshot(self) -> ASGIApp:
        """Return an application that goes on answering reads from the world as it is at this moment."""
        with self.hub.lock:
            return Application(self.hub.as_it_is_now())

    def set_clock(self, now: Callable[[], datetime]) -> None:
        """Take the time of everything that happens from now on from `now`, which gives aware datetimes."""
        self.hub.clock = now

    def repository(self, slug: str) -> Repository:
        """The records of a repository, to look at.

        Raises:
            KeyError: there is none of that name.
        """
        return self.hub.state.repositories[slug]

    def create_repository(self, owner: str, name: str, *, default_branch: str = "develop") -> Path:
        """Make an empty repository in which every account has its role; return the bare repository's path.

        Raises:
            FileExistsError: there is one already.
        """
        with self.hub.lock:
            repository = self.hub.create_repository(owner, name, default_branch)
            path = self.hub.repository_path(repository.slug)
            hook.install(path)
            return path

    def fork(self, slug: str, login: str) -> str:
        """Somebody has a fork of a repository, with its branches as they are now; return its owner/name."""
        with self.hub.lock:
            origin = self.repository(slug)
            self.create_repository(login, origin.name, default_branch=origin.default_branch)
            git = self.hub.git(f"{login}/{origin.name}")
            git.run("fetch", "--quiet", str(self.hub.repository_path(slug)), "+refs/heads/*:refs/heads/*")
            made = self.repository(f"{login}/{origin.name}")
            made.parent, made.private, made.branches = slug, False, git.branches()
            made.collaborators = {login: "admin"}
            self.hub.save()
            return made.slug

    def delete_repository(self, slug: str) -> None:
        """Take a repository away; pull requests that came from it stay as they are."""
        with self.hub.lock:
            del self.hub.state.repositories[slug]
            self.hub.save()

    def protect(self, slug: str, branch: str, protection: Protection | None = None) -> None:
        """Guard a branch, which need not exist yet: by default one approval, and no direct push by anybody."""
        with self.hub.lock:
            guard = protection or Protection(reviews_required=True, approvals=1)
            self.repository(slug).protections[branch] = guard
            self.hub.save()

    def set_role(self, slug: str, login: str, role: Role) -> None:
        """Give an account another role in a repository."""
        with self.hub.lock:
            self.repository(slug).collaborators[login] = role
            self.hub.save()

    def delete_account(self, login: str) -> None:
        """Take an account away; what it said stays, by nobody."""
        with self.hub.lock:
            del self.hub.state.accounts[login]
            for team in self.hub.state.teams:
                team.members = [member for member in team.members if member != login]
            for repository in self.hub.state.repositories.values():
                repository.collaborators.pop(login, None)
            self.hub.save()

    def configure(self, slug: str, **settings: bool) -> None:
        """Switch settings of a repository, such as `delete_branch_on_merge=True`.

        Raises:
            ValueError: there is no such setting.
        """
        with self.hub.lock:
            for name, value in settings.items():
                setattr(self.repository(slug), name, value)
            self.hub.save()

    def change_app(self, **settings: object) -> None:
        """Change what the App may do, such as `permissions=...`, `installed_on=[...]`, `suspended=True`."""
        with self.hub.lock:
            for name, value in settings.items():
                setattr(self.hub.state.app, name, value)
            self.hub.save()

    def app_key(self) -> str:
        """The App's private key, as PEM text."""
        return private_key_pem(self.hub)
