"""Answers to waiting releases, in a real Prefect."""

import contextlib
import io
from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from rich.console import Console

from deployments.answering import Answer, give, missing_in, outcome, seen_afterwards, waiting_run
from deployments.prefect_api import PrefectApi, connected
from deployments.runs import Question
from deployments.screen import Screen
from deployments.setup import set_up
from deployments.starting import Order, start_release, warning_without_worker
from deployments.watching import Watch, until_it_stops
from flows.this_run import tags_of
from tasks.ask import GateAnswer, answers, ask
from tasks.rules.digests import Subject
from tasks.rules.errors import NeedsHuman
from tasks.rules.gate import Judgement, Verdict
from tasks.rules.phases import Phase
from tasks.rules.release import Candidate, Examined, ProductionPlan, Proposal, Release
from tasks.rules.settings import settings_of
from tasks.rules.texts import form_description
from tasks.rules.versions import Version

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.usefixtures("prefect_server")]

REPOSITORY = "acme/gated"
versions = count(1)


@task(name="merge", task_run_name="merge")
def merge() -> None:
    pass


@flow(persist_result=True)
def gated() -> str:
    said = answers("gate", GateAnswer)
    if not said or said[-1].decision != "approve":
        ask(f"gate-{len(said) + 1}", GateAnswer, f"Still missing: review {len(said) + 1}.\n\nplan")
    merge()
    return "released"


class Play:
    """One run of `gated` about a version of its own."""

    def __init__(self) -> None:
        self.version = f"{next(versions)}.0.0"
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(client.create_flow(gated), name="answering")
            made = client.create_flow_run_from_deployment(
                deployment, name=f"{REPOSITORY} {self.version}", tags=tags_of(REPOSITORY, self.version)
            )
        self.id = str(made.id)

    def go(self) -> None:
        with contextlib.suppress(Pause), get_client(sync_client=True) as client:
            run_flow(gated, flow_run=client.read_flow_run(UUID(self.id)), return_type="state")


@pytest.fixture
def api() -> Iterator[PrefectApi]:
    with connected() as found:
        yield found


@pytest.fixture
def screen() -> Screen:
    return Screen(Console(file=io.StringIO(), width=120, highlight=False))


def told(screen: Screen) -> str:
    out: Any = screen.console.file
    return str(out.getvalue())


def test_an_approval_is_taken_and_what_follows_is_told(api: PrefectApi, screen: Screen) -> None:
    play = Play()
    play.go()
    run = waiting_run(api, REPOSITORY, play.version)
    question = api.question(run.id)
    watch = Watch(api, run.id, screen)

    give(api, run, Answer("approve", "go"))
    play.go()
    now = seen_afterwards(watch, question)

    assert (now.kind, outcome(now, None, play.version)) == ("COMPLETED", "")
    assert "merge" in told(screen)


def test_a_gate_that_is_still_shut_says_what_is_missing(api: PrefectApi, screen: Screen) -> None:
    play = Play()
    play.go()
    run = waiting_run(api, REPOSITORY, play.version)
    first = api.question(run.id)

    give(api, run, Answer("recheck"))
    play.go()
    now = seen_afterwards(Watch(api, run.id, screen), first)

    said = outcome(now, api.question(run.id), play.version)
    assert "still waits. Missing: review 2." in said
    assert f"dabflow recheck {play.version}" in said


def test_the_second_answer_to_a_question_is_refused(api: PrefectApi) -> None:
    play = Play()
    play.go()
    run = waiting_run(api, REPOSITORY, play.version)
    give(api, run, Answer("approve"))

    with pytest.raises(NeedsHuman, match="answered a moment ago by somebody else"):
        give(api, run, Answer("reject", "no"))


def test_a_run_that_does_not_wait_yet(api: PrefectApi) -> None:
    play = Play()

    with pytest.raises(NeedsHuman, match="does not wait for an answer now"):
        waiting_run(api, REPOSITORY, play.version)


def test_an_unknown_version_names_those_that_wait(api: PrefectApi) -> None:
    play = Play()
    play.go()

    with pytest.raises(NeedsHuman, match=rf"knows no run of acme/gated 99\.0\.0.*{play.version}"):
        waiting_run(api, REPOSITORY, "99.0.0")


def test_several_waiting_runs_are_listed(api: PrefectApi) -> None:
    play = Play()
    play.go()
    twin = Play()
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(twin.id), tags=tags_of(REPOSITORY, play.version))
    twin.go()

    with pytest.raises(NeedsHuman, match="2 runs of acme/gated") as caught:
        waiting_run(api, REPOSITORY, play.version)
    assert play.id in str(caught.value)


def test_the_watcher_shows_the_question(api: PrefectApi, screen: Screen) -> None:
    play = Play()
    play.go()

    assert Watch(api, play.id, screen).until(until_it_stops).waits

    assert "waits for approval" in told(screen)
    assert "plan" in told(screen)


def test_what_is_missing_is_read_from_the_real_question(api: PrefectApi) -> None:
    """The form's text is ours: the sentence is found in it."""
    release = Release(
        "a/b", Version(1, 4, 0), Phase.CUT, settings_of({}, source="x"), "f" * 40, requested_by="", reason=""
    )
    subject = Subject("a" * 40, "b" * 40, "1.14.0", "prod", "https://prod.example", "us")
    plan = ProductionPlan(digest="d" * 64, subject=subject, plans={}, markdown="the plan", line="1 to create")
    candidate = Candidate("a" * 40, "b" * 40, release.settings)
    proposal = Proposal(candidate, Examined((), (), plan), 7, "http://github/pull/7")
    text = form_description(release, proposal, Judgement(Verdict.WAITING, "0 of 1 reviews; nobody"))

    assert missing_in(Question("k", text)) == "0 of 1 reviews; nobody"


def test_setup_makes_the_deployment_that_a_release_is_started_from(api: PrefectApi) -> None:
    assert "work pool dabflow" in "\n".join(set_up(api))
    assert "is there" in next(set_up(api))

    run = start_release(api, Order("acme/lakehouse", "rita", bump="minor"))
    assert run.kind == "SCHEDULED"
    assert "no worker" in warning_without_worker(api)
    with pytest.raises(NeedsHuman, match="repository"):
        start_release(api, Order("not a repository", "rita"))
