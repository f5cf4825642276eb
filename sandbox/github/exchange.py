"""One request and its answer, and the table of routes."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sandbox.github.bare import BareRepository
from sandbox.github.hub import Hub
from sandbox.github.records import Account, InstallationToken, Pull, Repository

DOCS = "https://docs.github.com/rest"


class Refused(Exception):
    """The answer is a refusal: `status`, a message and perhaps a list of errors."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[Any] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def answer(self) -> "Answer":
        body: dict[str, Any] = {
            "message": self.message,
            "documentation_url": DOCS,
            "status": str(self.status),
        }
        if self.errors:
            body["errors"] = self.errors
        return Answer(body, self.status, self.headers)


def not_found() -> Refused:
    return Refused(404, "Not Found")


def invalid(resource: str, field_name: str, code: str = "invalid", message: str | None = None) -> Refused:
    """A 422 as GitHub gives it for one field."""
    error = {"resource": resource, "field": field_name, "code": code}
    return Refused(422, "Validation Failed", [error | ({"message": message} if message else {})])


@dataclass
class Answer:
    """What goes back: JSON, or raw bytes, or nothing."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One authenticated request, with what a handler needs to answer it."""

    hub: Hub
    base: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    parts: dict[str, str] = field(default_factory=dict)
    account: Account | None = None
    installation: InstallationToken | None = None
    links: str = ""

    # -- who and where

    @property
    def caller(self) -> Account:
        assert self.account is not None
        return self.account

    @property
    def login(self) -> str:
        return self.caller.login

    @property
    def slug(self) -> str:
        return f"{self.parts['owner']}/{self.parts['repo']}"

    @property
    def repository(self) -> Repository:
        """The repository named in the path, in any case of letters.

        Raises:
            Refused: 404, there is none.
        """
        wanted = self.slug.lower()
        for slug, repository in self.hub.state.repositories.items():
            if slug.lower() == wanted:
                return repository
        raise not_found()

    @property
    def git(self) -> BareRepository:
        return self.hub.git(self.repository.slug)

    @property
    def api(self) -> str:
        return f"{self.base}/repos/{self.repository.slug}"

    @property
    def html(self) -> str:
        return f"{self.base}/{self.repository.slug}"

    def number(self, name: str) -> int:
        return int(self.parts[name])

    @property
    def pull(self) -> Pull:
        """The pull request whose number is in the path.

        Raises:
            Refused: 404, there is none.
        """
        name = "pull_number" if "pull_number" in self.parts else "issue_number"
        for pull in self.repository.pulls:
            if pull.number == self.number(name):
                return pull
        raise not_found()

    def commit_sha(self, name: str) -> str:
        """The commit that a branch, tag or SHA means.

        Raises:
            Refused: 409 in an empty repository, 422 when there is no such commit.
        """
        sha = self.git.resolve(name)
        if sha is None:
            if not self.git.refs():
                raise Refused(409, "Git Repository is empty.")
            raise Refused(422, f"No commit found for SHA: {name}")
        return sha

    # -- what was sent

    @property
    def sent(self) -> dict[str, Any]:
        """The JSON object in the body; an empty body is an empty object.

        Raises:
            Refused: 400, it is not a JSON object.
        """
        body = self.json
        if not isinstance(body, dict):
            raise Refused(400, "Body should be a JSON object")
        return body

    @property
    def json(self) -> object:
        """Whatever JSON was sent.

        Raises:
            Refused: 400, it is none.
        """
        try:
            return json.loads(self.raw or b"{}")
        except ValueError as error:
            raise Refused(400, "Problems parsing JSON") from error

    def text(self, name: str) -> str:
        """A text that must be there, and not empty.

        Raises:
            Refused: 422, it is missing or not a text.
        """
        value = self.maybe_text(name)
        if not value:
            raise Refused(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return value

    def maybe_text(self, name: str, longest: int | None = None) -> str | None:
        value = self.sent.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise Refused(
                422, f"Invalid request.\n\nFor 'properties/{name}', {json.dumps(value)} is not a string."
            )
        if longest is not None and len(value) > longest:
            raise invalid("", name, "custom", f"{name} is too long (maximum is {longest} characters)")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.sent.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Refused(
                422, f"Invalid request.\n\nFor 'properties/{name}', {json.dumps(value)} is not a boolean."
            )
        return value

    def texts(self, name: str) -> list[str]:
        value = self.sent.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Refused(
                422, f"Invalid request.\n\nFor 'properties/{name}', {json.dumps(value)} is not an array."
            )
        return list(value)

    # -- pages of a list

    def paged(self, items: Iterable[Any], render: Callable[[Any], Any], most: int = 100) -> list[Any]:
        """One page of a list, rendered; the others are named in the answer's Link header."""
        everything = list(items)
        size = max(1, min(_whole(self.query.get("per_page"), 30), most))
        page = max(1, _whole(self.query.get("page"), 1))
        last = max(1, -(-len(everything) // size))
        targets = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        useful = [r for r in targets if (page > 1 if r in {"prev", "first"} else page < last)]
        self.links = ", ".join(f'<{self._page(targets[r])}>; rel="{r}"' for r in useful)
        return [render(item) for item in everything[(page - 1) * size : page * size]]

    def _page(self, number: int) -> str:
        return f"{self.base}{self.path}?{urlencode(dict(self.query) | {'page': str(number)})}"


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    """One row of the table. `path` is GitHub's own; `needs` is the permission GitHub names for it."""

    method: str
    path: str
    needs: str
    role: str
    handler: Handler
    pattern: re.Pattern[str]

    @property
    def template(self) -> str:
        """The path as GitHub's API description writes it."""
        return re.sub(r":\w+}", "}", self.path)


_KINDS = {"": r"[^/]+", "path": r".+", "int": r"\d+"}
ROUTES: list[Route] = []


def _pattern(path: str) -> re.Pattern[str]:
    pieces = re.split(r"{(\w+)(?::(\w+))?}", path)
    text = re.escape(pieces[0])
    for name, kind, rest in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        text += f"(?P<{name}>{_KINDS[kind or '']}){re.escape(rest)}"
    return re.compile(text)


def route(
    method: str, path: str, needs: str = "metadata=read", role: str = ""
) -> Callable[[Handler], Handler]:
    """Put a handler into the table.

    `role` is the least role in the repository; by default what `needs` says, and admin for administration.
    """

    def add(handler: Handler) -> Handler:
        permission, _, level = needs.partition("=")
        least = "admin" if permission == "administration" and level == "write" else level
        ROUTES.append(Route(method, path, needs, role or least, handler, _pattern(path)))
        # Plain names come before names that may contain slashes, long literals before short ones.
        ROUTES.sort(key=lambda r: (":path" in r.path, -len(re.sub(r"{.*?}", "", r.path))))
        return handler

    return add


def find_route(method: str, path: str) -> Route | None:
    for candidate in ROUTES:
        if candidate.method == method and candidate.pattern.fullmatch(path):
            return candidate
    return None
