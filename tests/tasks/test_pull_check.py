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
from tasks.rules.pull_check import CONTEXT, PullCheck, StagingPlan

NOTEBOOK = "src/smoke_test.py"
PLAN = StagingPlan("1 to create", ())


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


def test_each_commit_is_told_once_in_one_comment(pull: Pull, golden: Golden) -> None:
    quiet = asked(pull.world, server="prod")

    assert pull.check() == ""

    (comment,) = pull.comments()
    golden.check("checks/plan.md", without_shas(comment))
    assert [state for state, _ in pull.statuses()] == ["success", "pending"]
    assert pull.statuses()[0][1] in comment

    check, before = pull.look(pull.head), len(writes(pull.world))
    assert check == pull.look(), "the same commits make the same merge"
    plan = plan_on_staging.fn(check, commit=check.commit, target=check.target)
    ensure_plan_told.fn(check, plan)
    assert len(writes(pull.world)) == before, "a second time there is nothing to write"

    older = pull.head
    pull.push(NOTEBOOK, "print('checked again')\n")
    said = f"has moved on from {older[:12]} to {pull.head[:12]}"
    assert pull.look(older).left_alone == said
    assert ensure_plan_told.fn(check, plan) == said, "what was overtaken meanwhile tells nothing"
    assert pull.check() == ""

    (comment,) = pull.comments()
    assert pull.head[:12] in comment
    assert older[:12] not in comment
    assert writes(pull.world, server="staging") == []
    assert asked(pull.world, server="prod") == quiet, (
        "nothing asked production, so nothing held its credentials"
    )


def test_a_lost_answer_is_no_second_comment_and_no_second_status(pull: Pull) -> None:
    check = pull.look()

    for what in (".*/comments", ".*/statuses/.*"):
        arm(pull.world, kind="after", method="POST", path=what, status=502)
        with pytest.raises(TryAgain):
            ensure_plan_told.fn(check, PLAN)
    ensure_plan_told.fn(check, PLAN)

    assert len(pull.comments()) == 1
    assert len(pull.statuses()) == 1


def test_what_somebody_else_says_in_our_name_is_not_ours(pull: Pull) -> None:
    check = pull.look()
    pull.people.api("rita", "POST", f"/issues/{pull.number}/comments", body=f"{check.marker}\nall fine")
    said = {"state": "success", "context": CONTEXT, "description": PLAN.line}
    pull.people.api("rita", "POST", f"/statuses/{pull.head}", **said)

    ensure_plan_told.fn(check, PLAN)

    assert len(pull.comments()) == 1
    assert len(pull.statuses()) == 2


def test_what_stops_a_check_is_told(pull: Pull, golden: Golden) -> None:
    """With what others wrote in it shown as it is; and whether it is the pull request's business."""
    arm(pull.world, server="staging", kind="refuse", path=".*", status=503, times=100)
    with pytest.raises(TryAgain):
        pull.check()
    assert pull.statuses()[0][0] == "error"

    pull.push("databricks.yml", "bundle: {name: [`a`, '</pre>@ravi']}\n```\n")
    with pytest.raises(NeedsHuman):
        pull.check()

    (comment,) = pull.comments()
    golden.check("checks/stopped.md", without_shas(comment))
    assert pull.statuses()[0][0] == "failure"


def test_what_is_checked_and_what_is_left_alone(pull: Pull) -> None:
    """In one world, because each look takes milliseconds, and the world seconds."""
    # A pull request could name production as its staging: the production branch says what staging is.
    pull.push("release.yaml", "targets: {staging: prod, production: staging}\n")
    assert pull.look().target == "staging"

    with pytest.raises(TryAgain, match="git does not know ffffffffffff"):
        pull.look("f" * 40)

    pull.people.commit_to("develop", NOTEBOOK, "print('draft')\n", onto="feature/draft")
    draft = pull.open(head="feature/draft", draft=True)
    assert pull_to_check.fn(SLUG, draft, None).left_alone == "is a draft"

    fork = People(pull.world, pull.world.github.fork(SLUG, "oskar"))
    fork.commit_to("develop", NOTEBOOK, "print('mine')\n", onto="release/1.4.0", login="oskar")
    about = {"head": "oskar:release/1.4.0", "base": "develop", "title": "Mine", "body": ""}
    number = pull.people.api("oskar", "POST", "/pulls", **about)["number"]
    with pytest.raises(NeedsHuman, match=rf"{SLUG}#{number} comes from a fork: dabflow runs nothing of it"):
        pull_to_check.fn(SLUG, number, None)

    assert pull.look().commit != pull.head
    pull.people.develop(NOTEBOOK, "print('otherwise')\n")
    assert pull.look().commit == pull.head, "where it cannot be merged it is checked by itself"

    pull.people.api("rita", "PATCH", f"/pulls/{pull.number}", state="closed")
    assert pull.look(pull.head).left_alone == "is closed"


def without_shas(text: str) -> str:
    names: dict[str, str] = {}
    return re.sub(r"\b[0-9a-f]{12}\b", lambda found: names.setdefault(found[0], f"sha-{len(names)}"), text)
