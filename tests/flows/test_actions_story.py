"""A release that is started and woken by GitHub Actions only, with workflows really run by `act`.

Its reason is everything that somebody could write there to be more than text.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from acting import Acting, acting_in, needs_act
from hostile import PARTS
from playing import SLUG, People, Run, writes
from rendered import rendered
from trigger_world import deploy

from sandbox.world import World
from tasks.ask import waiting_of
from tasks.rules.waiting import Waiting

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("task_runs_kept"),  # what hostile values become there, too
    needs_act,
]

REASON = " ".join(part for part in PARTS if len(part) < 200)


@dataclass
class Actions:
    """GitHub Actions of acme/lakehouse: of each workflow the repository holds the file that calls ours."""

    folder: Path
    api: str

    def workflow(self, name: str) -> Acting:
        return acting_in(self.folder / name, SLUG, f"{name}.yml")

    def dispatch(self) -> Run:
        """Somebody fills in the form."""
        acting = self.workflow("release")
        event = acting.stub / "event.json"
        event.write_text(json.dumps({"inputs": {"bump": "minor", "reason": REASON}}), encoding="utf-8")
        options = ("--eventpath", str(event), "--var", f"PREFECT_API_URL={self.api}")
        said = acting.act(
            "workflow_dispatch", *options, "--env", f"GITHUB_RUN_ID={self.folder.name}", actor="rita"
        )
        lines = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
        outputs = {one["name"]: one["arg"] for one in lines if one.get("command") == "set-output"}
        assert "flow_run_id" in outputs, said.stdout + said.stderr
        assert outputs["url"].startswith(self.api.removesuffix("/api"))
        assert not list(self.folder.rglob("owned"))
        return Run(UUID(outputs["flow_run_id"]))

    def on(self, event: str, **payload: Any) -> None:
        said = self.wake.on(event, SLUG, "--var", f"PREFECT_API_URL={self.api}", **payload)
        assert "woke acme/lakehouse 1.4.0" in said, said

    def __post_init__(self) -> None:
        self.wake = self.workflow("wake")


def test_a_release_by_github_actions(
    world: World, people: People, prefect_server: str, tmp_path: Path
) -> None:
    """Started: it waits. Woken for nothing: nothing changes. Reviewed: the form is missing. Pushed to: it asks again."""
    deploy()
    actions = Actions(tmp_path, prefect_server)
    run = actions.dispatch()
    run.go()
    assert run.state.name == "Suspended", run.said
    assert run.flow_run.parameters["reason"] == REASON.strip()
    number = int(people.release_pull()["number"])
    insist_on_plain_pages(world, people, number)
    head = {"ref": "release/1.4.0", "sha": "a" * 40, "repo": {"full_name": SLUG}}
    before, first = everything_written(world), waiting_of(run.id)

    for _ in range(2):
        actions.on("push", ref="refs/heads/release/1.4.0")
        run.go()
    insist_on_the_same_question(run, first)
    assert everything_written(world) == before

    people.review("ravi", number)
    actions.on("pull_request_review", action="submitted", pull_request={"number": number, "head": head})
    run.go()
    assert run.state.name == "Suspended", run.said
    seen = waiting_of(run.id)
    assert seen is not None
    assert "Review by" not in seen.missing

    people.commit_to("release/1.4.0", "src/smoke_test.py", "print('mended')\n", login="rita")
    actions.on("push", ref="refs/heads/release/1.4.0")
    run.go()

    again = waiting_of(run.id)
    assert again is not None
    assert again.question != seen.question, "it asks about the new commit"
    assert run.state.name == "Suspended", run.said
    assert writes(world, server="prod") == before[-1]


def everything_written(world: World) -> list[list[str]]:
    return [writes(world, server=server) for server in ("github", "staging", "prod")]


def insist_on_the_same_question(run: Run, first: Waiting | None) -> None:
    """It looked again, found what it knew, and asks the same people the same thing, until the same moment."""
    again, until = waiting_of(run.id), run.state.state_details.pause_timeout
    assert run.state.name == "Suspended", run.said
    assert first is not None
    assert again is not None
    assert until is not None
    assert (again.deadline, again.remind_at, again.seen) == (first.deadline, first.remind_at, first.seen)
    assert abs(until.timestamp() - first.deadline.timestamp()) < 5


def insist_on_plain_pages(world: World, people: People, number: int) -> None:
    """What people read on GitHub has the markup that it has with any other reason."""
    body = str(people.release_pull()["body"])
    asked = body.partition("\n\n")[0]
    page = rendered(asked)
    assert page.markup == ("paragraph_open p", "paragraph_close p"), asked
    assert [found.strip() for found in page.made_by_github] == ["@r"], asked
    shown = httpx.get(f"{world.github_url}/{SLUG}/pull/{number}").text
    for bad in (
        "<script>alert",
        "<img src=x",
        'href="javascript:',
        'evil.example/x.png"',
        '<a href="https://evil',
    ):
        assert bad not in shown
