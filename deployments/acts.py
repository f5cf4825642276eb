"""The acts of the demo: a release waits, a hotfix overtakes it, it goes on; and production goes back once more."""

import time
from dataclasses import dataclass

from rich.markup import escape

from deployments.answering import Answer, give, seen_afterwards, waiting_run
from deployments.prefect_api import PrefectApi
from deployments.runs import Run
from deployments.screen import Screen
from deployments.starting import Hotfix, Order, Rollback, StandardRelease, start_run
from deployments.watching import Watch, until_it_ends, until_it_stops
from deployments.witness import Witness
from tasks.rules.errors import NeedsHuman

REPOSITORY, REQUESTER, REVIEWER = "acme/lakehouse", "rita", "ravi"
# What the sample's story holds: a job that 1.4.0 takes away, one that it brings, and a fix that others wait for.
GOES, COMES, FIX = "jobs.legacy_export", "jobs.order_quality", "fix/last-word-counts"


@dataclass(frozen=True)
class Played:
    """One run of the demo: how long it took to its question, when it was approved last, when it ended (in seconds)."""

    run: Run
    asked_after: float
    went_on: float
    ended: float


@dataclass
class Asked:
    """A run that waits for its approval."""

    watch: Watch
    run: Run
    asked_after: float


@dataclass(frozen=True)
class Company:
    """The people of the demo, and what they act through."""

    api: PrefectApi
    witness: Witness
    screen: Screen

    def start(self, what: str, command: str, order: Order) -> Asked:
        """Somebody starts a run; it is watched until it asks."""
        self.screen.print(f"\n[bold]{REQUESTER} {what}[/]  [dim]{escape(command)}[/]")
        began = time.monotonic()
        run = start_run(self.api, order)
        watch = Watch(self.api, run.id, self.screen)
        run = _insist_on_waiting(watch.until(until_it_stops))
        return Asked(watch, run, time.monotonic() - began)

    def review(self, asked: Asked, words: str) -> None:
        waiting = self.api.waiting(asked.run.id)
        number = waiting.number if waiting else 0
        self.screen.print(f"\n[bold]{REVIEWER} reviews pull request #{number} and approves it[/]")
        self.witness.approve(number, login=REVIEWER, text=words)

    def refused(self, asked: Asked, reason: str) -> None:
        """The plan destroys something, and the approval does not name it: production stays as it is."""
        command = f"dabflow approve {asked.run.version} --reason '{reason}'"
        self.screen.print(
            f"\n[bold]{REQUESTER} resumes the run, but names nothing[/]  [dim]{escape(command)}[/]"
        )
        run = self._answered(asked, Answer("approve", reason))
        if not run.waits:
            raise NeedsHuman(f"{run.name} was let through without naming what it destroys", "see its log")
        waiting = self.api.waiting(run.id)
        self.screen.print(f"   [yellow]refused:[/] {escape(waiting.missing if waiting else 'see its form')}")

    def approve(self, asked: Asked, reason: str, destroys: tuple[str, ...] = ()) -> Played:
        """The form is answered, and the run goes to its end."""
        named = "".join(f" --destroys {key}" for key in destroys)
        command = f"dabflow approve {asked.run.version} --reason '{reason}'{named}"
        self.screen.print(f"\n[bold]{REQUESTER} approves[/]  [dim]{escape(command)}[/]")
        went_on = time.monotonic()
        run = self._answered(asked, Answer("approve", reason, destroys))
        if run.waits:
            raise NeedsHuman(f"{run.name} asks again although it was approved", "see its log")
        run = _insist_on_success(asked.watch.until(until_it_ends))
        return Played(run, asked.asked_after, went_on, time.monotonic())

    def look_again(self, asked: Asked) -> Asked:
        """GitHub Actions tells the waiting run that something was pushed: it asks about the new commit."""
        self.screen.print(
            f"\n[bold]GitHub Actions wakes {asked.run.name}[/]  [dim]dabflow recheck {asked.run.version}[/]"
        )
        began = time.monotonic()
        run = _insist_on_waiting(self._answered(asked, Answer("recheck", "pushed")))
        return Asked(asked.watch, run, time.monotonic() - began)

    def _answered(self, asked: Asked, answer: Answer) -> Run:
        question = self.api.question(asked.run.id)
        give(self.api, waiting_run(self.api, REPOSITORY, asked.run.version), answer)
        return seen_afterwards(asked.watch, question)


def release_waits(company: Company) -> Asked:
    """A minor release is rehearsed on staging, and asks."""
    reason = "the orders are checked every hour now"
    order = StandardRelease(REPOSITORY, REQUESTER, bump="minor", reason=reason)
    return company.start("starts a minor release", "dabflow release --bump minor --watch", order)


def release_ships(company: Company, asked: Asked) -> Played:
    """It is approved by somebody else, refused once, then approved with what it destroys, and goes to production."""
    company.review(asked, "the plan is what we talked about")
    reason = f"reviewed by {REVIEWER}, nobody needs the export"
    company.refused(asked, reason)
    return company.approve(asked, reason, (GOES,))


def hotfix_overtakes(company: Company) -> Played:
    """One fix of the waiting release cannot wait: it goes to production by itself."""
    number = int(company.witness.pull_request(FIX, "develop")["number"])
    order = Hotfix(REPOSITORY, REQUESTER, pull_request=number, reason="paid orders are reported as open")
    asked = company.start("cannot wait that long for one fix", f"dabflow hotfix --pr {number} --watch", order)
    company.review(asked, "only that fix, as it should be")
    return company.approve(asked, f"reviewed by {REVIEWER}")


def rolled_back(company: Company, to: str) -> Played:
    """The release was not what it seemed: production goes back to the version before."""
    reason = "the hourly check raises alarms for nothing"
    order = Rollback(REPOSITORY, REQUESTER, to=to, reason=reason)
    command = f"dabflow rollback --to {to} --reason '{reason}' --watch"
    asked = company.start("wants the old version back", command, order)
    company.review(asked, "back to that is right")
    return company.approve(asked, f"reviewed by {REVIEWER}, the job comes again", (COMES,))


def _insist_on_waiting(run: Run) -> Run:
    if run.waits:
        return run
    raise _stopped(run, "did not come to the approval")


def _insist_on_success(run: Run) -> Run:
    if run.kind == "COMPLETED" and run.state == "Completed":
        return run
    raise _stopped(run, "did not end well")


def _stopped(run: Run, what: str) -> NeedsHuman:
    # Why it stopped was told when it happened.
    return NeedsHuman(
        f"{run.name} {what}: {run.state}", "the reason stands above; the whole story is in the logs"
    )
