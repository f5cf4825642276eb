"""The check of a pull request: what is looked at, and what people read about it on GitHub."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.rules.labels import sha
from tasks.rules.markdown import GITHUB_LIMIT, code, escaped, fenced, limited, link, prose
from tasks.rules.pages import Section, fitting

CONTEXT = "dabflow/check"  # the name of the commit's status
LONGEST_STATUS = 140  # characters; GitHub answers 422 to a longer description
PENDING = "validating and planning"


@dataclass(frozen=True)
class PullCheck:
    """What a check is about.

    Args:
        repository: owner/name.
        number: the pull request's.
        head: the newest commit of its branch, which gets the status.
        base: the branch that it wants to go into.
        target: the bundle target of staging.
        commit: what is validated: the head merged into the base, or the head where that is impossible.
        run_url: the page of the run.
        left_alone: why there is nothing to check; "" where there is.
    """

    repository: str
    number: int
    head: str
    base: str
    target: str
    commit: str = ""
    run_url: str = ""
    left_alone: str = ""

    @property
    def title(self) -> str:
        return f"{self.repository}#{self.number}"

    @property
    def marker(self) -> str:
        """The first line of our comment: with its author it tells our comment from anybody else's."""
        return f"<!-- dabflow-check:{self.repository}#{self.number} -->"


@dataclass(frozen=True)
class StagingPlan:
    """What staging would get: in one line, and the page about each bundle."""

    line: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Status:
    """The status of a commit: error, failure, pending or success, and what it says."""

    state: str
    text: str


def insist_on_our_own(*, repository: str, number: int, from_fork: bool) -> None:
    """Insist that the pull request's branch is in the repository itself.

    Raises:
        NeedsHuman: it comes from a fork, whose authors must not get their code run with our credentials.
    """
    if from_fork:
        raise NeedsHuman(
            f"{repository}#{number} comes from a fork: dabflow runs nothing of it, it would run with staging's"
            " credentials",
            "read it; somebody who may write can push its commits to a branch of the repository itself",
        )


def passed(plan: StagingPlan) -> Status:
    return Status("success", _short(plan.line))


def failed(error: ReleaseError) -> Status:
    """What the commit says: a failure is the pull request's business, an error may pass by itself."""
    return Status("failure" if isinstance(error, NeedsHuman) else "error", _short(error.problem))


def plan_comment(check: PullCheck, plan: StagingPlan) -> str:
    """What the pull request would do to staging."""
    head = "\n".join(
        [
            check.marker,
            f"### On {code(check.target)} this would be: {escaped(plan.line)}",
            "",
            f"{_what(check)}. Nothing was deployed. {link('Run in Prefect', check.run_url)}",
            "",
            "",
        ]
    )
    rest = link("the whole plan is in the run", check.run_url)
    return head + fitting(plan.sections, GITHUB_LIMIT - len(head), rest=rest)


def failed_comment(check: PullCheck, error: ReleaseError) -> str:
    """Why it could not be told, and what somebody does about it."""
    lines = [
        check.marker,
        f"### What it would do on {code(check.target)} could not be told",
        "",
        f"{_what(check)}. Nothing was deployed. {link('Run in Prefect', check.run_url)}",
        "",
        fenced(error.problem),
        "",
        f"**What to do:** {prose(error.remedy)}; a new commit is checked by itself",
    ]
    return limited("\n".join(lines) + "\n", rest="see the run's log")


def page(sections: Sequence[Section], characters: int) -> str:
    """The plan as an artifact of the run."""
    return fitting(sections, characters, rest="see the run's log")


def _what(check: PullCheck) -> str:
    if check.commit == check.head:
        return f"Commit {sha(check.head)} by itself: it cannot be merged into {code(check.base)}"
    return f"Commit {sha(check.head)} merged into {code(check.base)}"


def _short(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= LONGEST_STATUS else f"{line[: LONGEST_STATUS - 1]}…"
