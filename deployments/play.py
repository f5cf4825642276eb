"""The play of the demo: its acts one after the other, and after each what is so now, asked of the servers."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from deployments.acts import (
    REPOSITORY,
    REQUESTER,
    Company,
    Played,
    hotfix_overtakes,
    release_ships,
    release_waits,
    rolled_back,
)
from deployments.demo import Act, Stage
from deployments.durations import by_part
from deployments.prefect_api import connected
from deployments.screen import Screen
from deployments.verdicts import (
    SHORT,
    Claim,
    Shipped,
    claims,
    claims_about_overtaking,
    claims_about_rollback,
    shipped,
)
from deployments.witness import Witness

ROBOT = "dabflow-bot"


@dataclass
class Told:
    """What the end of the demo tells: each run by what it was, the release, and what was claimed."""

    played: dict[str, Played] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    release: Shipped | None = None


def play(stage: Stage, screen: Screen, act: Act) -> bool:
    """The acts up to the one that is wanted; whether everything is as it must be afterwards.

    Raises:
        NeedsHuman: it stopped; the text says why.
    """
    _introduce(stage, screen)
    since, told = time.time(), Told()
    with (
        Witness(stage.folder, stage.environment, REPOSITORY, login=REQUESTER) as witness,
        connected() as api,
    ):
        company = Company(api, witness, screen)
        _perform(company, act, told)
        if told.release is not None:
            screen.print(_summary(stage, witness, told.release, told, since=since))
        for title, played in told.played.items():
            screen.print(_times(title, played, by_part(api.steps(played.run.id))))
    screen.print(f"[bold]the whole demo so far[/]  [bold]{time.monotonic() - stage.began:.1f}[/] seconds")
    return all(claim.true for claim in told.claims)


def _perform(company: Company, act: Act, told: Told) -> None:
    witness = company.witness
    waits = release_waits(company)
    version = waits.run.version
    hotfix = ""
    if act != "release":
        told.played["the hotfix"] = fixed = hotfix_overtakes(company)
        hotfix = fixed.run.version
        told.claims += _checked(company, hotfix, f"hotfix/{hotfix}")
        told.claims += _told(company, claims_about_overtaking(witness, hotfix, f"release/{version}"))
        waits = company.look_again(waits)
    told.played["the release"] = release_ships(company, waits)
    told.claims += _checked(company, version, f"release/{version}")
    told.release = shipped(witness, version, f"release/{version}")
    if act == "rollback":
        told.played["the rollback"] = rolled_back(company, hotfix)
        told.claims += _told(company, claims_about_rollback(witness, hotfix, withdrawn=version))


def _introduce(stage: Stage, screen: Screen) -> None:
    screen.done("sandbox", time.monotonic() - stage.began)
    table = Table.grid(padding=(0, 2))
    table.add_row("   GitHub", stage.notice.repository)
    for target, url in stage.notice.workspaces.items():
        table.add_row(f"   {target}", url)
    table.add_row("   Prefect", stage.environment["PREFECT_API_URL"].removesuffix("/api"))
    table.add_row("   databricks", escape(stage.notice.cli_version))
    screen.print(table)


def _checked(company: Company, version: str, branch: str) -> Sequence[Claim]:
    """Everything that must be so right after a version was shipped, looked up now."""
    company.screen.print(f"\n[bold]{version}: is it true?[/]  [dim]asked of the servers themselves[/]")
    release = shipped(company.witness, version, branch)
    return _told(company, claims(company.witness, release, requester=REQUESTER))


def _told(company: Company, found: Iterable[Claim]) -> list[Claim]:
    told = []
    for claim in found:
        company.screen.verdict(claim.text, good=claim.true)
        told.append(claim)
    return told


def _summary(stage: Stage, witness: Witness, release: Shipped, told: Told, *, since: float) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    page, (newest, last) = stage.notice.repository, list(told.played.items())[-1]
    table.add_row("version", release.version)
    table.add_row("rehearsed", f"{release.candidate[:SHORT]}  on staging")
    table.add_row("released", f"{release.commit[:SHORT]}  the merge commit, tagged {release.version}")
    running = witness.running("prod")
    table.add_row("production runs", f"{running[:SHORT]}  {', '.join(sorted(witness.jobs('prod')))}")
    table.add_row("pull request", f"{page}/pull/{release.number}")
    table.add_row("release", f"{page}/releases/tag/{release.version}")
    table.add_row(newest, last.run.url)
    table.add_row("requests", f"{witness.requests(since, ROBOT)} to GitHub's API, by {ROBOT}")
    title = f"[bold]{escape(last.run.name)}: done[/]"
    return Panel(table, title=title, border_style="green", expand=False)


def _times(title: str, played: Played, parts: Sequence[tuple[str, float]]) -> Table:
    table = Table(
        title=f"seconds of {title}", title_justify="left", box=None, pad_edge=False, show_header=False
    )
    table.add_column(min_width=34)
    table.add_column(justify="right")
    for part, seconds in parts:
        table.add_row(part, f"{seconds:.1f}")
    table.add_row("[dim]until it asked (last)[/]", f"[dim]{played.asked_after:.1f}[/]")
    table.add_row("[dim]from approval to end[/]", f"[dim]{played.ended - played.went_on:.1f}[/]")
    return table
