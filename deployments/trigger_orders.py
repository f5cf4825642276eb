"""What a form of GitHub Actions asks for: which flow, with which parameters. Only Python's own packages.

    release     BUMP, VERSION, REASON
    hotfix      PULL_REQUEST or BRANCH, REASON, OVERTAKES, MEND_WITHDRAWN
    rollback    VERSION, REASON, OVERTAKES
    check       PULL_REQUEST, HEAD

Each is a variable of the environment, called like the field of the form in capitals, and may be empty. Only what
Prefect cannot check is checked here: it knows each flow's own schema, and has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deployments.trigger_http import USAGE, Stop, needed

_YES, _NO = {"true"}, {"", "false"}
_IN_A_JOB = "this runs in a GitHub Actions job, which sets it"


@dataclass(frozen=True)
class Field:
    """A field of a form, read from `variable`; it becomes the flow's parameter `name`."""

    name: str
    variable: str
    read: Callable[[str, str], Any]
    required: bool = False

    def value(self, env: Mapping[str, str]) -> Any:  # noqa: ANN401 - a text, a number, a truth value or None
        # What the environment holds may be no text: its bytes would break whoever reads them after us.
        text = (
            env.get(self.variable, "").encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
        )
        if not text and self.required:
            raise Stop(USAGE, f"the field {self.label} is empty", "fill it in, then start the workflow again")
        return self.read(self.label, text)

    @property
    def label(self) -> str:
        """What the form calls it."""
        return self.variable.lower()


@dataclass(frozen=True)
class Kind:
    """A kind of run: its deployment in Prefect, the fields of its form, and whether somebody asks for it by name."""

    deployment: str
    fields: tuple[Field, ...]
    by_somebody: bool = True

    def label(self, parameter: str) -> str:
        """What the form calls a parameter of the flow; "" where it has no such field."""
        return next((field.label for field in self.fields if field.name == parameter), "")


@dataclass(frozen=True)
class Order:
    """What is to be started: the deployment's name, and the parameters that were chosen."""

    kind: Kind
    given: Mapping[str, Any]

    @property
    def words(self) -> str:
        """What it is about, for people."""
        given = self.given
        if "to" in given:
            return f"back to {given['to']}"
        if "pull_request" in given:
            return f"#{given['pull_request']}"
        if "branch" in given:
            return f"the branch {given['branch']}"
        return str(given.get("version") or f"the next version ({given.get('bump', 'auto')})")


def order_of(name: str, env: Mapping[str, str]) -> Order:
    """Return what the environment asks for.

    Raises:
        Stop: a field is missing or wrong; the text names it.
    """
    kind = KINDS[name]
    given: dict[str, Any] = {"repository": needed(env, "GITHUB_REPOSITORY", _IN_A_JOB)}
    if kind.by_somebody:
        given["requested_by"] = whoever_asks(env)
    values = {field.name: field.value(env) for field in kind.fields}
    return Order(kind, {**given, **{key: value for key, value in values.items() if value is not None}})


def whoever_asks(env: Mapping[str, str]) -> str:
    """Return the login of whoever started this attempt: a job that somebody else runs again is theirs.

    GITHUB_ACTOR stays whoever started the first one, and may know nothing of it.

    Source: docs.github.com, "Default environment variables"; a job cannot set those.
    """
    return env.get("GITHUB_TRIGGERING_ACTOR") or needed(env, "GITHUB_ACTOR", _IN_A_JOB)


def number_in(env: Mapping[str, str], variable: str) -> int | None:
    """Return the number that a variable holds; None where it is empty, as for an event that has none.

    Raises:
        Stop: it is no number.
    """
    return _number(variable.lower(), env.get(variable, "").strip())


def _text(_: str, text: str) -> str | None:
    return text or None


def _number(label: str, text: str) -> int | None:
    if not text:
        return None
    digits = text.lstrip("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):  # noqa: PLR2004 - digits
        raise Stop(USAGE, f"the field {label} is no number: {text[:40]}", "give the number that GitHub shows")
    return int(digits)


def _truth(label: str, text: str) -> bool | None:
    if text not in _YES | _NO:
        raise Stop(USAGE, f"the field {label} is neither true nor false: {text[:40]}", "tick it, or do not")
    return True if text in _YES else None


_REASON = Field("reason", "REASON", _text)
_OVERTAKES = Field("overtakes", "OVERTAKES", _truth)

KINDS: Mapping[str, Kind] = {
    "release": Kind(
        "standard-release/default",
        (Field("bump", "BUMP", _text), Field("version", "VERSION", _text), _REASON),
    ),
    "hotfix": Kind(
        "hotfix/default",
        (
            Field("pull_request", "PULL_REQUEST", _number),
            Field("branch", "BRANCH", _text),
            _REASON,
            _OVERTAKES,
            Field("mend_withdrawn", "MEND_WITHDRAWN", _truth),
        ),
    ),
    "rollback": Kind(
        "rollback/default",
        (
            Field("to", "VERSION", _text, required=True),
            Field("reason", "REASON", _text, required=True),
            _OVERTAKES,
        ),
    ),
    "check": Kind(
        "pull-request-check/default",
        (Field("pull_request", "PULL_REQUEST", _number, required=True), Field("head", "HEAD", _text)),
        by_somebody=False,
    ),
}
