"""The steps of the check of a pull request, against real servers: told once, of the newest commit, of nothing else."""

import re
from typing import Any

import pytest
from golden_files import Golden
from playing import SLUG, People, arm, asked, writes

from sandbox.world import World
from tasks.pull_check import (
    ensure_begun,
    ensure_failure_told,
    ensure_plan_told,
    plan_on_staging,
    pull_to_check,
)
from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.rules.pull_check import CONTEXT, PullCheck

NOTEBOOK = "src/smoke_test.py"


class Pull:
    """A pull request of rita's into develop, and its checks."""

    def __init__(self, world: World, path: str = NOTEBOOK, text: str = "print('checked')\n") -> None:
        self.world, self.people, self.branch = world, People(world), "feature/checked"
        self.head = self.people.commit_to("develop", path, text, onto=self.branch)
        self.number = self.open()

    def open(self, **more: Any) -> int:
        about = {"head": self.branch, "base": "develop", "title": "Check me", "body": "", **more}
        return int(self.people.api("rita", "POST", "/pulls", **about)["number"])

    def push(self, path: str, text: str) -> str:
        self.head = self.people.commit_to(self.branch, path, text)
        return self.head

    def look(self, head: str | None = None) -> PullCheck:
        return pull_to_check.fn(SLUG, self.number, head)

    def check(self) -> str:
        """What the flow does, without Prefect."""
        check = self.look()
        try:
            ensure_begun.fn(check)
            plan = plan_on_staging.fn(check, commit=check.commit, target=check.target)
            return ensure_plan_told.fn(check, plan)
        except ReleaseError as error:
            ensure_failure_told.fn(check, error)
            raise

    def comments(self) -> list[str]:
        found = self.people.api("rita", "GET", f"/issues/{self.number}/comments")
        return [c["body"] for c in found if c["user"]["login"] == "dabflow-bot"]

    def statuses(self) -> list[tuple[str, str]]:
        """State and description of each status of the head, newest first."""
        found = self.people.api("rita", "GET", f"/commits/{self.head}/statuses")
        return [(s["state"], s["description"]) for s in found if s["context"] == CONTEXT]


@pytest.fixture
def pull(world: World) -> Pull:
    return Pull(world)


def test_the_pull_request_says_what_staging_would_get(pull: Pull, golden: Golden) -> None:
    quiet = asked(pull.world, server="prod")

    assert pull.check() == ""

    (comment,) = pull.comments()
    golden.check("checks/plan.md", without_shas(comment))
    assert [state for state, _ in pull.statuses()] == ["success", "pending"]
    assert pull.statuses()[0][1] in comment
    assert writes(pull.world, server="staging") == []
    assert asked(pull.world, server="prod") == quiet, (
        "nothing asked production, so nothing held its credentials"
    )


def test_a_second_check_of_a_commit_writes_nothing_but_that_it_began(pull: Pull) -> None:
    pull.check()
    check, before = pull.look(), len(writes(pull.world))

    plan = plan_on_staging.fn(check, commit=check.commit, target=check.target)
    ensure_plan_told.fn(check, plan)

    assert len(writes(pull.world)) == before
    assert check == pull.look(), "the same commits make the same merge"


@pytest.mark.parametrize("what", [".*/comments", ".*/statuses/.*"])
def test_a_lost_answer_is_no_second_comment_and_no_second_status(pull: Pull, what: str) -> None:
    check = pull.look()
    plan = plan_on_staging.fn(check, commit=check.commit, target=check.target)
    arm(pull.world, kind="after", method="POST", path=what, status=502)

    with pytest.raises(TryAgain):
        ensure_plan_told.fn(check, plan)
    ensure_plan_told.fn(check, plan)

    assert len(pull.comments()) == 1
    assert len(pull.statuses()) == 1


def test_what_somebody_else_says_in_our_name_is_not_ours(pull: Pull) -> None:
    check = pull.look()
    pull.people.api("rita", "POST", f"/issues/{pull.number}/comments", body=f"{check.marker}\nall fine")
    pull.people.api(
        "rita", "POST", f"/statuses/{pull.head}", state="success", context=CONTEXT, description="ok"
    )

    pull.check()

    assert len(pull.comments()) == 1
    assert [state for state, _ in pull.statuses()] == ["success", "pending", "success"]
    assert pull.statuses()[0][1] != "ok"


def test_a_newer_commit_is_told_in_the_same_comment(pull: Pull) -> None:
    pull.check()
    older = pull.head
    pull.push(NOTEBOOK, "print('checked again')\n")

    assert pull.look(older).left_alone == f"has moved on from {older[:12]} to {pull.head[:12]}"
    assert pull.check() == ""

    (comment,) = pull.comments()
    assert pull.head[:12] in comment
    assert older[:12] not in comment


def test_a_check_that_was_overtaken_tells_nothing(pull: Pull) -> None:
    check = pull.look(pull.head)
    plan = plan_on_staging.fn(check, commit=check.commit, target=check.target)
    pull.push(NOTEBOOK, "print('newer')\n")

    assert ensure_plan_told.fn(check, plan).startswith("has moved on from")
    assert pull.comments() == []


def test_what_stops_a_check_is_told(pull: Pull, golden: Golden) -> None:
    """With what others wrote in it shown as it is."""
    pull.push("databricks.yml", "bundle: {name: [`a`, '</pre>@ravi']}\n```\n")

    with pytest.raises(NeedsHuman):
        pull.check()

    (comment,) = pull.comments()
    golden.check("checks/stopped.md", without_shas(comment))
    assert pull.statuses()[0][0] == "failure"


def test_a_workspace_that_does_not_answer_is_no_fault_of_the_pull_request(pull: Pull) -> None:
    arm(pull.world, server="staging", kind="refuse", path=".*", status=503, times=100)

    with pytest.raises(TryAgain):
        pull.check()

    assert pull.statuses()[0][0] == "error"


def test_where_it_cannot_be_merged_it_is_checked_by_itself(pull: Pull) -> None:
    pull.people.develop(NOTEBOOK, "print('otherwise')\n")

    check = pull.look()

    assert check.commit == check.head == pull.head


def test_staging_is_what_the_production_branch_says(pull: Pull) -> None:
    """Not what the pull request says: it could name production there."""
    pull.push("release.yaml", "targets: {staging: prod, production: staging}\n")

    assert pull.look().target == "staging"


def test_a_draft_and_what_is_closed_are_left_alone(pull: Pull) -> None:
    draft = People(pull.world).commit_to("develop", NOTEBOOK, "print('draft')\n", onto="feature/draft")
    number = pull.open(head="feature/draft", draft=True)

    assert pull_to_check.fn(SLUG, number, draft).left_alone == "is a draft"
    pull.people.api("rita", "PATCH", f"/pulls/{pull.number}", state="closed")
    assert pull.look(pull.head).left_alone == "is closed"


def test_nothing_of_a_fork_is_run(pull: Pull) -> None:
    fork = People(pull.world, pull.world.github.fork(SLUG, "oskar"))
    fork.commit_to("develop", NOTEBOOK, "print('mine')\n", onto="release/1.4.0", login="oskar")
    about = {"head": "oskar:release/1.4.0", "base": "develop", "title": "Mine", "body": ""}
    number = pull.people.api("oskar", "POST", "/pulls", **about)["number"]

    with pytest.raises(NeedsHuman, match=rf"{SLUG}#{number} comes from a fork: dabflow runs nothing of it"):
        pull_to_check.fn(SLUG, number, None)


def test_a_commit_that_git_does_not_show_yet_is_waited_for(pull: Pull) -> None:
    with pytest.raises(TryAgain, match="git does not know ffffffffffff"):
        pull.look("f" * 40)


def without_shas(text: str) -> str:
    names: dict[str, str] = {}
    return re.sub(r"\b[0-9a-f]{12}\b", lambda found: names.setdefault(found[0], f"sha-{len(names)}"), text)
