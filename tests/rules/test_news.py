"""What people read in a chat or a mail, as golden files; and what makes two pieces of news one."""

from dataclasses import replace
from datetime import UTC, datetime

from golden_files import Golden
from plan_files import SUBJECT

from tasks.rules import news
from tasks.rules.endings import Ended, How
from tasks.rules.errors import NeedsHuman
from tasks.rules.gate import Judgement, Verdict
from tasks.rules.news import News
from tasks.rules.outcomes import Stopped
from tasks.rules.phases import Phase
from tasks.rules.release import Candidate, Examined, ProductionPlan, Proposal, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.syncs import Obstacle, Sync, Synced
from tasks.rules.versions import Version
from tasks.rules.waiting import Waiting

AT = datetime(2026, 12, 20, 10, tzinfo=UTC)
PULL = "https://github.example/acme/lakehouse/pull/7"
RELEASE = Release(
    repository="acme/lakehouse",
    version=Version(1, 4, 0),
    phase=Phase.PROPOSED,
    settings=ReleaseSettings(),
    source="5" * 40,
    requested_by="rita",
    reason="the order report is wanted by Friday",
    run_url="https://prefect.example/runs/flow-run/7",
)
BACK = replace(
    RELEASE, kind="rollback", withdraws=Version(1, 5, 0), reason="wrong figures since <!channel> 1.5.0"
)
PLAN = ProductionPlan(
    digest="d" * 64,
    subject=SUBJECT,
    plans={},
    markdown="",
    line="1 to delete, 2 to update; 1 destructive, drift in 1",
    destructive=tuple(f"resources.jobs.old_{number}" for number in range(7)),
)
PROPOSAL = Proposal(Candidate("c" * 40, "e" * 40, ReleaseSettings()), Examined((), (), PLAN), 7, PULL)
MISSING = Judgement(Verdict.WAITING, "", ("1 of 2 approving reviews", "the form in Prefect"))
STOP = Stopped("1.4.0", "c" * 40, "the smoke job smoke_test failed on production: FAILED\n  https://x", AT)
FAILED = NeedsHuman("release/1.4.0 does not contain `main`", "merge main into it")
WAITING = Waiting(
    repository="acme/lakehouse",
    version="1.4.0",
    branch="release/1.4.0",
    number=7,
    question="approve-1",
    missing="1 of 2 approving reviews",
    deadline=AT,
    remind_at=AT,
    seen="",
)


def ended(how: How, message: str = "") -> Ended:
    run = "https://prefect.example/runs/flow-run/8"
    return Ended(
        repository="acme/lakehouse", version="1.4.0", how=how, run_url=run, message=message, since=AT
    )


def synced(obstacle: Obstacle) -> Synced:
    sync = Sync("1.4.0", "c" * 40, "develop", 21)
    return Synced(sync, url=f"{PULL[:-1]}21", missing="#21 conflicts in src/report.py", obstacle=obstacle)


def test_what_people_read(golden: Golden) -> None:
    told = [
        news.approval_wanted(RELEASE, PROPOSAL, MISSING),
        news.approval_wanted(BACK, PROPOSAL, MISSING),
        news.reminder_of(RELEASE, WAITING, PULL),
        news.in_production(RELEASE, PLAN.line, PULL),
        news.back_in_production(BACK, PROPOSAL, [Version(1, 5, 0)]),
        news.half_way(RELEASE, STOP, PULL),
        news.stopped(RELEASE, FAILED, ""),
        news.ended(RELEASE, Phase.PROPOSED, ended(How.CRASHED, "the process was lost"), PULL),
        news.ended(RELEASE, Phase.PROPOSED, ended(How.EXPIRED), PULL),
        news.ended(RELEASE, Phase.TAGGED, ended(How.FAILED, "KeyError: 'x'"), PULL),
        news.rejected(RELEASE, PROPOSAL, "not before @ravi is back"),
        news.conflict(RELEASE, synced(Obstacle.CONFLICT)),
    ]

    golden.check("news/everything.txt", "\n".join(shown(one) for one in told))


def shown(one: News) -> str:
    return f"[{one.about}] {one.title}\n{one.body}\n"


def test_a_stop_that_the_run_has_told_itself_is_the_same_news() -> None:
    """Prefect puts words of its own before an error, and the remedy after it."""
    message = f"Flow run encountered an exception: NeedsHuman: {FAILED}"

    told = news.ended(RELEASE, Phase.PROPOSED, ended(How.FAILED, message), PULL)

    assert told.key == news.stopped(RELEASE, FAILED, "").key
    assert told.title == news.stopped(RELEASE, FAILED, "").title


def test_another_end_of_the_same_run_is_other_news() -> None:
    first, later = ended(How.CRASHED), replace(ended(How.CRASHED), since=AT.replace(hour=11))

    keys = {news.ended(RELEASE, Phase.PROPOSED, one, PULL).key for one in (first, first, later)}

    assert len(keys) == 2


def test_another_obstacle_is_other_news() -> None:
    keys = {news.conflict(RELEASE, synced(one)).key for one in (Obstacle.CONFLICT, Obstacle.FAILING)}

    assert len(keys) == 2
    assert not synced(Obstacle.CHECKS).for_people
    assert not Synced(Sync("1.4.0", "c" * 40, "develop"), done=True).for_people
