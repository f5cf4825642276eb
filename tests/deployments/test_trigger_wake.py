"""Waking by the script that GitHub Actions call, as a process of its own, against a real Prefect server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from trigger_world import Front, front
from waiting_runs import REPOSITORY, Gated, waiting_about

from deployments.trigger_wake import Meant
from tasks.ask import GateAnswer
from tasks.rules.gate import Decision
from tasks.rules.syncs import Sync
from tasks.rules.waiting import WAITING_KEY

pytestmark = pytest.mark.usefixtures("prefect_server")

SCRIPT = Path(__file__).parents[2] / "deployments" / "trigger.py"


def wake(api: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "PREFECT_API_URL": api, "DABFLOW_WITHIN_SECONDS": "5"}
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "wake"],
        env={**environment, "GITHUB_REPOSITORY": REPOSITORY, **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def waiting() -> Iterator[list[Gated]]:
    """Two releases that wait."""
    found = [Gated().go(), Gated().go()]
    yield found
    for one in found:
        one.drop()


@pytest.fixture
def opened(prefect_server: str, tmp_path: Path) -> Iterator[Front]:
    with front(prefect_server, tmp_path / "front") as found:
        yield found


def woken(runs: list[Gated]) -> list[bool]:
    return [not run.state.is_paused() for run in runs]


def test_all_that_wait_are_woken_and_named(prefect_server: str, waiting: list[Gated]) -> None:
    done = wake(prefect_server, GITHUB_EVENT_NAME="push")

    assert done.returncode == 0, done.stdout
    assert woken(waiting) == [True, True]
    for run in waiting:
        assert f"woke {REPOSITORY} {run.version}: " in done.stdout
        assert f"/runs/flow-run/{run.id}" in done.stdout


def test_a_woken_run_decides_for_itself(prefect_server: str, waiting: list[Gated]) -> None:
    """It looks, finds nothing new, and asks again."""
    wake(prefect_server, GITHUB_EVENT_NAME="pull_request_review")

    assert waiting[0].go().state.is_paused()
    assert decisions(waiting[0]) == [("recheck", "woken by GitHub Actions (pull_request_review)")]


@pytest.mark.parametrize("by", ["PULL_REQUEST", "BRANCH"])
def test_only_the_release_that_is_meant_is_woken(prefect_server: str, waiting: list[Gated], by: str) -> None:
    meant = waiting[1]
    value = str(meant.number) if by == "PULL_REQUEST" else f"release/{meant.version}"

    done = wake(prefect_server, **{by: value})

    assert done.returncode == 0, done.stdout
    assert woken(waiting) == [False, True]


@pytest.mark.parametrize(
    ("pull_request", "branch", "fits"),
    [
        (8, "", True),
        (9, "", True),
        (10, "", False),
        (None, "sync/1.4.1-into-release-1.5.0", True),
        (None, "sync/1.4.1-into-release-1.6.0", False),
    ],
)
def test_each_pull_request_on_its_way_into_a_branch_is_meant(
    pull_request: int | None, branch: str, *, fits: bool
) -> None:
    syncs = (Sync("1.4.1", "a" * 40, "develop", 8), Sync("1.4.1", "a" * 40, "release/1.5.0", 9))
    waiting = waiting_about("1.4.1", 8, branch=syncs[0].branch, syncs=syncs)

    assert Meant(REPOSITORY, pull_request, branch).fits(waiting.to_json()) is fits


def test_values_that_an_event_does_not_have_may_be_empty(prefect_server: str, waiting: list[Gated]) -> None:
    done = wake(prefect_server, PULL_REQUEST="", BRANCH=f"release/{waiting[0].version}")

    assert done.returncode == 0, done.stdout
    assert woken(waiting) == [True, False]


def test_a_run_that_does_not_say_what_it_waits_for_is_woken(
    prefect_server: str, waiting: list[Gated]
) -> None:
    with get_client(sync_client=True) as client:
        client.delete_flow_run_input(waiting[0].run.id, WAITING_KEY)

    wake(prefect_server, PULL_REQUEST="999999")

    assert woken(waiting) == [True, False]


def test_a_second_time_there_is_nothing_to_wake(prefect_server: str, waiting: list[Gated]) -> None:
    number = waiting[0].number
    wake(prefect_server, PULL_REQUEST=str(number))

    done = wake(prefect_server, PULL_REQUEST=str(number))

    assert done.returncode == 0
    assert done.stdout == f"nothing to wake: no release waits for {REPOSITORY}#{number}\n"


def test_an_answer_that_is_lost_is_no_second_answer(opened: Front, waiting: list[Gated]) -> None:
    """Prefect woke it, the answer was lost: the script asks again, and sees that it waits no longer."""
    opened.arm(kind="after", method="POST", path=".*/resume", status=503)

    done = wake(f"{opened.url}/api", PULL_REQUEST=str(waiting[0].number))

    assert done.returncode == 0, done.stdout
    assert "was woken by somebody else a moment ago" in done.stdout
    assert woken(waiting) == [True, False]
    assert len(decisions(waiting[0])) == 1


def test_a_resume_that_prefect_cannot_take_yet_is_handed_in_again(
    opened: Front, waiting: list[Gated]
) -> None:
    """200, and the run still waits: the code is no answer."""
    body = {"state": None, "status": "REJECT", "details": {"reason": "Run input schema not found."}}
    opened.arm(kind="refuse", method="POST", path=".*/resume", status=200, body=body, times=2)

    done = wake(f"{opened.url}/api", PULL_REQUEST=str(waiting[0].number))

    assert f"woke {REPOSITORY}" in done.stdout
    assert woken(waiting) == [True, False]
    assert [line for line in opened.asked if "resume" in line] == [
        *["POST resume 200"] * 2,
        "POST resume 201",
    ]


def test_a_server_that_is_away_is_said_to_be() -> None:
    done = wake("http://127.0.0.1:9/api", DABFLOW_WITHIN_SECONDS="1")

    assert done.returncode == 75
    assert "error: the Prefect server at http://127.0.0.1:9/api does not answer" in done.stdout


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PULL_REQUEST": "seven"}, "the field pull_request is no number: seven"),
        ({"GITHUB_REPOSITORY": ""}, "GITHUB_REPOSITORY is not set"),
    ],
)
def test_what_is_not_understood(variables: dict[str, str], said: str) -> None:
    done = wake("http://127.0.0.1:9/api", **variables)

    assert done.returncode == 2
    assert said in done.stdout


def decisions(run: Gated) -> list[tuple[Decision, str]]:
    """What was answered so far, oldest first."""
    found: list[tuple[Decision, str]] = []
    with get_client(sync_client=True) as client:
        kept = client.filter_flow_run_input(
            run.run.id, key_prefix="suspended-gate-", limit=50, exclude_keys=set()
        )
    for one in sorted(kept, key=lambda one: one.key):
        if one.key.endswith("-response"):
            answer = GateAnswer.model_validate_json(one.value)
            found.append((answer.decision, answer.reason))
    return found
