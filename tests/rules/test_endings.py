"""How a run ended that could not say so itself, and what people read about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from golden_files import Golden

from tasks.rules.endings import (
    Ended,
    How,
    RunState,
    ended_comment,
    ended_line,
    how_it_ended,
    reminder,
    reminder_marker,
)
from tasks.rules.errors import NeedsHuman
from tasks.rules.markdown import GITHUB_LIMIT
from tasks.rules.phases import Phase
from tasks.rules.release import Fix, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.texts import marker
from tasks.rules.versions import Version
from tasks.rules.waiting import Waiting

DEADLINE = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RELEASE = Release(
    repository="acme/lakehouse",
    version=Version(1, 4, 0),
    phase=Phase.PROPOSED,
    settings=ReleaseSettings(),
    source="",
    requested_by="rita",
    reason="",
    run_url="https://prefect.example/runs/flow-run/7",
)
WAITING = Waiting(
    repository="acme/lakehouse",
    version="1.4.0",
    branch="release/1.4.0",
    number=7,
    question="approve-aaaaaaaaaaaa-dddddddddddd",
    missing="1 of 2 from data-platform; nobody has approved in the form yet",
    deadline=DEADLINE,
    remind_at=DEADLINE - timedelta(days=3),
    seen="f" * 32,
)
ERROR = NeedsHuman("release/1.4.0 does not contain main", "merge main into release/1.4.0 and push it")
FAILED = f"Flow run encountered an exception: NeedsHuman: {ERROR}"


def state(kind: str, **more: Any) -> RunState:
    given = {"name": kind.title(), "message": "", "since": DEADLINE + SECOND, "before": "RUNNING", **more}
    return RunState(kind=kind, **given)


def ended(how: How, **more: Any) -> Ended:
    given = {"repository": "acme/lakehouse", "version": "1.4.0", "run_url": RELEASE.run_url, **more}
    return Ended(how=how, **given)


@pytest.mark.parametrize(
    ("found", "how"),
    [
        (state("FAILED", before="PAUSED"), How.EXPIRED),
        (state("FAILED", before="PAUSED", since=DEADLINE - 30 * SECOND), How.EXPIRED),
        (state("FAILED", before="PAUSED", since=DEADLINE - timedelta(hours=1)), How.CANCELLED),
        (state("FAILED"), How.FAILED),
        (state("CRASHED"), How.CRASHED),
        (state("CRASHED", before="PAUSED"), How.CRASHED),
        (state("CANCELLED", before="PAUSED"), How.CANCELLED),
        (state("CANCELLED", before="CANCELLING"), How.CANCELLED),
        (state("CANCELLED", name="Rejected"), None),
        (state("COMPLETED"), None),
        (state("RUNNING"), None),
        (state("PAUSED", name="Suspended"), None),
        (state("SCHEDULED", name="AwaitingRetry", before="FAILED"), None),
    ],
)
def test_what_ended_a_run(found: RunState, how: How | None) -> None:
    assert how_it_ended(found, DEADLINE) is how


def test_without_a_known_deadline_a_suspended_run_that_failed_expired() -> None:
    assert how_it_ended(state("FAILED", before="PAUSED"), None) is How.EXPIRED


def test_a_runs_own_error_is_taken_apart() -> None:
    found = ended(How.FAILED, message=FAILED)

    assert found.problem == "NeedsHuman: release/1.4.0 does not contain main"
    assert found.told == "release/1.4.0 does not contain main"
    assert found.remedy == "merge main into release/1.4.0 and push it"


def test_somebody_elses_error_has_no_remedy() -> None:
    found = ended(How.FAILED, message="Flow run encountered an exception: ValueError: no")

    assert (found.problem, found.told, found.remedy) == ("ValueError: no", "no", "")


EXPIRED = ended(How.EXPIRED, while_waiting=True, waiting=WAITING)
CASES = [
    ("expired", Phase.PROPOSED, EXPIRED),
    ("expired_unknown", Phase.PROPOSED, ended(How.EXPIRED, while_waiting=True)),
    ("cancelled_waiting", Phase.PROPOSED, ended(How.CANCELLED, while_waiting=True, waiting=WAITING)),
    ("cancelled_running", Phase.TAGGED, ended(How.CANCELLED, waiting=WAITING)),
    ("crashed", Phase.CUT, ended(How.CRASHED, message="Flow run process exited with status code -9.")),
    ("crashed_merged", Phase.MERGED, ended(How.CRASHED, message="Flow run process exited.")),
    ("failed", Phase.PROPOSED, ended(How.FAILED, message=FAILED)),
    ("failed_oddly", Phase.DEPLOYED, ended(How.FAILED, message="TypeError: no\n```\n# not a heading")),
    ("rejected", Phase.REJECTED, ended(How.FAILED, message="1.4.0 was rejected: #7 is closed")),
]


@pytest.mark.parametrize(("name", "phase", "found"), CASES, ids=[name for name, _, _ in CASES])
def test_what_the_pull_request_says(golden: Golden, name: str, phase: Phase, found: Ended) -> None:
    text = ended_comment(RELEASE, phase, found)

    assert text.startswith(marker(RELEASE))
    golden.check(f"endings/{name}.md", text)


@pytest.mark.parametrize(
    ("fix", "command"),
    [(Fix(7, "fix/x"), "`dabflow hotfix --pr 7`"), (Fix(0, "fix/x"), "`dabflow hotfix --branch fix/x`")],
)
def test_how_a_hotfix_is_started_again(fix: Fix, command: str) -> None:
    hotfix = replace(RELEASE, kind="hotfix", fix=fix)

    text = ended_comment(hotfix, Phase.MERGED, ended(How.CRASHED))

    assert f"start it again: {command} goes on where it was" in text


def test_a_long_error_fits_a_comment() -> None:
    found = ended(How.FAILED, message="line\n" * 100_000)

    assert len(ended_comment(RELEASE, Phase.PROPOSED, found)) <= GITHUB_LIMIT


def test_each_ending_fits_a_deployments_status() -> None:
    assert all(0 < len(ended_line(ended(how))) <= 140 for how in How)


def test_the_reminder(golden: Golden) -> None:
    text = reminder(RELEASE, WAITING)

    assert text.startswith(reminder_marker(RELEASE, DEADLINE))
    assert not text.startswith(marker(RELEASE)[:-5]), "it is never taken for the control comment"
    golden.check("endings/reminder.md", text)


def test_each_deadline_has_a_reminder_of_its_own() -> None:
    other = replace(WAITING, deadline=DEADLINE + SECOND)

    assert reminder_marker(RELEASE, other.deadline) != reminder_marker(RELEASE, DEADLINE)


def test_the_comment_about_a_rollback_that_ended(golden: Golden) -> None:
    back = replace(RELEASE, version=Version(1, 3, 0), withdraws=Version(1, 4, 0), kind="rollback")
    expired = Ended(
        repository="acme/lakehouse",
        version=back.name,
        how=How.EXPIRED,
        run_url=RELEASE.run_url,
        waiting=WAITING,
    )
    crashed = replace(expired, how=How.CRASHED)
    texts = [ended_comment(back, Phase.PROPOSED, expired), ended_comment(back, Phase.MERGED, crashed)]

    golden.check("endings/rollback.md", "\n---\n".join(texts))
