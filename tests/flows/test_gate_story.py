"""The gate on real servers: every refusal leaves production alone, and the same run goes through when put right.

One release is refused for one reason after the other. After each, production's request record has no write.
"""

import contextlib
import logging
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playing import SLUG, People, Run, settle, start, writes
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Scheduled

from sandbox.workspace.server import Principal
from sandbox.world import World
from tasks.ask import waiting_of
from tasks.evidence import chain_of, note
from tasks.lock import one_at_a_time
from tasks.rules.release import PRODUCTION
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.verify import verified

pytestmark = pytest.mark.timeout(300)

GONE = "resources.jobs.legacy_export"
HOUR = 3600
VERSION = Version(1, 4, 0)

SETTINGS = """
smoke: {{staging: [smoke_test], production: [smoke_test]}}
approval:
  policy: both
  approvals: [{{from: data-platform, count: 1}}, {{count: 1}}]
soak: {{hours: 24}}
overrides: {{from: release-managers}}
freezes:
  - {{name: "end of year", from: "{begins:%Y-%m-%d %H:%M}", until: "{ends:%Y-%m-%d %H:%M}"}}
"""


@dataclass
class Stage:
    """One release that waits at the gate, the people around it, and a clock that can be moved."""

    world: World
    people: People
    run: Run
    patch: pytest.MonkeyPatch
    quiet: list[str] = field(default_factory=list)
    reviews: dict[str, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return int(self.people.release_pull()["number"])

    def missing(self) -> str:
        """What the control comment says is missing."""
        comments = self.people.api("rita", "GET", f"/issues/{self.number}/comments")
        ours = next(c["body"] for c in comments if c["body"].startswith("<!-- dabflow:"))
        return str(ours.partition("**Still missing:**")[2].partition("[Run in Prefect]")[0])

    def later(self, hours: float) -> None:
        self.patch.setenv("DABFLOW_CLOCK_AHEAD_SECONDS", str(int(hours * HOUR)))

    def review(self, login: str, event: str = "APPROVE", body: str = "looked at it") -> None:
        path = f"/pulls/{self.number}/reviews"
        self.reviews[login] = int(self.people.api(login, "POST", path, event=event, body=body)["id"])

    def dismiss(self, review: int) -> None:
        path = f"/pulls/{self.number}/reviews/{review}/dismissals"
        self.people.api("rita", "PUT", path, message="not any more")

    def reviewed_by_both(self) -> None:
        for login in ("rosa", "rita"):
            self.review(login)

    def approve(self) -> None:
        self.run.answer("approve", "as agreed", destroys=GONE)

    def while_it_waits_for_the_lock(self, happens: Callable[[], object]) -> None:
        """Somebody holds production; the run is approved, waits for it, and meanwhile something happens."""
        with one_at_a_time(SLUG, PRODUCTION), told_to_wait() as waits:
            going = threading.Thread(target=self.approve)
            going.start()
            assert waits.wait(timeout=60)
            happens()
        going.join()

    def assert_refused(self, because: str, when: str = "") -> None:
        """It waits, says why, and production has not been written to."""
        assert self.run.state.name == "Suspended", f"{when}: {self.run.said}"
        assert because in self.missing(), when
        assert writes(self.world, server="prod") == self.quiet
        assert self.people.release_pull()["merged_at"] is None


@contextlib.contextmanager
def told_to_wait() -> Iterator[threading.Event]:
    """Set as soon as Prefect has told somebody in this process that a lock is held: "423 Locked"."""
    told, client = threading.Event(), logging.getLogger("httpx")

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "423 Locked" in record.getMessage():
                told.set()

    before, handler = client.level, Told()
    client.setLevel(logging.INFO)
    client.addHandler(handler)
    try:
        yield told
    finally:
        client.removeHandler(handler)
        client.setLevel(before)


@pytest.fixture
def stage(world: World, monkeypatch: pytest.MonkeyPatch) -> Stage:
    now = datetime.now(UTC)
    settle(world, SETTINGS.format(begins=now + timedelta(hours=47), ends=now + timedelta(hours=71)))
    people = People(world)
    run = start(requested_by="ravi")
    quiet = writes(world, server="prod")
    run.go()
    return Stage(world, people, run, monkeypatch, quiet)


def nothing(stage: Stage) -> None:
    stage.run.answer("recheck")


def answered_with_nothing(stage: Stage) -> None:
    """Prefect takes no answer without a decision: none is given by default."""
    with get_client(sync_client=True) as client:
        for said in ({}, {"reason": "just go"}, {"decision": "yes"}):
            with contextlib.suppress(PrefectHTTPStatusError):
                client.resume_flow_run(stage.run.id, run_input=said)
            assert stage.run.state.name == "Suspended", said


def sent_on_without_an_answer(stage: Stage) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(stage.run.id, Scheduled(), force=True)
    stage.run.go()
    assert "sent on without an answer" in stage.run.said
    stage.run.retry()


def by_bot_requester_and_outsider(stage: Stage) -> None:
    """GitHub lets nobody review their own pull request, and ours is the bot's; the others it leaves to us."""
    with pytest.raises(httpx.HTTPStatusError):
        stage.review("dabflow-bot")
    stage.review("oskar")
    stage.review("ravi")
    stage.approve()


def by_one_of_two(stage: Stage) -> None:
    """Rosa is of data-platform, and somebody; she fills one of the two places."""
    stage.review("rosa")
    stage.run.answer("recheck")


def dismissed(stage: Stage) -> None:
    stage.dismiss(stage.reviews["rosa"])
    stage.review("rita")
    stage.run.answer("recheck")


def then_changes_are_requested(stage: Stage) -> None:
    stage.review("rosa")
    stage.review("rita", "REQUEST_CHANGES", "the report is wrong")
    stage.run.answer("recheck")


def of_an_older_commit(stage: Stage) -> None:
    stage.dismiss(stage.reviews["rita"])
    stage.people.commit_to("release/1.4.0", "src/README.md", "stabilised\n")
    stage.review("rita")
    stage.run.answer("recheck")


def none_is_named(stage: Stage) -> None:
    stage.reviewed_by_both()
    stage.run.answer("approve", "fine", destroys="")


def misspelt_and_one_too_much(stage: Stage) -> None:
    stage.run.answer("approve", "fine", destroys="jobs.legacy_exports jobs.daily_report")


def too_short_on_staging(stage: Stage) -> None:
    stage.approve()


def in_a_freeze(stage: Stage) -> None:
    stage.later(48)
    stage.run.answer("recheck")


def blocked_by_somebody(stage: Stage) -> None:
    stage.later(72)
    note(SLUG, VERSION, "blocked", {"by": "rosa", "reason": "the supplier's files are wrong"})
    stage.run.answer("recheck")


REFUSALS: list[tuple[Callable[[Stage], None], tuple[str, ...]]] = [
    (nothing, ("nobody has approved in the form yet", "0 of 1 from data-platform")),
    (answered_with_nothing, ("nobody has approved in the form yet",)),
    (sent_on_without_an_answer, ("nobody has approved in the form yet",)),
    (by_bot_requester_and_outsider, ("ravi (asked for the release)", "oskar (has no write access)")),
    (by_one_of_two, ("0 of 1 from anybody who may approve",)),
    (dismissed, ("rosa (that review was dismissed)",)),
    (then_changes_are_requested, ("rita asked for changes",)),
    (of_an_older_commit, ("rosa (reviewed ",)),
    (none_is_named, (f"left out `{GONE}`",)),
    (misspelt_and_one_too_much, ("named `resources.jobs.daily_report`, `resources.jobs.legacy_exports`",)),
    (too_short_on_staging, ("staging must have run this commit until",)),
    (in_a_freeze, ("production is frozen (end of year) until",)),
    (blocked_by_somebody, ("rosa blocked this release: the supplier's files are wrong",)),
]


def test_refused_for_one_reason_after_the_other_and_then_released_once(stage: Stage) -> None:
    """Each time production's request record has no write; put right, the same run goes through."""
    for happens, reasons in REFUSALS:
        happens(stage)
        for because in reasons:
            stage.assert_refused(because, happens.__name__)

    note(SLUG, VERSION, "unblocked", {"by": "rosa", "reason": "they are right again"})
    stage.run.answer("recheck")

    assert stage.run.state.name == "Completed", stage.run.said
    assert_released_once(stage)


def test_what_changes_after_the_approval_is_asked_about_again(stage: Stage, tmp_path: Path) -> None:
    """Approved, and right before production is touched something is different: asked again, with what differs."""
    stage.later(25)

    def again(happens: Callable[[], object], because: str) -> None:
        stage.reviewed_by_both()
        stage.while_it_waits_for_the_lock(happens)
        stage.assert_refused("approving reviews: 0 of 1 from data-platform")
        assert because in stage.people.api("rita", "GET", f"/issues/{stage.number}/comments")[0]["body"]

    def edited() -> None:
        by_hand(stage.world, "daily_report", {"max_concurrent_runs": 7})
        stage.quiet = writes(stage.world, server="prod")

    ours, other = principals(stage)

    def work_as(principal: Principal, cli: Path) -> None:
        stage.patch.setenv("DABFLOW_TARGET_PROD_CLIENT_ID", principal.application_id)
        stage.patch.setenv("DABFLOW_TARGET_PROD_CLIENT_SECRET", principal.client_secret)
        stage.patch.setenv("DABFLOW_DATABRICKS_CLI", str(cli))

    again(edited, "max_concurrent_runs")
    again(lambda: work_as(ours, newer_cli(stage.world, tmp_path)), "1.15.0")
    again(lambda: work_as(other, stage.world.cli), other.application_id)
    again(lambda: work_as(ours, stage.world.cli), other.application_id)

    stage.reviewed_by_both()
    stage.while_it_waits_for_the_lock(
        lambda: stage.people.commit_to("release/1.4.0", "src/README.md", "new\n")
    )
    stage.assert_refused("approving reviews: 0 of 1 from data-platform")

    stage.reviewed_by_both()
    stage.while_it_waits_for_the_lock(lambda: stage.later(50))
    stage.assert_refused("production is frozen (end of year) until")
    stage.later(72)
    stage.run.answer("recheck")
    assert stage.run.state.name == "Completed", stage.run.said
    assert_released_once(stage)


def test_another_host_gets_nothing(stage: Stage) -> None:
    """The worker knows another address of production than the bundle names: stopped before any credential is sent."""
    stage.later(25)
    stage.reviewed_by_both()
    stage.while_it_waits_for_the_lock(
        lambda: stage.patch.setenv(
            "DABFLOW_TARGET_PROD_HOST", stage.world.workspace_urls["prod"].replace("127.0.0.1", "localhost")
        )
    )
    assert stage.run.state.name == "Failed", stage.run.said
    assert "what to do" in stage.run.said
    assert writes(stage.world, server="prod") == stage.quiet
    stage.patch.setenv("DABFLOW_TARGET_PROD_HOST", stage.world.workspace_urls["prod"])
    stage.run.retry()
    assert stage.run.state.name == "Completed", stage.run.said
    assert_released_once(stage)


def test_an_approval_is_not_for_another_tree(stage: Stage) -> None:
    """main moved after the approval: what it has is brought in, rehearsed, and asked about; nothing is merged."""
    stage.later(25)
    stage.reviewed_by_both()
    stage.while_it_waits_for_the_lock(
        lambda: commit_past_the_rules(stage.world, "main", "HOTFIX.md", "by hand\n")
    )

    assert stage.run.state.name == "Suspended", stage.run.said
    assert writes(stage.world, server="prod") == stage.quiet
    pull, branches = stage.people.release_pull(), Mirror(SLUG).fetch().branches()
    assert pull["merged_at"] is None
    assert pull["head"]["sha"] == branches[f"release/{VERSION}"]
    assert Mirror(SLUG).is_ancestor(branches["main"], branches[f"release/{VERSION}"])
    waiting = waiting_of(stage.run.id)
    assert waiting is not None
    assert pull["head"]["sha"][:12] in waiting.question, "asked anew, about what it is now"


def test_a_release_manager_overrides_a_freeze_with_a_reason(stage: Stage) -> None:
    """In a review, by name, of this commit; the reason is kept in the evidence."""
    stage.later(50)
    stage.reviewed_by_both()
    stage.approve()
    stage.assert_refused("or somebody of release-managers writes `/override freeze REASON` in a review")
    stage.review("rosa", "COMMENT", "/override freeze I would like it now")
    stage.run.answer("recheck")
    stage.assert_refused("production is frozen")
    stage.review("rita", "COMMENT", "/override freeze sales waits for the report")
    stage.run.answer("recheck")
    assert stage.run.state.name == "Completed", stage.run.said
    approved = chain_of(SLUG, VERSION).last("approved")
    assert approved is not None
    overrides = approved.facts["overrides"]
    assert [(o["login"], o["reason"]) for o in overrides] == [("rita", "sales waits for the report")]


def principals(stage: Stage) -> tuple[Principal, Principal]:
    """Who deploys to production, and somebody else who could."""
    prod = stage.world.workspaces["prod"]
    other = Principal("0f0f0f0f-0000-4000-8000-00000000000f", "another-secret", "somebody else's deployer")
    prod.admit(other)
    return prod.principal, other


def by_hand(world: World, job: str, settings: dict[str, object]) -> None:
    """Rita changes a job in production's workspace herself."""
    token = world.workspaces["prod"].person("rita@acme.example")
    headers, url = {"Authorization": f"Bearer {token}"}, world.workspace_urls["prod"]
    jobs = httpx.get(f"{url}/api/2.2/jobs/list", headers=headers).json()["jobs"]
    number = next(j["job_id"] for j in jobs if j["settings"]["name"] == job)
    body = {"job_id": number, "new_settings": settings}
    httpx.post(f"{url}/api/2.2/jobs/update", headers=headers, json=body).raise_for_status()


def newer_cli(world: World, folder: Path) -> Path:
    """The same command with another version, as after an upgrade of the worker."""
    command = folder / "databricks"
    command.write_text(
        f'#!/bin/sh\n"{world.cli}" "$@" > "$0.$$"\ncode=$?\nsed "s/1\\.14\\.0/1.15.0/g" "$0.$$"\nrm "$0.$$"\nexit $code\n'
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return command


def commit_past_the_rules(world: World, branch: str, path: str, text: str) -> None:
    """What an administrator can do who bypasses the branch's protection."""
    repository = world.folder / "github" / "repositories" / f"{SLUG}.git"
    identity = {
        f"GIT_{who}_{what}": "admin@acme.example"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }

    def git(*words: str, given: str = "") -> str:
        whole = ["git", f"--git-dir={repository}", *words]
        environment = {**os.environ, **identity, "GIT_INDEX_FILE": str(world.folder / "index")}
        done = subprocess.run(whole, input=given, env=environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    blob = git("hash-object", "-w", "--stdin", given=text)
    git("read-tree", branch)
    git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    commit = git("commit-tree", git("write-tree"), "-p", branch, "-m", f"chore: {path} by hand")
    git("update-ref", f"refs/heads/{branch}", commit)


def assert_released_once(stage: Stage) -> None:
    """One merge, one tag, one release, and production was deployed to once."""
    hub = GitHubRepo(SLUG)
    assert [(r.tag, r.draft) for r in hub.releases()].count(("1.4.0", False)) == 1
    assert stage.people.release_pull()["merged_at"] is not None
    created = [w for w in writes(stage.world, server="prod") if w == "POST /api/2.2/jobs/create"]
    before = [w for w in stage.quiet if w == "POST /api/2.2/jobs/create"]
    assert len(created) - len(before) == 1, "order_quality is new, and made once"
    kinds = [entry.kind for entry in chain_of(SLUG, VERSION).entries]
    assert kinds.count("approved") == kinds.count("merged") == kinds.count("deployed") == 1
    assert verified(SLUG, VERSION).problem == ""
