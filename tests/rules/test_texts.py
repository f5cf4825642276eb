"""What people read on GitHub and in the form."""

from dataclasses import replace
from typing import Any

import pytest
from golden_files import Golden
from plan_files import SUBJECT

from tasks.rules.gate import Judgement, Verdict
from tasks.rules.markdown import GITHUB_LIMIT
from tasks.rules.phases import Phase
from tasks.rules.release import STAGING, Candidate, Examined, ProductionPlan, Proposal, Release
from tasks.rules.settings import Branches, ReleaseSettings
from tasks.rules.texts import (
    control_comment,
    deployment_text,
    form_description,
    marker,
    merge_message,
    merge_title,
    pr_body,
    pr_title,
    question_key,
    tag_message,
)
from tasks.rules.versions import Version

RELEASE = Release(
    repository="acme/lakehouse",
    version=Version(1, 4, 0),
    phase=Phase.CUT,
    settings=ReleaseSettings(),
    source="5" * 40,
    requested_by="rita",
    reason="the order report is wanted by Friday",
    run_url="https://prefect.example/runs/flow-run/7",
    previous=Version(1, 3, 0),
)
PLAN = ProductionPlan(
    digest="d" * 64,
    subject=SUBJECT,
    plans={},
    markdown="| job | what happens |\n| --- | --- |\n| daily_report | create |\n",
    line="1 to create",
)
PROPOSAL = Proposal(
    Candidate("c" * 40, "e" * 40, ReleaseSettings()),
    Examined((), (), PLAN),
    7,
    "https://github.example/acme/lakehouse/pull/7",
)


def with_plan(**changes: Any) -> Proposal:
    return replace(PROPOSAL, examined=Examined((), (), replace(PLAN, **changes)))


NOTES = "1.4.0: one change since 1.3.0.\n\n## Features\n\n- a daily report ([#5](https://github.example/5), @ravi)"


@pytest.mark.parametrize("phase", list(Phase))
def test_the_control_comment_of_each_phase(phase: Phase, golden: Golden) -> None:
    golden.check(f"texts/control_{phase.name.lower()}.md", control_comment(RELEASE, phase, proposal=PROPOSAL))


def test_the_control_comment_of_a_stop(golden: Golden) -> None:
    text = control_comment(
        RELEASE, Phase.TAGGED, note="```\nthe smoke test failed\n```", remedy="look at its run, then retry"
    )

    golden.check("texts/control_stopped.md", text)


def test_the_control_comment_while_it_waits(golden: Golden) -> None:
    """What is missing, why it is asked again, what must be named, and where the whole plan is."""
    proposal = replace(
        with_plan(destructive=("resources.jobs.legacy_export", "resources.pipelines.orders")),
        changed=("resources.jobs.daily_report: it was `update`, now it is `recreate`",),
        page_url="https://github.example/acme/lakehouse/blob/abc/plan-dddddddddddd.md",
    )
    missing = (
        "1 of 2 approving reviews from data-platform",
        "production is frozen (weekend) until 2026-11-30 00:00 UTC",
    )
    text = control_comment(RELEASE, Phase.PROPOSED, proposal=proposal, missing=missing)

    golden.check("texts/control_waiting.md", text)


def test_the_control_comment_shows_what_a_release_changes_about_its_own_gate(golden: Golden) -> None:
    proposal = with_plan(gate_changes=("`approval.count` is `2`, this release makes it `1`",))

    golden.check("texts/control_gate.md", control_comment(RELEASE, Phase.PROPOSED, proposal=proposal))


def test_the_pull_request(golden: Golden) -> None:
    golden.check("texts/pull_request.md", f"{pr_title(RELEASE)}\n\n{pr_body(RELEASE, NOTES)}")


def test_the_pull_request_of_somebody_unknown() -> None:
    body = pr_body(replace(RELEASE, requested_by="", reason=""), NOTES)

    assert body.startswith("Asked for by somebody unknown\n\n1.4.0: one change")


def test_the_form(golden: Golden) -> None:
    missing = ("nobody has approved in the form yet",)
    judgement = Judgement(Verdict.WAITING, missing[0], missing)

    golden.check("texts/form.md", form_description(RELEASE, PROPOSAL, judgement))


def test_the_form_of_a_plan_that_destroys(golden: Golden) -> None:
    proposal = with_plan(destructive=("resources.jobs.legacy_export",), line="1 to delete; 1 destructive")
    missing = (
        "nobody has approved in the form yet, with the names of what is destroyed: `resources.jobs.legacy_export`",
    )

    golden.check(
        "texts/form_destroys.md",
        form_description(RELEASE, proposal, Judgement(Verdict.WAITING, missing[0], missing)),
    )


def test_the_short_texts(golden: Golden) -> None:
    """Commit messages, titles and the words on a GitHub Deployment."""
    settings = ReleaseSettings(branches=Branches(develop="next"))
    release = replace(RELEASE, settings=settings)
    texts = {
        "merge title": merge_title(release, 7),
        "merge message": merge_message(release),
        "tag message": tag_message(release),
        "deployment to staging": deployment_text(release, STAGING),
        "deployment to production": deployment_text(release, "production"),
    }

    golden.check("texts/short.txt", "".join(f"# {name}\n{text}\n" for name, text in texts.items()))


def test_our_comment_is_known_by_its_first_line() -> None:
    first = control_comment(RELEASE, Phase.CUT).splitlines()[0]

    assert first == marker(RELEASE) == "<!-- dabflow:acme/lakehouse@1.4.0 -->"


def test_a_question_is_about_one_commit_and_one_plan() -> None:
    others = [
        replace(PROPOSAL, candidate=replace(PROPOSAL.candidate, commit="f" * 40)),
        with_plan(digest="0" * 64),
    ]

    assert question_key(PROPOSAL) == "approve-cccccccccccc-dddddddddddd"
    assert question_key(PROPOSAL) not in {question_key(other) for other in others}


def test_nothing_is_longer_than_github_takes() -> None:
    proposal = with_plan(markdown="| a | b |\n" * 20_000)
    body = pr_body(RELEASE, "- a change\n" * 20_000)

    assert len(control_comment(RELEASE, Phase.PROPOSED, proposal=proposal)) <= GITHUB_LIMIT
    assert len(body) <= GITHUB_LIMIT
    assert "the whole plan is an artifact of the run" in control_comment(
        RELEASE, Phase.PROPOSED, proposal=proposal
    )
    assert "see the commits of this pull request" in body
    assert "nobody else needs to" in body
