"""Answers to waiting releases, in a real Prefect."""

import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from bare import make_bare
from prefect.client.orchestration import get_client
from rich.console import Console
from waiting_runs import REPOSITORY
from waiting_runs import Gated as Play

from deployments.answering import Answer, give, outcome, seen_afterwards, waiting_run, wake_all
from deployments.command import main
from deployments.install import install
from deployments.prefect_api import PrefectApi, connected, prefect_client
from deployments.screen import Screen
from deployments.starting import StandardRelease, start_run, warning_without_worker
from deployments.watching import Watch, until_it_stops
from flows.this_run import tags_of
from tasks.rules.errors import NeedsHuman

pytestmark = pytest.mark.usefixtures("task_runs_kept")


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

    said = outcome(now, api.waiting(run.id), play.version)
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


def test_every_waiting_release_is_woken_and_named(api: PrefectApi) -> None:
    plays = [Play().go(), Play().go()]

    said = list(wake_all(api, REPOSITORY))

    assert [api.run(play.id).waits for play in plays] == [False, False]
    for play in plays:
        assert any(line.startswith(f"woke {REPOSITORY} {play.version}: ") for line in said)


def test_one_release_is_woken(api: PrefectApi) -> None:
    one, other = Play().go(), Play().go()

    (said,) = wake_all(api, REPOSITORY, one.version)

    assert said.startswith(f"woke {REPOSITORY} {one.version}: ")
    assert (api.run(one.id).waits, api.run(other.id).waits) == (False, True)
    (again,) = wake_all(api, REPOSITORY, one.version)
    assert again == f"nothing to wake: {REPOSITORY} {one.version} does not wait for an approval now"


def test_where_nothing_waits_the_line_says_so(api: PrefectApi) -> None:
    (said,) = wake_all(api, "acme/quiet")

    assert said == "nothing to wake: a release of acme/quiet does not wait for an approval now"


def test_the_command_wakes(api: PrefectApi, capsys: pytest.CaptureFixture[str]) -> None:
    play = Play().go()

    assert main(["wake", play.version, "--repository", REPOSITORY]) == 0
    assert main(["wake", play.version, "--repository", REPOSITORY]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"woke {REPOSITORY} {play.version}: ")
    assert second.startswith("nothing to wake: ")


def test_install_makes_the_deployment_that_a_release_is_started_from(api: PrefectApi) -> None:
    with prefect_client() as client:
        make_bare(client)
        list(install(client))

    run = start_run(api, StandardRelease("acme/lakehouse", "rita", bump="minor"))
    assert run.kind == "SCHEDULED"
    assert "no worker" in warning_without_worker(api)
    with pytest.raises(NeedsHuman, match="repository"):
        start_run(api, StandardRelease("not a repository", "rita"))
