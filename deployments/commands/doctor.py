"""`dabflow doctor`."""

import json as json_text
import sys
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape

from deployments import surroundings
from deployments.commands.options import Repository
from deployments.doctor import diagnosis
from deployments.screen import make_console
from tasks.rules.findings import Finding, as_json, exit_code, in_order

_MARKS = {"error": "[red]✗[/]", "warning": "[yellow]![/]", "note": "[dim]-[/]", "ok": "[green]✓[/]"}


def doctor(
    *,
    repository: Repository = None,
    json: Annotated[bool, Parameter(negative="", help="for programs")] = False,
) -> int:
    """Look at everything that a release needs, change nothing; 0 if all is well, 1 with warnings, 2 with errors."""
    slug = surroundings.repository_or_default(repository)
    findings = diagnosis(slug)
    if json:
        sys.stdout.write(json_text.dumps(as_json(slug, findings), indent=2) + "\n")
    else:
        show(findings, make_console())
    return exit_code(findings)


def show(findings: list[Finding], console: Console) -> None:
    """The findings by area, the worst first; and how many there are."""
    area = ""
    for finding in in_order(findings):
        if finding.area != area:
            area = finding.area
            console.print(f"[bold]{escape(area)}[/]")
        console.print(f"  {_MARKS[finding.severity]} {_indented(finding.what)}", soft_wrap=True)
        if finding.why:
            console.print(f"      why it matters: {escape(finding.why)}", soft_wrap=True)
        if finding.fix:
            console.print(f"      what to do: {escape(finding.fix)}", soft_wrap=True)
    counts = {kind: sum(f.severity == kind for f in findings) for kind in ("error", "warning")}
    told = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items() if count)
    console.print(f"\n{told or 'everything that a release needs is there'}", soft_wrap=True)


def _indented(text: str) -> str:
    return escape(text).replace("\n", "\n    ")
