"""What people read about a rollback."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from golden_files import Golden
from plan_files import SUBJECT

from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import Chain
from tasks.rules.gate import Judgement, Verdict
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, Candidate, Examined, ProductionPlan, Proposal, Release
from tasks.rules.rollback_text import (
    Page,
    does_not_fit,
    is_withdrawn,
    lifted_comment,
    standing_page,
    withdrawn_line,
    withdrawn_page,
)
from tasks.rules.settings import ReleaseSettings
from tasks.rules.texts import control_comment, deployment_text, form_description
from tasks.rules.versions import Version

BACK = Release(
    repository="acme/lakehouse",
    version=Version(1, 4, 0),
    phase=Phase.PLANNED,
    settings=ReleaseSettings(reviewers=("ravi", "rosa")),
    source="5" * 40,
    requested_by="rita",
    reason="the report counts orders twice",
    run_url="https://prefect.example/runs/flow-run/7",
    kind="rollback",
    withdraws=Version(1, 5, 0),
)
PLAN = ProductionPlan(
    digest="d" * 64,
    subject=SUBJECT,
    plans={},
    markdown="**prod: 1 to create, 1 to delete; 1 destructive**\n",
    line="1 to create, 1 to delete; 1 destructive",
    destructive=("resources.pipelines.totals",),
)
PULL = "https://github.example/acme/lakehouse/pull/9"
PROPOSAL = Proposal(Candidate("c" * 40, "e" * 40, ReleaseSettings()), Examined((), (), PLAN), 9, PULL)
GONE = (Version(1, 5, 0),)
PUBLISHED = Page("1.5.0", "1.5.0: 2 changes since 1.4.0.\n\n## Features\n\n- totals\n")


@pytest.mark.parametrize("phase", [Phase.PROPOSED, Phase.REJECTED, Phase.MERGED, Phase.DEPLOYED])
def test_the_control_comment_of_each_phase(phase: Phase, golden: Golden) -> None:
    text = control_comment(BACK, phase, proposal=PROPOSAL)

    golden.check(f"rollbacks/control_{phase.name.lower()}.md", text)


def test_the_comment_of_a_finished_rollback(golden: Golden) -> None:
    one = control_comment(BACK, Phase.PUBLISHED, note=withdrawn_line(BACK, GONE))
    two = withdrawn_line(BACK, (Version(1, 4, 1), *GONE))

    golden.check("rollbacks/finished.md", f"{one}\n---\n{two}\n")


def test_the_form(golden: Golden) -> None:
    missing = ("approving reviews: 0 of 1 from anybody who may approve",)
    judgement = Judgement(Verdict.WAITING, missing[0], missing)
    nowhere = replace(PROPOSAL, number=0, url="")

    golden.check("rollbacks/form.md", form_description(BACK, PROPOSAL, judgement))
    assert "No pull request" in form_description(BACK, nowhere, judgement)


def test_the_withdrawn_release(golden: Golden) -> None:
    page = withdrawn_page(PUBLISHED, BACK, PULL)

    golden.check("rollbacks/release.md", f"{page.name}\n\n{page.body}")
    assert is_withdrawn(page)
    assert not is_withdrawn(PUBLISHED)


def test_it_is_marked_once() -> None:
    page = withdrawn_page(PUBLISHED, BACK, PULL)

    assert withdrawn_page(page, BACK, PULL) == page
    renamed = replace(page, name="1.5.0, do not use")
    assert withdrawn_page(renamed, BACK, PULL) == renamed, "what people call it since is theirs"


def test_it_keeps_the_title_that_people_gave_it() -> None:
    assert withdrawn_page(replace(PUBLISHED, name="Summer"), BACK, PULL).name == "Summer (withdrawn)"
    assert (
        withdrawn_page(replace(PUBLISHED, name="1.5.0 (withdrawn)"), BACK, PULL).name == "1.5.0 (withdrawn)"
    )


def test_another_rollback_says_what_is_so_now() -> None:
    further = replace(BACK, version=Version(1, 3, 0))

    page = withdrawn_page(withdrawn_page(PUBLISHED, BACK, PULL), further, PULL)

    assert page == withdrawn_page(PUBLISHED, further, PULL)


def test_a_release_that_stands_again_is_as_it_was() -> None:
    assert standing_page(withdrawn_page(PUBLISHED, BACK, PULL)) == PUBLISHED
    assert standing_page(PUBLISHED) == PUBLISHED


def test_what_somebody_wrote_before_the_note_stays() -> None:
    page = withdrawn_page(PUBLISHED, BACK, PULL)
    edited = replace(page, body=f"Sorry for this one.\n\n{page.body}")

    assert standing_page(edited).body == f"Sorry for this one.\n\n{PUBLISHED.body}"


def test_the_short_texts(golden: Golden) -> None:
    error = NeedsHuman(
        "`databricks bundle validate` for prod failed: unknown field: git_source", "correct it"
    )
    chain = Chain("acme/lakehouse", "1.5.0").with_entry(
        "hold lifted", {"by": "rosa", "reason": "it was the @network"}, datetime(2026, 11, 24, tzinfo=UTC)
    )
    texts = {
        "deployment to production": deployment_text(BACK, PRODUCTION),
        "does not fit": str(NeedsHuman(*does_not_fit(BACK, error, deployed_by="1.9.0"))),
        "does not fit, nothing noted": str(NeedsHuman(*does_not_fit(BACK, error, deployed_by=""))),
        "lifted": lifted_comment("1.5.0", chain.entries[0]),
    }

    golden.check("rollbacks/short.txt", "".join(f"# {name}\n{text}\n" for name, text in texts.items()))


def test_who_asked_may_be_unknown() -> None:
    unknown = replace(BACK, requested_by="")

    assert "Somebody unknown asked for it" in withdrawn_page(PUBLISHED, unknown, PULL).body
    assert "Somebody unknown asked for it" in withdrawn_line(unknown, GONE)
