"""Questions to people, in a real Prefect: an answer is never lost, and no answer is never an approval."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from in_prefect import Run
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Cancelled, Crashed

from tasks.ask import GateAnswer, answers, ask, waiting_of
from tasks.rules.waiting import Waiting

pytestmark = pytest.mark.usefixtures("prefect_server")

APPROVE = {"decision": "approve", "reason": "fine"}
asked_about = ["aaa"]
crashes = [0]


@pytest.fixture(autouse=True)
def _as_before() -> None:
    asked_about[:] = ["aaa"]
    crashes[0] = 0


@flow(persist_result=True)
def gate() -> str:
    answer = ask(f"approve-{asked_about[-1]}", GateAnswer, "| a | plan |\n| --- | --- |\n")
    if crashes[0]:
        crashes[0] -= 1
        raise RuntimeError("the worker died")
    return f"{answer.decision} {asked_about[-1]}: {answer.reason}"


@flow(persist_result=True)
def insisting() -> list[str]:
    """Asks again and again until somebody approves."""
    while True:
        said = answers("gate", GateAnswer)
        if said and said[-1].decision == "approve":
            return [answer.decision for answer in said]
        ask(f"gate-{len(said) + 1}", GateAnswer, "go on?")


def test_a_question_is_answered() -> None:
    run = Run(gate)
    assert run.go().is_paused()

    run.resume(APPROVE)

    assert run.go().result() == "approve aaa: fine"


def test_the_form_shows_the_question_and_insists_on_a_decision() -> None:
    run = Run(gate)
    run.go()

    shown = GateAnswer.model_json_schema()
    assert shown["required"] == ["decision"]
    assert "default" not in shown["properties"]["decision"]
    assert stored(run, "suspended-approve-aaa-description").startswith("| a | plan |")
    for nonsense in ({"decision": "perhaps"}, {"reason": "no decision"}):
        run.resume(nonsense)
        assert run.read().state_name == "Suspended"


def test_sent_on_without_an_answer_it_stops() -> None:
    """Somebody pressed Retry on a suspended run, or a program scheduled it."""
    run = Run(gate)
    run.go()
    run.send_on()

    done = run.go()

    assert done.is_failed()
    assert "this run was sent on without an answer" in str(done.message)


def test_sent_on_without_an_answer_it_can_still_be_answered() -> None:
    run = Run(gate)
    run.go()
    run.send_on()
    run.go()
    run.send_on()

    assert run.go().is_paused()
    run.resume(APPROVE)
    assert run.go().result() == "approve aaa: fine"


def test_an_answer_survives_a_failure_and_a_crash() -> None:
    run = Run(gate)
    run.go()
    run.resume(APPROVE)
    crashes[0] = 2
    assert run.go().is_failed()
    run.send_on()
    assert run.go().is_failed()
    run.set(Crashed())
    run.send_on()

    assert run.go().result() == "approve aaa: fine"


def test_a_stale_question_is_cleared_and_asked_again() -> None:
    """The process died while the run waited: it is asked again, and can be answered."""
    run = Run(gate)
    run.go()
    run.set(Crashed())
    run.send_on()
    assert run.go().is_paused()

    run.resume(APPROVE)

    assert run.go().result() == "approve aaa: fine"


def test_an_answer_about_another_commit_is_no_answer() -> None:
    run = Run(gate)
    run.go()
    run.resume(APPROVE)
    asked_about.append("bbb")
    assert run.go().is_paused()

    run.resume({"decision": "reject", "reason": "not this one"})

    assert run.go().result() == "reject bbb: not this one"


def test_every_answer_is_kept_in_order() -> None:
    run = Run(insisting)
    run.go()
    for decision in ("recheck", "reject", "approve"):
        run.resume({"decision": decision})
        run.go()

    assert run.read().state is not None
    assert run.go().result() == ["recheck", "reject", "approve"]


def test_a_question_that_nobody_answers_in_time_expires() -> None:
    @flow(persist_result=True)
    def hasty() -> None:
        ask("soon", GateAnswer, "now?", timeout_seconds=7)

    run = Run(hasty)
    state = run.go()

    assert state.is_paused()
    assert state.state_details.pause_timeout is not None
    left = state.state_details.pause_timeout.timestamp() - state.timestamp.timestamp()
    assert 5 < left < 9


WAITING = Waiting(
    repository="acme/lakehouse",
    version="1.4.0",
    branch="release/1.4.0",
    number=7,
    question="gate-1",
    missing="1 review",
    deadline=datetime(2026, 12, 24, 12, tzinfo=UTC),
    remind_at=datetime(2026, 12, 21, 12, tzinfo=UTC),
    wake_at=datetime(2026, 11, 30, 6, tzinfo=UTC),
    seen="f" * 32,
)


@flow(persist_result=True)
def telling() -> None:
    """Asks twice, and says each time what it waits for."""
    for n in (1, 2):
        ask(f"gate-{n}", GateAnswer, "go on?", waiting=replace(WAITING, question=f"gate-{n}"))


def test_a_waiting_run_says_what_it_waits_for() -> None:
    run = Run(telling)
    assert waiting_of(run.id) is None
    run.go()

    assert waiting_of(run.id) == WAITING
    run.resume(APPROVE)
    run.go()
    assert waiting_of(run.id) == replace(WAITING, question="gate-2"), (
        "the newest question replaces the old one"
    )


def test_what_it_waited_for_is_known_after_it_ended_without_its_own_code() -> None:
    run = Run(telling)
    run.go()

    run.set(Cancelled())

    assert waiting_of(run.id) == WAITING


def stored(run: Run, key: str) -> str:
    with get_client(sync_client=True) as client:
        answer = client.request("GET", "/flow_runs/{id}/input/{key}", path_params={"id": run.id, "key": key})
    return str(answer.json())
