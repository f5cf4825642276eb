"""The steps of a rollback on a world in which 1.5.0 runs: planned, shown, asked about, deployed."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from playing import SLUG, People, writes
from released import what_runs
from rolled import (
    PIPELINE,
    Made,
    Rolled,
    approved,
    by_form_alone,
    deploy,
    go,
    latest,
    looked_back,
    planned_back,
    record,
)

from sandbox.world import World
from tasks.approve import approval_of, ensure_missing_told, ensure_rejected, still_what_was_approved
from tasks.ask import GateAnswer
from tasks.deploy import ensure_deployed
from tasks.evidence import note
from tasks.hold import lifted
from tasks.housekeeping import ensure_reminded, ensure_told
from tasks.plan_rollback import rollback_of
from tasks.propose import ensure_shown, is_under_way
from tasks.rules.endings import Ended, How
from tasks.rules.errors import NeedsHuman
from tasks.rules.gate import Verdict
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION
from tasks.rules.versions import Version
from tasks.smoke import ensure_smoked
from tasks.standing import holds
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace
from tasks.verify import verified
from tasks.way_back import ensure_back_asked, validation_back

pytestmark = pytest.mark.timeout(240)

YES = [GateAnswer(decision="approve", reason="go back", destroys=PIPELINE)]
FURTHER = [GateAnswer(decision="approve", destroys=f"{PIPELINE} resources.jobs.order_quality")]
V14, V15 = Version(1, 4, 0), Version(1, 5, 0)


@pytest.fixture
def made(rolled: Rolled) -> dict[str, Made]:
    return rolled[1]


def all_writes(world: World) -> list[list[str]]:
    return [writes(world, server=server) for server in ("github", "prod")]


# Planned


def test_which_rollback_is_meant_and_how_far_it_is(rolled_world: World) -> None:
    back = planned_back()

    assert (back.name, back.kind, back.phase) == ("rollback-1.5.0-to-1.4.0", "rollback", Phase.PLANNED)
    assert planned_back("1.3.0").name == "rollback-1.5.0-to-1.3.0"
    assert planned_back("1.5.0").already_released


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"reason": "  "}, "a rollback needs a reason"),
        ({"requested_by": ""}, "nobody knows who asks"),
        ({"requested_by": "nobody"}, "GitHub knows nobody called nobody"),
        ({"to": "1.2.0"}, r"there is no version 1\.2\.0"),
        ({"pinned": "rollback-1.4.0-to-1.3.0"}, r"production runs 1\.5\.0 by now, not 1\.4\.0"),
    ],
)
def test_a_rollback_that_cannot_be(rolled_world: World, more: dict[str, str], says: str) -> None:
    before = all_writes(rolled_world)

    with pytest.raises(NeedsHuman, match=says):
        planned_back(**more)

    assert all_writes(rolled_world) == before


def test_a_release_that_stopped_half_way_is_what_is_withdrawn(
    rolled_world: World, made: dict[str, Made]
) -> None:
    """1.5.0 was begun after 1.4.0 had ended well: back to 1.4.0, which GitHub's records say is there."""
    record("1.4.0", made["1.4.0"].commit, "success")
    assert planned_back().already_released
    record("1.5.0", made["1.5.0"].commit, "failure")

    assert planned_back().name == "rollback-1.5.0-to-1.4.0"
    assert planned_back("1.3.0").name == "rollback-1.5.0-to-1.3.0"


def test_the_rollback_that_a_release_asks_for(rolled_world: World, made: dict[str, Made]) -> None:
    record("1.4.0", made["1.4.0"].commit, "success")
    record("1.5.0", made["1.5.0"].commit, "failure")
    release = replace(planned_back(), version=V15, withdraws=None, kind="release")

    assert rollback_of.fn(release, None, "smoke failed").name == "rollback-1.5.0-to-1.4.0"
    assert rollback_of.fn(release, Version(1, 3, 0), "smoke failed").name == "rollback-1.5.0-to-1.3.0"
    with pytest.raises(NeedsHuman, match="there is no version"):
        rollback_of.fn(release, Version(1, 3, 7), "smoke failed")


def test_what_nobody_has_deployed_has_no_way_back(rolled_world: World) -> None:
    hub = GitHubRepo(SLUG)
    while (last := hub.newest_successful_deployment(PRODUCTION)) is not None:
        hub.set_deployment_status(last.id, "inactive", text="", url="")

    with pytest.raises(NeedsHuman, match="nobody knows what it runs"):
        planned_back()


# Shown


def test_what_is_lost_is_said_plainly(rolled_world: World) -> None:
    """Going back to before a pipeline destroys it, and what it made."""
    release = planned_back()
    proposal = ensure_shown.fn(release, looked_back(release))

    assert proposal.plan.destructive == (PIPELINE,)
    text = People(rolled_world).api("rita", "GET", f"/issues/{proposal.number}/comments")[-1]["body"]
    assert "Destructive: this can't be undone" in text
    assert "its streaming tables and materialized views with their data" in text
    assert "@rita wants production back from 1.5.0 to 1.4.0: the totals are wrong" in text
    before = all_writes(rolled_world)
    assert ensure_shown.fn(release, looked_back(release)).shown_at == proposal.shown_at
    assert [w for w in all_writes(rolled_world)[0] if w not in before[0]] == []


def test_a_version_that_no_pull_request_brought(rolled_world: World) -> None:
    release = replace(planned_back(), withdraws=Version(1, 5, 9))

    with pytest.raises(NeedsHuman, match=r"GitHub knows no merged pull request of 1\.5\.9"):
        ensure_back_asked.fn(release)

    assert ensure_back_asked.fn(by_form_alone(release)).number == 0


def test_without_a_pull_request_the_form_alone_decides(rolled_world: World) -> None:
    release = by_form_alone(planned_back())
    proposal = replace(looked_back(release), number=0, url="")

    shown = ensure_shown.fn(release, proposal)

    assert approval_of.fn(release, shown, []).verdict is Verdict.WAITING
    assert approval_of.fn(release, shown, YES).verdict is Verdict.APPROVED


def test_an_old_version_that_the_present_command_does_not_take(
    rolled_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before anybody is asked, with the command's words and the version that deployed it."""
    release = planned_back()
    asked = ensure_back_asked.fn(release)
    before = writes(rolled_world)
    _refusing_command(tmp_path / "databricks", monkeypatch)

    with pytest.raises(NeedsHuman) as stopped:
        validation_back.fn(release, asked.candidate, commit=asked.candidate.commit, target="prod")

    assert "1.4.0 was deployed by databricks 1.9.0; this worker's says:" in stopped.value.problem
    assert "unknown field: git_source" in stopped.value.problem
    assert "give a worker the one that deployed 1.4.0" in stopped.value.remedy
    assert writes(rolled_world) == before


def _refusing_command(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer `databricks` that no longer knows a field."""

    real = os.environ["DABFLOW_DATABRICKS_CLI"]
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *validate*) echo "Error: unknown field: git_source" >&2; exit 1;; esac\n'
        f'exec {real} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", str(program))


# Asked


def test_only_reviews_of_somebody_else_after_the_plan_was_shown_count(rolled_world: World) -> None:
    release, people = planned_back(), People(rolled_world)
    proposal = ensure_shown.fn(release, looked_back(release))

    def verdict() -> Verdict:
        return approval_of.fn(release, proposal, YES).verdict

    assert verdict() is Verdict.WAITING, "ravi's review was about 1.5.0"
    people.review("rita", proposal.number)
    assert verdict() is Verdict.WAITING, "she asked for it"
    people.review("rosa", proposal.number)
    assert verdict() is Verdict.APPROVED
    note(SLUG, release.name, "blocked", {"by": "rosa", "reason": "wait for sales"})
    assert verdict() is Verdict.WAITING


def test_rejected_and_asked_for_again(rolled_world: World) -> None:
    """It asks anew: neither what was said before counts, nor who asked then."""
    release, hub = planned_back(), GitHubRepo(SLUG)
    proposal = approved(rolled_world, release, YES)
    ensure_rejected.fn(release, proposal, "a fix is ready")
    before = writes(rolled_world)
    ensure_rejected.fn(release, proposal, "a fix is ready")
    assert writes(rolled_world) == before
    assert hub.pull_request(proposal.number).state == "merged"

    again = planned_back(requested_by="rosa")
    shown = ensure_shown.fn(again, looked_back(again))

    assert (again.requested_by, again.phase) == ("rosa", Phase.REJECTED)
    assert approval_of.fn(again, shown, YES).verdict is Verdict.WAITING
    assert planned_back(requested_by="ravi").requested_by == "rosa"


def test_one_that_nobody_answered_is_told_and_asked_no_longer(rolled_world: World) -> None:
    """Housekeeping finds it: people are reminded on the merged pull request, and read there how it ended."""
    release = planned_back()
    proposal = ensure_shown.fn(release, looked_back(release))
    judgement = approval_of.fn(release, proposal, [])
    waiting = ensure_missing_told.fn(release, proposal, judgement)
    ensure_reminded.fn(waiting, "https://prefect.example/7")
    ensure_told.fn(
        Ended(
            repository=SLUG,
            version=release.name,
            how=How.EXPIRED,
            run_url="",
            while_waiting=True,
            waiting=waiting,
        )
    )

    comments = People(rolled_world).api("rita", "GET", f"/issues/{proposal.number}/comments")
    reminder, told = sorted((comment["body"] for comment in comments), key=lambda body: "expired" in body)
    assert "waits for approval until" in reminder
    assert "rollback-1.5.0-to-1.4.0: expired, not approved" in told
    assert "`dabflow rollback --to 1.4.0 --reason TEXT`" in told
    states = {record.state for record in GitHubRepo(SLUG).deployments_of(PRODUCTION, release.key)}
    assert states == {"inactive"}
    assert planned_back(requested_by="rosa").requested_by == "rita", "started again it keeps who asked"


# Gone back


def test_back_to_an_older_version(rolled_world: World, made: dict[str, Made]) -> None:
    """Two releases are withdrawn at once; evidence of all of them fits, and a second run writes nothing."""
    release = planned_back("1.3.0")
    proposal = approved(rolled_world, release, FURTHER)
    assert not is_under_way(release, proposal, GitHubRepo(SLUG))

    assert go(release, proposal) == (V14, V15)

    hub, released = GitHubRepo(SLUG), Mirror(SLUG).tags()["1.3.0"]
    newest = hub.newest_successful_deployment(PRODUCTION)
    assert newest is not None
    assert (what_runs("prod"), latest(rolled_world), newest.sha) == (released, "1.3.0", released)
    assert [hold.version for hold in holds(Mirror(SLUG).fetch())] == ["1.5.0", "1.4.0"]
    marks = {r.tag: (r.name, r.prerelease) for r in hub.releases()}
    assert marks == {
        "1.5.0": ("1.5.0 (withdrawn)", True),
        "1.4.0": ("1.4.0 (withdrawn)", True),
        "1.3.0": ("1.3.0", False),
    }
    assert verified(SLUG, release.name).problem == ""
    assert [verified(SLUG, version).problem for version in (Version(1, 3, 0), V14, V15)] == ["", "", ""]
    before = all_writes(rolled_world)
    assert planned_back("1.3.0").already_released
    go(release, proposal)
    assert all_writes(rolled_world) == before
    with pytest.raises(NeedsHuman, match="lift the hold first"):
        planned_back("1.4.0")


def test_killed_after_the_deploy_it_goes_on(rolled_world: World) -> None:
    """Production runs the old version already, the newer one is not withdrawn yet: found, and not asked about again."""
    release = planned_back()
    proposal = approved(rolled_world, release, YES)
    candidate, bundles = proposal.candidate, proposal.examined.production
    ensure_deployed.fn(release, candidate, bundles, environment=PRODUCTION, approved=proposal.plan)
    ensure_smoked.fn(release, candidate, bundles, environment=PRODUCTION)

    again = planned_back(requested_by="ravi", reason="once more")

    assert (again.name, again.requested_by, again.phase) == (release.name, "rita", Phase.DEPLOYED)
    shown = ensure_shown.fn(again, looked_back(again))
    assert approval_of.fn(again, shown, []).verdict is Verdict.APPROVED
    assert go(again, shown) == (V15,)


def test_the_same_way_back_a_second_time(rolled_world: World, made: dict[str, Made]) -> None:
    """Withdrawn, its hold lifted, shipped again: nothing of the first time opens the gate, and all is done anew."""
    first = planned_back()
    go(first, approved(rolled_world, first, YES))
    smoked = smoke_runs()
    lifted(SLUG, V15, "it was the network")
    deploy(made["1.5.0"].commit)
    record("1.5.0", made["1.5.0"].commit, "success")
    note(SLUG, V15, "smoked", {"commit": made["1.5.0"].commit})

    release = planned_back(requested_by="ravi", reason="again")
    assert (release.name, release.requested_by, release.already_released) == (first.name, "ravi", False)
    shown = ensure_shown.fn(release, looked_back(release))
    assert approval_of.fn(release, shown, YES).verdict is Verdict.WAITING, (
        "rosa's review was about the first time"
    )
    People(rolled_world).review("rosa", shown.number)
    assert still_what_was_approved.fn(release, shown, YES)

    assert go(release, shown) == (V15,)

    assert (what_runs("prod"), latest(rolled_world)) == (made["1.4.0"].commit, "1.4.0")
    assert smoke_runs() == smoked + 1
    assert verified(SLUG, release.name).problem == ""
    assert planned_back().already_released
    marked = GitHubRepo(SLUG).release("1.5.0")
    assert marked is not None
    assert marked.name == "1.5.0 (withdrawn)"


def smoke_runs() -> int:
    return len(list(Workspace(target_of("prod")).client.jobs.list_runs()))
