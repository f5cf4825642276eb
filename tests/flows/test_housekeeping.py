"""Housekeeping, with a real Prefect and the sandbox's GitHub: what it does for runs that do nothing themselves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playing import SLUG, arm, asked, forget_runs, writes
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import AwaitingRetry, Cancelled, Cancelling, Completed, Crashed, Failed, Running
from proposed_release import BRANCH, RELEASE, VERSION, ProposedRelease, Run, errors

from flows.housekeeping import housekeeping
from sandbox.world import World
from tasks import housekeeping as steps
from tasks.evidence import chain_of, note
from tasks.rules.errors import NeedsHuman
from tasks.rules.release import PRODUCTION, STAGING
from tasks.rules.texts import marker
from tasks.rules.waiting import WAITING_KEY

pytestmark = pytest.mark.timeout(240)

EXPIRED: State[Any] = Failed(message="The flow was paused and never resumed.")


@pytest.fixture(autouse=True)
def _as_new(_quick_and_alone: None) -> None:
    """No waiting between tries of housekeeping's own steps, and nothing left of an earlier test."""
    for step in (steps.seen_now, steps.ensure_reminded, steps.ensure_told):
        step.retry_delay_seconds = [0.0] * step.retries
    errors.clear()
    forget_runs()


@pytest.fixture
def release(world: World) -> ProposedRelease:
    return ProposedRelease(world)


def tidy(run: Run | None = None) -> State[Any]:
    """One run of housekeeping; its state."""
    found: State[Any] = housekeeping(run.id if run else None, return_state=True)
    return found


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def expire(release: ProposedRelease) -> Run:
    """A run whose deadline has passed, as Prefect's service leaves it."""
    return release.run(deadline=in_days(-1), remind_at=in_days(-2)).set(EXPIRED, force=True)


# ---- waking


def merge_by_hand(release: ProposedRelease) -> None:
    release.people.review("rosa", release.number)
    release.people.api("ravi", "PUT", f"/pulls/{release.number}/merge")


def test_nobody_waits_and_github_is_not_even_asked(world: World) -> None:
    before = asked(world)

    assert tidy().is_completed()

    assert asked(world) == before


def test_a_run_that_waits_for_people_is_left_alone(world: World, release: ProposedRelease) -> None:
    run = release.run()
    before = writes(world)

    assert tidy().is_completed()

    assert (run.state, run.said) == ("Suspended", [])
    assert writes(world) == before


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda r: r.people.review("ravi", r.number), id="a review"),
        pytest.param(lambda r: r.people.commit_to(BRANCH, "src/README.md", "new\n"), id="a push"),
        pytest.param(merge_by_hand, id="merged by hand"),
        pytest.param(
            lambda r: note(SLUG, VERSION, "blocked", {"by": "rosa", "reason": "the figures are wrong"}),
            id="blocked",
        ),
    ],
)
def test_what_happens_on_github_wakes_the_run_once(
    release: ProposedRelease, happens: Callable[[ProposedRelease], object]
) -> None:
    run = release.run()
    happens(release)

    tidy()
    tidy()

    assert run.state == "Resuming"
    assert run.said == [("recheck", "GitHub shows something new")]


def test_a_run_is_woken_when_its_time_has_come(release: ProposedRelease) -> None:
    run = release.run(wake_at=in_days(-0.001))

    tidy()

    assert run.said == [("recheck", "the time has come that it waited for")]


def test_a_run_sleeps_until_its_time_has_come(release: ProposedRelease) -> None:
    run = release.run(wake_at=in_days(1))

    tidy()

    assert run.state == "Suspended"


def test_after_35_days_the_deadline_is_still_the_first_one(release: ProposedRelease) -> None:
    """A run that was woken asks for what is left of its time."""
    run = release.run(deadline=in_days(30))
    first = timeout_of(run)
    release.people.review("ravi", release.number)
    tidy()
    run.go()

    assert abs(timeout_of(run) - first) < timedelta(seconds=2)


def timeout_of(run: Run) -> datetime:
    state = run.flow_run.state
    assert state is not None
    assert state.state_details.pause_timeout is not None
    return state.state_details.pause_timeout


def test_a_run_that_does_not_say_what_it_waits_for_is_left_alone(release: ProposedRelease) -> None:
    run = release.run()
    with get_client(sync_client=True) as client:
        client.delete_flow_run_input(run.id, WAITING_KEY)

    assert tidy().is_completed()

    assert run.state == "Suspended"


def test_one_run_in_a_mess_does_not_keep_others_waiting(release: ProposedRelease) -> None:
    broken, run = release.run(), release.run(wake_at=in_days(-1))
    with get_client(sync_client=True) as client:
        client.delete_flow_run_input(broken.id, WAITING_KEY)
        client.create_flow_run_input(broken.id, WAITING_KEY, '{"half": "a story"}')

    ended = tidy()

    assert ended.is_failed()
    assert "acme/lakehouse 1.4.0: what a waiting run stored about itself cannot be read" in str(ended.message)
    assert (broken.state, run.state) == ("Suspended", "Resuming")


# ---- reminding


def test_people_are_reminded_once_before_the_deadline(world: World, release: ProposedRelease) -> None:
    run = release.run(deadline=in_days(2), remind_at=in_days(-1))
    tidy()
    before = writes(world)
    tidy()

    assert run.state == "Suspended"
    assert writes(world) == before
    control, reminder = release.comments
    assert control.startswith(marker(RELEASE))
    assert "waits for approval until" in reminder
    assert "Still missing: 1 of 1 approving reviews." in reminder
    assert f"/runs/flow-run/{run.id}" in reminder


def test_a_reminder_whose_answer_is_lost_is_one_reminder(world: World, release: ProposedRelease) -> None:
    release.run(deadline=in_days(2), remind_at=in_days(-1))
    arm(world, kind="after", method="POST", path=f"/repos/{SLUG}/issues/.*/comments")

    assert tidy().is_completed()

    assert len(release.comments) == 2


def test_somebody_elses_comment_is_not_taken_for_the_reminder(release: ProposedRelease) -> None:
    run = release.run(deadline=in_days(2), remind_at=in_days(-1))
    tidy()
    (_, reminder) = release.comments
    other = Run(release.waiting(deadline=in_days(3), remind_at=in_days(-1))).go()
    release.people.api("ravi", "POST", f"/issues/{release.number}/comments", body=reminder)

    tidy(other)

    assert len(release.comments) == 4, "another deadline has a reminder of its own"
    assert run.state == other.state == "Suspended"


def test_nobody_is_reminded_too_early_or_of_what_is_closed(world: World, release: ProposedRelease) -> None:
    release.run()
    tidy()
    assert len(release.comments) == 1
    forget_runs()
    release.hub.close_pull_request(release.number)
    release.run(deadline=in_days(2), remind_at=in_days(-1))

    tidy()

    assert len(release.comments) == 1


# ---- telling GitHub how a run ended


@pytest.mark.parametrize(
    ("state", "heading", "noted"),
    [
        pytest.param(EXPIRED, "expired, not approved", "expired", id="expired"),
        pytest.param(Cancelling(), "cancelled, not approved", "cancelled", id="cancelled"),
        pytest.param(Crashed(message="lost"), "stopped, not approved", None, id="crashed"),
    ],
)
def test_a_run_that_ended_while_it_waited_is_told(
    world: World, release: ProposedRelease, state: State[Any], heading: str, noted: str | None
) -> None:
    """The pull request stays open and says what is so; only a run that crashed can still go on with its question."""
    expired = state is EXPIRED
    run = release.run(deadline=in_days(-1 if expired else 30), remind_at=in_days(-2 if expired else 27))
    run.set(state, force=expired)

    tidy()

    (comment,) = release.comments
    assert f"### acme/lakehouse 1.4.0: {heading}" in comment
    assert f"/runs/flow-run/{run.id}" in comment
    assert "`dabflow release --version 1.4.0` goes on where it was" in comment
    assert release.pull_state == "open"
    assert [record.state for record in release.records()] == ["inactive" if noted else "queued"]
    assert [record.state for record in release.records(STAGING)] == ["success"]
    entries = [entry.kind for entry in chain_of(SLUG, VERSION).entries]
    assert entries == ([noted] if noted else [])
    before = writes(world)
    tidy()
    tidy(run)
    assert writes(world) == before, "a second look writes nothing"


def test_what_was_told_is_told_again_when_prefect_forgot(world: World, release: ProposedRelease) -> None:
    """Prefect's label only saves looks: without it everything is found done."""
    run = expire(release)
    tidy()
    before = writes(world)
    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(run.id, {"dabflow.told": "of another end"})

    tidy()

    assert writes(world) == before


@pytest.mark.parametrize(
    "fault",
    [
        {"method": "PATCH", "path": f"/repos/{SLUG}/issues/comments/.*"},
        {"method": "POST", "path": f"/repos/{SLUG}/deployments/.*/statuses"},
    ],
    ids=["the comment", "the deployment"],
)
def test_an_answer_that_is_lost_changes_nothing(
    world: World, release: ProposedRelease, fault: dict[str, str]
) -> None:
    expire(release)
    arm(world, kind="after", **fault)

    assert tidy().is_completed()

    assert "expired, not approved" in release.comments[0]
    assert [record.state for record in release.records()] == ["inactive"]


def test_while_github_is_away_nothing_counts_as_told(world: World, release: ProposedRelease) -> None:
    expire(release)
    arm(world, kind="refuse", path=f"/repos/{SLUG}/.*", status=502, times=200)
    assert tidy().is_failed()
    forget_faults(world)

    assert tidy().is_completed()

    assert "expired, not approved" in release.comments[0]


def forget_faults(world: World) -> None:
    import httpx

    httpx.delete(f"{world.github_url}/_sandbox/faults").raise_for_status()


def test_what_the_run_told_itself_stays(world: World, release: ProposedRelease) -> None:
    told = f"{marker(RELEASE)}\n### stopped\n\n```\nrelease/1.4.0 does not contain main\n```\n"
    release.hub.edit_comment(release.number, release.hub.comment(release.number, marker(RELEASE))[0], told)  # type: ignore[index]
    errors.append(NeedsHuman("release/1.4.0 does not contain main", "merge it"))
    run = Run(release.waiting()).go()
    assert run.state == "Failed"

    tidy()

    assert release.comments == [told.strip("\n")] or release.comments == [told]
    assert [record.state for record in release.records()] == ["queued"], "a retry goes on with its reviews"


def test_an_error_that_nobody_told_is_told_with_its_remedy(release: ProposedRelease) -> None:
    errors.append(NeedsHuman("release.yaml at 5555 is not YAML", "mend the file and push it"))
    Run(release.waiting()).go()

    tidy()

    (comment,) = release.comments
    assert "**Next:** mend the file and push it" in comment
    assert "release.yaml at 5555 is not YAML" in comment


def test_a_deployment_that_was_cut_off_is_an_error(release: ProposedRelease) -> None:
    payload = {"release": RELEASE.key, "requested_by": "rita"}
    release.record(PRODUCTION, payload, "in_progress")
    release.record(STAGING, payload, "in_progress")
    release.run().set(Crashed(), force=True)

    tidy()

    assert sorted(record.state for record in release.records()) == ["error", "queued"]
    assert sorted(record.state for record in release.records(STAGING)) == ["error", "success"]


def test_a_pull_request_that_was_closed_by_hand_stays_rejected(release: ProposedRelease) -> None:
    run = release.run()
    release.hub.close_pull_request(release.number)
    errors.append(NeedsHuman("1.4.0 was rejected: #7 is closed", "push a fix"))
    tidy()
    run.go()
    assert run.state == "Failed"

    tidy()

    assert "### acme/lakehouse 1.4.0: rejected" in release.comments[0]
    assert release.pull_state == "closed"
    assert [record.state for record in release.records()] == ["inactive"]


def untouched(release: ProposedRelease, before: list[str], world: World) -> None:
    assert writes(world) == before
    assert [record.state for record in release.records()] == ["queued"]


@pytest.mark.parametrize(
    "state",
    [Cancelled(name="Rejected", message="not this one"), Completed(message="released")],
    ids=["rejected", "released"],
)
def test_a_run_that_told_everything_itself_is_left_alone(
    world: World, release: ProposedRelease, state: State[Any]
) -> None:
    run = release.run().set(state, force=True)
    before = writes(world)

    tidy()
    tidy(run)

    untouched(release, before, world)


def test_another_run_that_is_at_it_speaks_for_the_release(world: World, release: ProposedRelease) -> None:
    ended = expire(release)
    release.run()
    before = writes(world)

    tidy(ended)

    untouched(release, before, world)


def test_a_run_that_may_be_about_the_same_release_is_waited_for(
    world: World, release: ProposedRelease
) -> None:
    """It has begun, and does not know its version yet: whatever GitHub is told now may be wrong in a moment."""
    ended = expire(release)
    starting = Run(release.waiting())
    with get_client(sync_client=True) as client:
        client.update_flow_run(starting.id, tags=["dabflow"])
    starting.set(Running())
    before = writes(world)
    tidy(ended)
    untouched(release, before, world)

    starting.set(Completed(message="1.3.0 is already released"))
    tidy()

    assert "expired, not approved" in release.comments[0]


def test_a_later_run_has_told_how_it_stands(world: World, release: ProposedRelease) -> None:
    ended = expire(release)
    release.run().set(Completed(), force=True)
    before = writes(world)

    tidy(ended)

    untouched(release, before, world)


def test_a_retried_run_that_ends_again_is_told_again(release: ProposedRelease) -> None:
    run = release.run().set(Crashed(message="the first time"), force=True)
    tidy()
    run.set(AwaitingRetry())
    run.go()
    run.set(Cancelling())

    tidy()

    assert "cancelled, not approved" in release.comments[0]


def test_only_the_run_that_is_named_is_looked_at(world: World, release: ProposedRelease) -> None:
    waiting = release.run(wake_at=in_days(-1))
    ended = expire(release)

    tidy(ended)

    assert waiting.state == "Suspended"


def test_a_published_release_is_not_told_about(world: World, release: ProposedRelease) -> None:
    merge_by_hand(release)
    release.people.api("ravi", "POST", "/releases", tag_name="1.4.0", target_commitish="main", name="1.4.0")
    expire(release)
    before = writes(world)

    tidy()

    assert writes(world) == before
