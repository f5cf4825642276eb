"""The play of the demo: rita starts a release, ravi reviews it, somebody resumes it; then everything is checked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from deployments.answering import Answer, give, seen_afterwards, waiting_run
from deployments.demo import Stage
from deployments.durations import by_part
from deployments.prefect_api import PrefectApi, connected
from deployments.runs import Run
from deployments.screen import Screen
from deployments.starting import Order, start_release
from deployments.verdicts import SHORT, Claim, Shipped, claims, shipped
from deployments.watching import Watch, until_it_ends, until_it_stops
from deployments.witness import Witness
from tasks.rules.errors import NeedsHuman

REPOSITORY, REQUESTER, REVIEWER, ROBOT = "acme/lakehouse", "rita", "ravi", "dabflow-bot"
_REASON = "the orders are checked every hour now"
_READ = f"reviewed by {REVIEWER}, nobody needs the export"
_DESTROYED = "jobs.legacy_export"  # the sample's story takes it away


@dataclass(frozen=True)
class Told:
    """What the summary needs to know about how it went."""

    run: Run
    asked_after: float
    went_on: float
    ended: float
    since: float


def play(stage: Stage, screen: Screen) -> bool:
    """One minor release from start to finish; whether everything is as it must be afterwards.

    Raises:
        NeedsHuman: it stopped; the text says why.
    """
    _introduce(stage, screen)
    with Witness(stage.folder, stage.environment, REPOSITORY, login=REQUESTER) as witness:
        with connected() as api:
            told = _release(api, witness, screen)
            steps = api.steps(told.run.id)
        screen.working_on("looking at what the servers hold now")
        release = shipped(witness, told.run.version)
        found = _checked(witness, release, screen)
        screen.print(_summary(stage, witness, release, told))
    screen.print(_times(stage, told, by_part(steps)))
    return all(claim.true for claim in found)


def _introduce(stage: Stage, screen: Screen) -> None:
    screen.done("sandbox", time.monotonic() - stage.began)
    table = Table.grid(padding=(0, 2))
    table.add_row("   GitHub", stage.notice.repository)
    for target, url in stage.notice.workspaces.items():
        table.add_row(f"   {target}", url)
    table.add_row("   Prefect", stage.environment["PREFECT_API_URL"].removesuffix("/api"))
    table.add_row("   databricks", escape(stage.notice.cli_version))
    screen.print(table)


def _release(api: PrefectApi, witness: Witness, screen: Screen) -> Told:
    screen.print(
        f"\n[bold]{REQUESTER} starts a minor release[/]  [dim]dabflow release --bump minor --watch[/]"
    )
    since, began = time.time(), time.monotonic()
    run = start_release(api, Order(REPOSITORY, REQUESTER, bump="minor", reason=_REASON))
    watch = Watch(api, run.id, screen)
    run = _insist_on_waiting(watch.until(until_it_stops))
    asked_after = time.monotonic() - began
    version = run.version

    waiting = api.waiting(run.id)
    number = waiting.number if waiting else 0
    screen.print(f"\n[bold]{REVIEWER} reviews pull request #{number} and approves it[/]")
    witness.approve(number, login=REVIEWER, text="the plan is what we talked about")
    _refused(api, watch, version, screen)
    command = f"dabflow approve {version} --reason '{_READ}' --destroys {_DESTROYED}"
    screen.print(f"\n[bold]{REQUESTER} names it, and approves again[/]  [dim]{command}[/]")
    went_on = time.monotonic()
    question = api.question(run.id)
    give(api, waiting_run(api, REPOSITORY, version), Answer("approve", _READ, (_DESTROYED,)))
    run = seen_afterwards(watch, question)
    if run.waits:
        raise NeedsHuman(f"{run.name} asks again although it was approved", "see its log")
    run = _insist_on_success(watch.until(until_it_ends))
    return Told(run, asked_after, went_on, time.monotonic(), since)


def _refused(api: PrefectApi, watch: Watch, version: str, screen: Screen) -> None:
    """The plan destroys a job, and the first approval does not name it: production stays as it is."""
    command = f"dabflow approve {version} --reason '{_READ}'"
    screen.print(f"\n[bold]{REQUESTER} resumes the run, but names nothing[/]  [dim]{command}[/]")
    run = waiting_run(api, REPOSITORY, version)
    question = api.question(run.id)
    give(api, run, Answer("approve", _READ))
    run = seen_afterwards(watch, question)
    if not run.waits:
        raise NeedsHuman(f"{run.name} was let through without naming what it destroys", "see its log")
    waiting = api.waiting(run.id)
    screen.print(f"   [yellow]refused:[/] {escape(waiting.missing if waiting else 'see its form')}")


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


def _checked(witness: Witness, release: Shipped, screen: Screen) -> Sequence[Claim]:
    screen.print("\n[bold]Is it true?[/]  [dim]asked of the servers themselves[/]")
    found = []
    for claim in claims(witness, release, requester=REQUESTER):
        screen.verdict(claim.text, good=claim.true)
        found.append(claim)
    return found


def _summary(stage: Stage, witness: Witness, release: Shipped, told: Told) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    page = f"{stage.notice.repository}"
    table.add_row("version", release.version)
    table.add_row("rehearsed", f"{release.candidate[:SHORT]}  on staging")
    table.add_row("released", f"{release.commit[:SHORT]}  the merge commit, tagged {release.version}")
    table.add_row("production runs", f"{release.commit[:SHORT]}  {', '.join(sorted(witness.jobs('prod')))}")
    table.add_row("pull request", f"{page}/pull/{release.number}")
    table.add_row("release", f"{page}/releases/tag/{release.version}")
    table.add_row("run", told.run.url)
    table.add_row("requests", f"{witness.requests(told.since, ROBOT)} to GitHub's API, by {ROBOT}")
    return Panel(
        table, title=f"[bold]{escape(told.run.name)} is released[/]", border_style="green", expand=False
    )


def _times(stage: Stage, told: Told, parts: Sequence[tuple[str, float]]) -> Table:
    table = Table(title="seconds", title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column(min_width=34)
    table.add_column(justify="right")
    for part, seconds in parts:
        table.add_row(part, f"{seconds:.1f}")
    table.add_row("[dim]from start to question[/]", f"[dim]{told.asked_after:.1f}[/]")
    table.add_row("[dim]from approval to end[/]", f"[dim]{told.ended - told.went_on:.1f}[/]")
    table.add_row("[bold]the whole demo so far[/]", f"[bold]{time.monotonic() - stage.began:.1f}[/]")
    return table
