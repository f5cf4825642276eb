"""`dabflow approve`, `dabflow reject`, `dabflow recheck` and `dabflow decide`."""

from typing import Annotated, Literal, cast

from cyclopts import Parameter
from rich.markup import escape

from deployments import surroundings
from deployments.answering import (
    AfterStop,
    Answer,
    Said,
    give,
    insist_on_fitting,
    outcome,
    seen_afterwards,
    waiting_run,
)
from deployments.commands.options import Repository, Version
from deployments.prefect_api import connected
from deployments.screen import Screen, make_console
from deployments.watching import Watch
from tasks.rules.errors import NeedsHuman
from tasks.rules.names import named
from tasks.rules.versions import Version as Number

Reason = Annotated[str, Parameter(name="--reason", help="kept with the release")]
Destroys = Annotated[
    list[str] | None,
    Parameter(
        name="--destroys",
        negative=(),
        help="a resource that the plan destroys, such as jobs.legacy_export; again for each",
    ),
]


def approve(
    version: Version,
    /,
    *,
    reason: Reason = "",
    destroys: Destroys = None,
    repository: Repository = None,
) -> int:
    """Approve what production would get. Where reviews are asked for, they count all the same."""
    return _answer(version, repository, Answer("approve", reason, tuple(destroys or ())))


def reject(version: Version, /, *, reason: Reason, repository: Repository = None) -> int:
    """Reject it: the pull request is closed with your reason, its branch stays."""
    return _answer(version, repository, Answer("reject", reason))


def recheck(version: Version, /, *, reason: Reason = "", repository: Repository = None) -> int:
    """Wake it, so that it looks at GitHub again: after a review, a merge, a new commit."""
    return _answer(version, repository, Answer("recheck", reason))


def decide(
    version: Version,
    decision: Annotated[Literal["retry", "roll-back", "abandon"], Parameter(help="what becomes of it")],
    /,
    *,
    reason: Reason = "",
    to: Annotated[
        str, Parameter(help="with roll-back: the version to go back to; default: the one before")
    ] = "",
    repository: Repository = None,
) -> int:
    """Say what becomes of a release that stopped half way in production."""
    if decision != "retry" and not reason.strip():
        raise NeedsHuman(f"to {decision} it needs a reason that others understand", "give it: --reason TEXT")
    words = cast('Literal["retry", "roll back", "abandon"]', decision.replace("-", " "))
    return _answer(version, repository, AfterStop(words, reason, str(Number.parse(to)) if to else ""))


def _answer(version: str, repository: str | None, answer: Said) -> int:
    slug, version = surroundings.repository_or_default(repository), str(named(version))
    console = make_console()
    with connected() as api, Screen(console) as screen:
        run = waiting_run(api, slug, version)
        question = api.question(run.id)
        insist_on_fitting(answer, question, api.waiting(run.id), version)
        watch = Watch(api, run.id, screen)
        watch.skip()
        give(api, run, answer)
        console.print(f"{escape(run.name)}: {answer.decision} was handed in", soft_wrap=True)
        try:
            now = seen_afterwards(watch, question)
        except KeyboardInterrupt:
            console.print(f"The run goes on by itself: {run.url}", soft_wrap=True)
            return 0
        if said := outcome(now, api.waiting(run.id), version):
            console.print(escape(said), soft_wrap=True)
    return 1 if now.went_wrong else 0
