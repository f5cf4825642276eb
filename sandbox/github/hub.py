"""Records and repositories together: one world of GitHub, with a clock and a folder."""

import hashlib
import json
import os
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sandbox.github.bare import BareRepository
from sandbox.github.objects import Person
from sandbox.github.records import Account, Event, Pull, Repository, Role, State, Team

# login, name, type, role in new repositories
PEOPLE: list[tuple[str, str, str, Role]] = [
    ("dabflow-bot", "dabflow bot", "Bot", "write"),
    ("rita", "Rita Renner", "User", "maintain"),
    ("ravi", "Ravi Rao", "User", "write"),
    ("rosa", "Rosa Roth", "User", "write"),
    ("oskar", "Oskar Olsen", "User", "read"),
]
APP_BOT = ("dabflow[bot]", 471)
TEAMS = [
    ("data-platform", "Data Platform", ["ravi", "rosa"]),
    ("release-managers", "Release Managers", ["rita"]),
]


def real_time() -> datetime:
    """Now, in whole seconds as GitHub shows them, in UTC."""
    return datetime.now(UTC).replace(microsecond=0)


class Hub:
    """One world. `past` says that it is a copy of an earlier moment, which nobody changes."""

    def __init__(self, home: Path, state: State, *, past: bool = False) -> None:
        self.home = home
        self.state = state
        self.past = past
        self.clock: Callable[[], datetime] = real_time
        self.gits: dict[str, BareRepository] = {}
        # By repository, what its git says that it can do: the text and its headers.
        self.abilities: dict[str, tuple[bytes, dict[str, str]]] = {}
        # Looks at a pull request since its head or base moved: mergeable is known at the second.
        self.looks: dict[tuple[int, int, str, str], int] = {}
        self.lock = threading.RLock()

    @classmethod
    def open(cls, home: Path) -> "Hub":
        """Load the world kept in `home`, or make one there with its accounts and teams."""
        home.mkdir(parents=True, exist_ok=True)
        if (home / "state.json").exists():
            hub = cls(home, State.model_validate_json((home / "state.json").read_text(encoding="utf-8")))
        else:
            hub = cls(home, State(created_at=real_time()))
            hub.populate()
        hub.read_tokens()
        hub.admit_app()
        return hub

    def populate(self) -> None:
        for login, name, kind, role in PEOPLE:
            account = {"login": login, "name": name, "type": kind, "role": role}
            email = f"{login}@{self.state.organization}.example"
            self.state.accounts[login] = Account.model_validate(
                account | {"id": self.new_id(), "email": email}
            )
        for slug, name, members in TEAMS:
            self.state.teams.append(Team(id=self.new_id(), slug=slug, name=name, members=members))
        self.save()

    def admit_app(self) -> None:
        """The App's bot is an account without a token of its own, with a number that no other has."""
        login, number = APP_BOT
        if login not in self.state.accounts:
            self.state.accounts[login] = Account(
                id=number, login=login, name=login, email=f"{login}@apps.example", type="Bot", role="write"
            )
            for repository in self.state.repositories.values():
                repository.collaborators.setdefault(login, "write")
            self.save()

    def read_tokens(self) -> None:
        file = self.home / "tokens.json"
        if not file.exists():
            tokens = {login: f"github_pat_{secrets.token_hex(20)}" for login in self.state.accounts}
            write_private(file, json.dumps(tokens, indent=1))
        for login, token in json.loads(file.read_text(encoding="utf-8")).items():
            if login in self.state.accounts:
                self.state.accounts[login].token = token

    def save(self) -> None:
        """Keep the records on disk: the file is the old one or the new one, never half of it."""
        if not self.past:
            write_private(self.home / "state.json", self.state.model_dump_json())

    def restore(self) -> None:
        """Forget what a refused request had begun to change: go back to what is on disk."""
        accounts = self.state.accounts
        self.state = State.model_validate_json((self.home / "state.json").read_text(encoding="utf-8"))
        self.state.accounts = accounts

    def as_it_is_now(self) -> "Hub":
        """Return a copy for reading, in which nothing happens any more."""
        then = Hub(self.home, self.state.model_copy(deep=True), past=True)
        moment = self.clock()
        then.clock = lambda: moment
        then.gits = {slug: self.git(slug).at_this_moment() for slug in self.state.repositories}
        then.looks = dict(self.looks)
        return then

    def now(self) -> datetime:
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def new_id(self) -> int:
        self.state.next_id += 1
        return self.state.next_id

    def repository_path(self, slug: str) -> Path:
        return self.home / "repositories" / f"{slug}.git"

    def git(self, slug: str) -> BareRepository:
        if slug not in self.gits:
            self.gits[slug] = BareRepository(self.repository_path(slug))
        return self.gits[slug]

    def create_repository(self, owner: str, name: str, default_branch: str) -> Repository:
        now = self.now()
        repository = Repository(
            id=self.new_id(),
            owner=owner,
            name=name,
            default_branch=default_branch,
            created_at=now,
            updated_at=now,
            pushed_at=now,
            collaborators={login: account.role for login, account in self.state.accounts.items()},
        )
        self.gits[repository.slug] = BareRepository.create(
            self.repository_path(repository.slug), default_branch
        )
        self.state.repositories[repository.slug] = repository
        self.save()
        return repository

    def role(self, repository: Repository, login: str) -> Role:
        return repository.collaborators.get(login, "none" if repository.private else "read")

    def person(self, login: str) -> Person:
        """The author of commits made for `login`."""
        account = self.state.accounts[login]
        return Person(account.name, account.noreply, self.now())

    def web_flow(self) -> Person:
        """The committer of commits that GitHub makes by itself."""
        return Person("GitHub", "noreply@github.com", self.now())

    def note(
        self,
        repository: Repository,
        pull: Pull,
        event: str,
        actor: str,
        *,
        commit_id: str | None = None,
        **details: object,
    ) -> None:
        """Add to the history of a pull request who did what, and say when it was last touched."""
        pull.updated_at = self.now()
        repository.events.append(
            Event(
                id=self.new_id(),
                number=pull.number,
                event=event,
                actor=actor,
                commit_id=commit_id,
                created_at=pull.updated_at,
                details=details,
            )
        )


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def write_private(file: Path, text: str) -> None:
    """Replace a file in one step by one that only its owner may read."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)
