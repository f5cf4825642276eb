"""What runs where and what is asked of whom, as a page in Prefect: pure functions of what was seen."""

from collections.abc import Iterator
from datetime import datetime

from deployments.advice import advice
from deployments.standings import Environment, Overview, Standing
from tasks.rules.endings import readable
from tasks.rules.markdown import code, escaped, escaped_line, link
from tasks.rules.outcomes import Hold

_SHA = 12
_AS_OF = "As it was at "


def page(seen: Overview, at: datetime) -> str:
    """The whole page; its last line says when it was so."""
    lines = [
        f"# {escaped(seen.repository)}",
        "",
        f"Released: {escaped(seen.released) or 'nothing yet'}",
        "",
        *_environments(seen.environments),
    ]
    for standing in seen.standings:
        lines += ["", *_release(standing)]
    for hold in seen.holds:
        lines += ["", *_hold(hold)]
    if seen.prefect_problem:
        lines += ["", escaped_line(seen.prefect_problem)]
    lines += ["", "## What somebody does next", "", *(f"- {escaped(told)}" for told in advice(seen))]
    return "\n".join([*lines, "", f"{_AS_OF}{readable(at)}."]) + "\n"


def same(one: str, other: str) -> bool:
    """Whether two pages say the same, whenever that was so."""
    return one.rpartition(_AS_OF)[0] == other.rpartition(_AS_OF)[0]


def _environments(environments: tuple[Environment, ...]) -> Iterator[str]:
    yield "| | version | commit | since | run | approved by | its workspace | drift |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for each in environments:
        cells = [
            f"**{escaped(each.name)}** ({escaped(each.target)})",
            escaped(each.version),
            code(each.recorded[:_SHA]) if each.recorded else "",
            readable(each.since) if each.since else "",
            link("run", each.run_url) if each.run_url else "",
            escaped(each.approved),
            _workspace(each),
            escaped(each.drift_words),
        ]
        yield f"| {' | '.join(cells)} |"
    for each in environments:
        for bundle, commit in each.bundles:
            runs = code(commit[:_SHA]) if commit else "nothing"
            yield f"\n{escaped_line(each.name)} runs {runs} of {code(bundle)}."


def _workspace(environment: Environment) -> str:
    if environment.problem:
        return f"**{escaped(environment.problem)}**"
    if environment.unfinished:
        return f"runs {code(environment.running[:_SHA])}, of what is not finished"
    if environment.by_hand:
        return f"**runs {code(environment.running[:_SHA])}**, deployed by hand"
    return "says so too"


def _release(standing: Standing) -> Iterator[str]:
    yield f"## {escaped(standing.version)}: {escaped(standing.words)}"
    yield ""
    facts = [
        ("pull request", link(standing.pull_request, standing.pull_request) if standing.pull_request else ""),
        (
            "run",
            f"{link('in Prefect', standing.run.url)}, {escaped(standing.run.state)}" if standing.run else "",
        ),
        ("stopped", escaped(standing.stopped)),
        ("blocked", escaped(standing.blocked)),
        ("missing", escaped(standing.missing)),
        ("next", escaped(standing.next_step)),
    ]
    yield from (f"- {name}: {value}" for name, value in facts if value)


def _hold(hold: Hold) -> Iterator[str]:
    yield f"## {escaped(hold.version)}: withdrawn"
    yield ""
    yield f"- {escaped(hold.by)} went back to {escaped(hold.to)}: {escaped(hold.reason)}"
