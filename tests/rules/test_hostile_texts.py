"""A thousand values that try to be more than text, in everything that people read on GitHub and in Prefect's form."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hostile import PARTS, thousand, values
from hypothesis import given, settings
from plan_files import SUBJECT
from rendered import rendered

from tasks.rules import texts
from tasks.rules.endings import Ended, How, ended_comment, reminder
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import BLOCKED, Entry
from tasks.rules.evidence_text import block_comment
from tasks.rules.fix_text import Told, origin_comment
from tasks.rules.gate import Judgement, Verdict
from tasks.rules.markdown import GITHUB_LIMIT, code, escaped, escaped_line, fenced, limited, link, prose
from tasks.rules.notes import Change, release_notes
from tasks.rules.outcomes import Stopped
from tasks.rules.phases import Phase
from tasks.rules.plan_text import About, plan_sections
from tasks.rules.plans import Plan
from tasks.rules.pull_check import PullCheck, StagingPlan, failed_comment, plan_comment
from tasks.rules.release import Candidate, Examined, Fix, ProductionPlan, Proposal, Release
from tasks.rules.rollback_text import asked_for, lifted_comment
from tasks.rules.settings import ReleaseSettings
from tasks.rules.stops_text import abandoned_comment, stop_description
from tasks.rules.versions import Version
from tasks.rules.waiting import Waiting

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
URL = "https://prefect.example/runs/flow-run/7"
RELEASE = Release(
    "acme/lakehouse",
    Version(1, 4, 0),
    Phase.CUT,
    ReleaseSettings(),
    "5" * 40,
    "rita",
    "weekly",
    URL,
    Version(1, 3, 0),
)
BACK = replace(RELEASE, version=Version(1, 3, 0), withdraws=Version(1, 4, 0), kind="rollback")
CHECK = PullCheck("acme/lakehouse", 7, "a" * 40, "develop", "staging", "b" * 40, URL)


def waiting(missing: str) -> Waiting:
    return Waiting(
        repository="acme/lakehouse",
        version="1.4.0",
        branch="release/1.4.0",
        number=7,
        question="gate-1",
        missing=missing,
        deadline=NOW,
        remind_at=NOW,
        seen="f" * 32,
    )


def proposal(destructive: str) -> Proposal:
    plan = ProductionPlan(
        digest="d" * 64,
        subject=SUBJECT,
        plans={},
        markdown="a plan",
        line="1 to create",
        destructive=(destructive,),
    )
    return Proposal(Candidate("c" * 40, "e" * 40, ReleaseSettings()), Examined((), (), plan), 7, URL)


def a_plan(name: str) -> Plan:
    """A plan about one job that is called so, with a field that is, and whose value is."""
    entry = {
        "action": "update",
        "changes": {name: {"action": "update", "old": name, "new": name + name, "remote": name}},
    }
    try:
        return Plan.of_object(
            {"plan_version": 2, "cli_version": "1.14.0", "plan": {f"resources.jobs.{name}": entry}}
        )
    except NeedsHuman:
        return Plan.of_object(
            {"plan_version": 2, "cli_version": "1.14.0", "plan": {"resources.jobs.job": entry}}
        )


def said(kind: str, reason: str) -> Entry:
    return Entry(kind, NOW, {"by": "ravi", "reason": reason}, "", "e" * 64)


TEXTS: dict[str, Callable[[str], str]] = {
    "pull request": lambda v: texts.pr_body(replace(RELEASE, reason=v), "notes"),
    "pull request of a hotfix": lambda v: texts.pr_body(
        replace(RELEASE, kind="hotfix", fix=Fix(7, v)), "notes"
    ),
    "notes": lambda v: release_notes(
        Version(1, 4, 0),
        [Change(v, 7, "ravi", URL), Change(v, 8)],
        previous=None,
        compare_url=None,
    ),
    "control comment that waits": lambda v: texts.control_comment(RELEASE, Phase.PROPOSED, missing=[v]),
    "control comment that stopped": lambda v: texts.control_comment(
        RELEASE, Phase.CUT, note=fenced(v), remedy=f"delete `{v}`, or {v}"
    ),
    "form": lambda v: texts.form_description(
        RELEASE, proposal(f"jobs.{v}"), Judgement(Verdict.WAITING, v, (v, f"by `{v}`"))
    ),
    "form of a rollback": lambda v: "\n".join(asked_for(replace(BACK, reason=v))),
    "form after a stop": lambda v: stop_description(RELEASE, Stopped("1.4.0", "c" * 40, v, NOW), runs=[]),
    "abandoned": lambda v: abandoned_comment(RELEASE, v, runs=[]),
    "waits for time": lambda v: texts.waiting_description(RELEASE, waiting(v)),
    "reminder": lambda v: reminder(RELEASE, waiting(v)),
    "failed": lambda v: ended_comment(RELEASE, Phase.PROPOSED, ended(How.FAILED, v)),
    "expired": lambda v: ended_comment(RELEASE, Phase.PROPOSED, ended(How.EXPIRED, v)),
    "crashed hotfix": lambda v: ended_comment(
        replace(RELEASE, kind="hotfix", fix=Fix(0, v)), Phase.PROPOSED, ended(How.CRASHED, v)
    ),
    "original pull request": lambda v: origin_comment(
        replace(RELEASE, reason=v, kind="hotfix", fix=Fix(7, v)), Told(8, URL, lacking=["c" * 40])
    ),
    "block": lambda v: block_comment("1.4.0", said(BLOCKED, v)),
    "unblock": lambda v: block_comment("1.4.0", said("unblocked", v)),
    "unhold": lambda v: lifted_comment("1.4.0", said("hold lifted", v)),
    "check": lambda v: plan_comment(
        replace(CHECK, base=v, target=v),
        StagingPlan(v, tuple(plan_sections(a_plan(v), About(v, "c" * 40, "d" * 40, [v], v, several=True)))),
    ),
    "check that stopped": lambda v: failed_comment(
        replace(CHECK, base=v), NeedsHuman(v, f"delete `{v}`: {v}")
    ),
}


def ended(how: How, said: str) -> Ended:
    return Ended(
        repository="acme/lakehouse",
        version="1.4.0",
        how=how,
        run_url=URL,
        message=said,
        while_waiting=True,
        waiting=waiting(said),
    )


@thousand
@given(values)
def test_what_others_wrote_is_text(value: str) -> None:
    """In every way that we put it into Markdown: the markup is the same as with a plain word there."""

    def page(v: str) -> str:
        return (
            f"a {escaped(v)} z\n\n- {escaped_line(f'w{v}')}\n- **b** {code(v)} z\n\n{fenced(v)}\n\n"
            f"{link(v, URL)} {link(v, f'https://x/{v}')}\n\n1. {prose(f'delete `{v}`: {v}')}\n"
        )

    with_word, with_value = rendered(page("word").replace("https://x/word", "")), rendered(page(value))

    assert no_addresses(with_value.markup) == no_addresses(with_word.markup), page(value)
    assert with_value.made_by_github == [], page(value)


@pytest.mark.parametrize("name", TEXTS)
def test_each_text_shows_what_others_wrote_as_it_is(name: str) -> None:
    make = TEXTS[name]
    plain = rendered(make("word"))
    ours = plain.made_by_github

    for value in filter(str.strip, PARTS):
        page = rendered(make(value))
        assert without_code(page.markup) == without_code(plain.markup), make(value)
        assert set(page.made_by_github) <= set(ours), make(value)


@settings(thousand, max_examples=100)
@given(values)
def test_it_fits_whatever_it_is(value: str) -> None:
    assert len(limited(value * 2_000)) <= GITHUB_LIMIT


def no_addresses(markup: tuple[str, ...]) -> list[str]:
    return [one.split(" ")[0] for one in without_code(markup)]


def without_code(markup: tuple[str, ...]) -> list[str]:
    """Code spans aside: what is in one is as inert as text, and what is hidden has none."""
    return [one for one in markup if not one.startswith("code_inline")]
