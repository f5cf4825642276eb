"""Whole releases: real git, real Prefect, real HTTP against the sandbox's servers."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from other_prefect import OtherPrefect
from playing import SLUG, People, Run, arm, start, writes
from released import assert_released_once, what_runs

from sandbox.world import World
from tasks.systems.git_repo import Mirror

pytestmark = [
    pytest.mark.usefixtures("nothing_lost"),
    pytest.mark.timeout(240),
]


def approve_and_ship(run: Run, people: People) -> None:
    """From the first suspension to the end, as a reviewer and an operator do it."""
    assert run.state.name == "Suspended", run.said
    people.review("ravi", people.release_pull()["number"])
    run.answer("approve", "looks right")
    assert run.state.name == "Completed", run.said


def test_from_develop_to_production_and_back(world: World, people: People) -> None:
    """The happy path; a second start of the finished release writes nothing."""
    run = start()
    run.go()
    approve_and_ship(run, people)

    assert run.flow_run.name == "acme/lakehouse 1.4.0"
    assert_released_once(world, people)
    seen = [writes(world, server=server) for server in ("github", "staging", "prod")]
    again = start()
    again.go()
    exact = start(version="1.4.0")
    exact.go()
    assert again.said == exact.said == "Completed: 1.4.0 is already released"
    assert [writes(world, server=server) for server in ("github", "staging", "prod")] == seen


def test_what_stops_a_branch_that_was_there_before_is_found_under_its_version(
    world: World, people: People
) -> None:
    """Somebody had begun it by hand, without what production has: the run that stopped says so where people look."""
    first = Mirror(SLUG).fetch().command()().rev_list("--max-parents=0", "develop")
    people.api("rita", "POST", "/git/refs", ref="refs/heads/release/1.4.0", sha=first)

    run = start(version="1.4.0")
    run.go()

    assert "release/1.4.0" in run.said
    assert "does not contain main" in run.said
    assert run.flow_run.name == "acme/lakehouse 1.4.0"


def test_prefects_database_is_lost_while_the_release_waits(
    world: World, people: People, other_prefect: OtherPrefect
) -> None:
    """Killed while suspended, everything Prefect knew deleted: the same start goes on with the same release."""
    start().go()
    people.review("ravi", people.release_pull()["number"])
    before = writes(world)

    ended = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("another_prefect.py"))],
        env=os.environ | {"PREFECT_API_URL": other_prefect.api},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "STARTED Suspended" in ended.stdout, ended.stdout + ended.stderr
    assert "ANSWERED Completed" in ended.stdout, ended.stdout + ended.stderr
    opened = [w for w in writes(world)[len(before) :] if w == f"POST /repos/{SLUG}/pulls"]
    assert len(opened) == 1, "the back-merge's only: the release's own pull request was found again"
    assert_released_once(world, people)


def test_the_release_branch_moves_during_approval(world: World, people: People) -> None:
    """A new commit is a new candidate: rehearsed, asked about again, and no old approval counts."""
    run = start()
    run.go()
    number = people.release_pull()["number"]
    people.review("ravi", number)
    moved = people.commit_to("release/1.4.0", "src/README.md", "stabilised\n")

    run.answer("approve", "the old one")

    assert run.state.name == "Suspended", run.said
    assert what_runs("staging") == moved
    assert what_runs("prod") == Mirror(SLUG).tags()["1.3.0"]
    run.answer("approve", "the new one")
    assert run.state.name == "Suspended", "ravi's review was about the old commit"
    people.review("ravi", number)
    run.answer("recheck")
    assert run.state.name == "Completed", run.said
    assert_released_once(world, people)


def test_rejected(world: World, people: People) -> None:
    """The pull request is closed with the reason, the branch stays, production is not touched."""
    run = start()
    run.go()
    before = writes(world, server="prod")

    run.answer("reject", "the currency rounding is wrong")

    assert (run.state.name, run.state.type.value) == ("Rejected", "CANCELLED")
    pull = people.release_pull()
    assert (pull["state"], pull["merged_at"]) == ("closed", None)
    comment = people.api("rita", "GET", f"/issues/{pull['number']}/comments")[0]["body"]
    assert "the currency rounding is wrong" in comment
    assert "release/1.4.0" in Mirror(SLUG).fetch().branches()
    assert writes(world, server="prod") == before
    again = start()
    again.go()
    assert again.state.name == "Failed"
    assert "1.4.0 was rejected" in str(again.state.message)


def test_approved_in_the_form_without_a_review(world: World, people: People) -> None:
    """Under `both` the form alone opens nothing: it asks again and says what is missing."""
    run = start()
    run.go()

    run.answer("approve", "in a hurry")

    assert run.state.name == "Suspended"
    assert what_runs("prod") == Mirror(SLUG).fetch().tags()["1.3.0"]
    people.review("rita", people.release_pull()["number"])
    run.answer("recheck")
    assert run.state.name == "Suspended", "the requester's own review does not count"
    people.review("rosa", people.release_pull()["number"])
    run.answer("recheck")
    assert run.state.name == "Completed", run.said
    assert_released_once(world, people)


def test_two_starts_at_the_same_moment(world: World, people: People) -> None:
    """One release; whoever comes second says who is at it."""
    runs = [start(), start()]
    threads = [threading.Thread(target=run.go) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(run.state.name or "" for run in runs) == ["Suspended", "Under way"]
    waiting = next(run for run in runs if run.state.name == "Suspended")
    approve_and_ship(waiting, people)
    assert_released_once(world, people)


def test_every_answer_is_lost_once(world: World, people: People) -> None:
    """GitHub does each thing and its answer is lost: still one of everything."""
    posts = ["git/refs", "git/tags", "pulls", "issues/.*/comments", "deployments", "deployments/.*/statuses"]
    for path in [*posts, "releases"]:
        arm(world, kind="after", method="POST", path=f"/repos/{SLUG}/{path}")
    arm(world, kind="after", method="PUT", path=f"/repos/{SLUG}/pulls/.*/merge")
    arm(world, kind="after", method="PATCH", path=f"/repos/{SLUG}/releases/.*")
    for target in ("staging", "prod"):
        arm(world, server=target, kind="after", method="POST", path="/api/2.2/jobs/run-now")

    run = start()
    run.go()
    approve_and_ship(run, people)

    assert_released_once(world, people)
