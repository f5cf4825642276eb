"""The steps of a rollback on a world in which 1.5.0 runs: planned, shown, deployed, withdrawn, held."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playing import SLUG, People, arm, writes
from rolled import (
    PIPELINE,
    Made,
    Rolled,
    by_form_alone,
    looked_back,
    planned_back,
    record,
)
from stages import forget_faults, opened

from sandbox.world import World, copy_world
from tasks.approve import approval_of, ensure_rejected, still_what_was_approved
from tasks.ask import GateAnswer
from tasks.deploy import ensure_deployed
from tasks.evidence import chain_of, note
from tasks.hold import lifted, without_news
from tasks.plan_release import plan_release
from tasks.plan_rollback import rollback_of
from tasks.propose import ensure_shown, is_under_way
from tasks.rules.choice import Wanted
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.gate import Verdict
from tasks.rules.outcomes import held
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, Proposal, Release
from tasks.rules.versions import Bump, Version
from tasks.smoke import ensure_smoked
from tasks.standing import holds, phase_now, production_settings
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace
from tasks.verify import verified
from tasks.way_back import ensure_back_asked, validation_back
from tasks.withdraw import ensure_told_of_rollback, ensure_withdrawn

pytestmark = [pytest.mark.xdist_group("rolled"), pytest.mark.timeout(240)]

RELEASES = f"/repos/{SLUG}/releases/.*"
YES = [GateAnswer(decision="approve", reason="go back", destroys=PIPELINE)]
FURTHER = [GateAnswer(decision="approve", destroys=f"{PIPELINE} resources.jobs.order_quality")]
V14, V15 = Version(1, 4, 0), Version(1, 5, 0)


@pytest.fixture
def here(rolled: Rolled, tmp_path: Path) -> Iterator[World]:
    with opened(copy_world(rolled[0], tmp_path / "world")) as world:
        yield world


@pytest.fixture
def made(rolled: Rolled) -> dict[str, Made]:
    return rolled[1]


def latest(world: World) -> str:
    return str(People(world).api("rita", "GET", "/releases/latest")["tag_name"])


def all_writes(world: World) -> list[list[str]]:
    return [writes(world, server=server) for server in ("github", "prod")]


def what_runs() -> str | None:
    known = target_of("prod")
    return Workspace(known).deployed_commit(f"/Workspace/Users/{known.client_id}/.bundle/lakehouse/prod")


def approved(world: World, release: Release, said: list[GateAnswer] = YES) -> Proposal:
    """People saw it, and approved."""
    proposal = ensure_shown.fn(release, looked_back(release))
    if proposal.number:
        People(world).review("rosa", proposal.number)
    assert still_what_was_approved.fn(release, proposal, said)
    return proposal


def go(release: Release, proposal: Proposal) -> tuple[Version, ...]:
    """What follows the approval, as the flow has it."""
    candidate, bundles = proposal.candidate, proposal.examined.production
    ensure_deployed.fn(release, candidate, bundles, environment=PRODUCTION, approved=proposal.plan)
    ensure_smoked.fn(release, candidate, bundles, environment=PRODUCTION)
    gone = ensure_withdrawn.fn(release, proposal)
    ensure_told_of_rollback.fn(release, proposal, gone)
    return gone


# Planned


def test_which_rollback_is_meant_and_how_far_it_is(here: World) -> None:
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
def test_a_rollback_that_cannot_be(here: World, more: dict[str, str], says: str) -> None:
    before = all_writes(here)

    with pytest.raises(NeedsHuman, match=says):
        planned_back(**more)

    assert all_writes(here) == before


def test_a_release_that_stopped_half_way_is_what_is_withdrawn(here: World, made: dict[str, Made]) -> None:
    """1.5.0 was begun after 1.4.0 had ended well: back to 1.4.0, which GitHub's records say is there."""
    record("1.4.0", made["1.4.0"].commit, "success")
    assert planned_back().already_released
    record("1.5.0", made["1.5.0"].commit, "failure")

    assert planned_back().name == "rollback-1.5.0-to-1.4.0"
    assert planned_back("1.3.0").name == "rollback-1.5.0-to-1.3.0"


def test_the_rollback_that_a_release_asks_for(here: World, made: dict[str, Made]) -> None:
    record("1.4.0", made["1.4.0"].commit, "success")
    record("1.5.0", made["1.5.0"].commit, "failure")
    release = replace(planned_back(), version=V15, withdraws=None, kind="release")

    assert rollback_of.fn(release, None, "smoke failed").name == "rollback-1.5.0-to-1.4.0"
    assert rollback_of.fn(release, Version(1, 3, 0), "smoke failed").name == "rollback-1.5.0-to-1.3.0"
    with pytest.raises(NeedsHuman, match="there is no version"):
        rollback_of.fn(release, Version(1, 3, 7), "smoke failed")


def test_what_nobody_has_deployed_has_no_way_back(here: World) -> None:
    hub = GitHubRepo(SLUG)
    while (last := hub.newest_successful_deployment(PRODUCTION)) is not None:
        hub.set_deployment_status(last.id, "inactive", text="", url="")

    with pytest.raises(NeedsHuman, match="nobody knows what it runs"):
        planned_back()


# Shown


def test_what_is_lost_is_said_plainly(here: World) -> None:
    """Going back to before a pipeline destroys it, and what it made."""
    release = planned_back()
    proposal = ensure_shown.fn(release, looked_back(release))

    assert proposal.plan.destructive == (PIPELINE,)
    text = People(here).api("rita", "GET", f"/issues/{proposal.number}/comments")[-1]["body"]
    assert "Destructive: this can't be undone" in text
    assert "its streaming tables and materialized views with their data" in text
    assert "@rita wants production back from 1.5.0 to 1.4.0: the totals are wrong" in text
    before = all_writes(here)
    assert ensure_shown.fn(release, looked_back(release)).shown_at == proposal.shown_at
    assert [w for w in all_writes(here)[0] if w not in before[0]] == []


def test_a_version_that_no_pull_request_brought(here: World) -> None:
    release = replace(planned_back(), withdraws=Version(1, 5, 9))

    with pytest.raises(NeedsHuman, match=r"GitHub knows no merged pull request of 1\.5\.9"):
        ensure_back_asked.fn(release)

    assert ensure_back_asked.fn(by_form_alone(release)).number == 0


def test_without_a_pull_request_the_form_alone_decides(here: World) -> None:
    release = by_form_alone(planned_back())
    proposal = replace(looked_back(release), number=0, url="")

    shown = ensure_shown.fn(release, proposal)

    assert approval_of.fn(release, shown, []).verdict is Verdict.WAITING
    assert approval_of.fn(release, shown, YES).verdict is Verdict.APPROVED


def test_an_old_version_that_the_present_command_does_not_take(
    here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before anybody is asked, with the command's words and the version that deployed it."""
    release = planned_back()
    asked = ensure_back_asked.fn(release)
    before = writes(here)
    _refusing_command(tmp_path / "databricks", monkeypatch)

    with pytest.raises(NeedsHuman) as stopped:
        validation_back.fn(release, asked.candidate, commit=asked.candidate.commit, target="prod")

    assert "1.4.0 was deployed by databricks 1.9.0; this worker's says:" in stopped.value.problem
    assert "unknown field: git_source" in stopped.value.problem
    assert "give a worker the one that deployed 1.4.0" in stopped.value.remedy
    assert writes(here) == before


def _refusing_command(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer `databricks` that no longer knows a field."""
    import os

    real = os.environ["DABFLOW_DATABRICKS_CLI"]
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *validate*) echo "Error: unknown field: git_source" >&2; exit 1;; esac\n'
        f'exec {real} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", str(program))


# Asked


def test_only_reviews_of_somebody_else_after_the_plan_was_shown_count(here: World) -> None:
    release, people = planned_back(), People(here)
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


def test_rejected_and_asked_for_again(here: World) -> None:
    """It asks anew: neither what was said before counts, nor who asked then."""
    release, hub = planned_back(), GitHubRepo(SLUG)
    proposal = approved(here, release)
    ensure_rejected.fn(release, proposal, "a fix is ready")
    before = writes(here)
    ensure_rejected.fn(release, proposal, "a fix is ready")
    assert writes(here) == before
    assert hub.pull_request(proposal.number).state == "merged"

    again = planned_back(requested_by="rosa")
    shown = ensure_shown.fn(again, looked_back(again))

    assert (again.requested_by, again.phase) == ("rosa", Phase.REJECTED)
    assert approval_of.fn(again, shown, YES).verdict is Verdict.WAITING
    assert planned_back(requested_by="ravi").requested_by == "rosa"


# Gone back


def test_back_to_an_older_version(here: World, made: dict[str, Made]) -> None:
    """Two releases are withdrawn at once; evidence of all of them fits, and a second run writes nothing."""
    release = planned_back("1.3.0")
    proposal = approved(here, release, FURTHER)
    assert not is_under_way(release, proposal, GitHubRepo(SLUG))

    assert go(release, proposal) == (V14, V15)

    hub, released = GitHubRepo(SLUG), Mirror(SLUG).tags()["1.3.0"]
    newest = hub.newest_successful_deployment(PRODUCTION)
    assert newest is not None
    assert (what_runs(), latest(here), newest.sha) == (released, "1.3.0", released)
    assert [hold.version for hold in holds(Mirror(SLUG).fetch())] == ["1.5.0", "1.4.0"]
    marks = {r.tag: (r.name, r.prerelease) for r in hub.releases()}
    assert marks == {
        "1.5.0": ("1.5.0 (withdrawn)", True),
        "1.4.0": ("1.4.0 (withdrawn)", True),
        "1.3.0": ("1.3.0", False),
    }
    assert verified(SLUG, release.name).problem == ""
    assert [verified(SLUG, version).problem for version in (Version(1, 3, 0), V14, V15)] == ["", "", ""]
    before = all_writes(here)
    assert planned_back("1.3.0").already_released
    go(release, proposal)
    assert all_writes(here) == before
    with pytest.raises(NeedsHuman, match="lift the hold first"):
        planned_back("1.4.0")


def test_killed_after_the_deploy_it_goes_on(here: World) -> None:
    """Production runs the old version already, the newer one is not withdrawn yet: found, and not asked about again."""
    release = planned_back()
    proposal = approved(here, release)
    candidate, bundles = proposal.candidate, proposal.examined.production
    ensure_deployed.fn(release, candidate, bundles, environment=PRODUCTION, approved=proposal.plan)
    ensure_smoked.fn(release, candidate, bundles, environment=PRODUCTION)

    again = planned_back(requested_by="ravi", reason="once more")

    assert (again.name, again.requested_by, again.phase) == (release.name, "rita", Phase.DEPLOYED)
    shown = ensure_shown.fn(again, looked_back(again))
    assert approval_of.fn(again, shown, []).verdict is Verdict.APPROVED
    assert go(again, shown) == (V15,)


# Withdrawn


@pytest.fixture
def back(here: World) -> tuple[Release, Proposal]:
    release = planned_back()
    asked = ensure_back_asked.fn(release)
    return release, asked.proposed((), None)  # type: ignore[arg-type]


def test_it_is_withdrawn_once(here: World, back: tuple[Release, Proposal]) -> None:
    assert ensure_withdrawn.fn(*back) == (V15,)
    assert latest(here) == "1.4.0"
    hold = held(chain_of(SLUG, V15))
    assert hold is not None
    assert (hold.to, hold.by, hold.reason) == ("1.4.0", "rita", "the totals are wrong")
    before = writes(here)

    assert ensure_withdrawn.fn(*back) == (V15,)

    assert writes(here) == before


@pytest.mark.parametrize("status", [502, 0], ids=["answered with an error", "cut"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_marks_nothing_twice(
    here: World, back: tuple[Release, Proposal], times: int, status: int
) -> None:
    arm(here, kind="after", method="PATCH", path=RELEASES, status=status, times=times)
    before = len(writes(here))

    for _ in range(times):
        with pytest.raises(TryAgain):
            ensure_withdrawn.fn(*back)
    assert ensure_withdrawn.fn(*back) == (V15,)

    assert sum(w.startswith("PATCH") for w in writes(here)[before:]) == 2, "1.4.0 is latest, 1.5.0 is not"


def test_no_answer_is_not_absent(here: World, back: tuple[Release, Proposal]) -> None:
    before = writes(here)
    arm(here, kind="before", method="GET", path=".*", status=502, times=500)

    with pytest.raises(TryAgain):
        ensure_withdrawn.fn(*back)

    forget_faults(here)
    assert writes(here) == before


def test_somebody_renamed_it_meanwhile(here: World, back: tuple[Release, Proposal]) -> None:
    hub = GitHubRepo(SLUG)
    found = hub.release("1.5.0")
    assert found is not None
    hub.edit_release(found, name="Totals", body=found.body, prerelease=False)
    ensure_withdrawn.fn(*back)
    marked = hub.release("1.5.0")
    assert marked is not None
    assert marked.name == "Totals (withdrawn)"
    hub.edit_release(marked, name="Totals, do not use", body=marked.body, prerelease=True)
    before = writes(here)

    ensure_withdrawn.fn(*back)

    assert writes(here) == before


def test_nothing_is_left_to_call_the_latest(here: World, back: tuple[Release, Proposal]) -> None:
    found = GitHubRepo(SLUG).release("1.4.0")
    assert found is not None
    People(here).api("rita", "DELETE", f"/releases/{found.id}")

    with pytest.raises(NeedsHuman, match="no published release of it any more"):
        ensure_withdrawn.fn(*back)


def test_a_draft_of_what_never_ended_well_stays_a_draft(here: World, back: tuple[Release, Proposal]) -> None:
    hub = GitHubRepo(SLUG)
    found = hub.release("1.5.0")
    assert found is not None
    People(here).api("rita", "PATCH", f"/releases/{found.id}", draft=True)

    assert ensure_withdrawn.fn(*back) == (V15,)

    draft = hub.release("1.5.0")
    assert draft is not None
    assert (draft.draft, draft.name) == (True, "1.5.0 (withdrawn)")


# Held


@pytest.fixture
def withdrawn(here: World, made: dict[str, Made]) -> World:
    """1.5.0 was withdrawn, as far as GitHub and the evidence know."""
    release = planned_back()
    proposal = ensure_back_asked.fn(release).proposed((), None)  # type: ignore[arg-type]
    record(release.name, made["1.4.0"].commit, "success")
    note(SLUG, release.name, "rolled back", {"commit": made["1.4.0"].commit})
    ensure_withdrawn.fn(release, proposal)
    return here


def wanted(version: str) -> Release:
    return plan_release.fn(
        SLUG, Wanted(Version.parse(version), Bump.AUTO), requested_by="rita", reason="again"
    )


def test_a_withdrawn_version_is_refused_with_the_reason(withdrawn: World) -> None:

    with pytest.raises(NeedsHuman, match=r"1\.5\.0 was withdrawn: .* rita.*the totals are wrong") as stopped:
        wanted("1.5.0")

    assert "dabflow unhold 1.5.0" in stopped.value.remedy


def test_what_holds_nothing_new_waits_and_a_commit_lets_it_go(
    withdrawn: World, made: dict[str, Made]
) -> None:
    hub, people, mirror = GitHubRepo(SLUG), People(withdrawn), Mirror(SLUG)
    hub.create_branch("release/1.6.0", made["1.5.0"].commit)
    next_one = replace(planned_back(), version=Version(1, 6, 0), withdraws=None, kind="release")

    assert [h.version for h in without_news(next_one, mirror.fetch(), made["1.5.0"].commit)] == ["1.5.0"]
    fixed = people.commit_to("release/1.6.0", "src/README.md", "mended\n")
    assert without_news(next_one, mirror.fetch(), fixed) == []


def test_a_hold_is_lifted_once_with_a_reason(withdrawn: World, made: dict[str, Made]) -> None:
    assert lifted(SLUG, V15, "it was\nthe network") == f"{SLUG} 1.5.0 is no longer held: it was the network"
    assert holds(Mirror(SLUG).fetch()) == []
    comments = People(withdrawn).api("rita", "GET", f"/issues/{made['1.5.0'].number}/comments")
    assert sum("is no longer held" in comment["body"] for comment in comments) == 1
    before = writes(withdrawn)

    assert lifted(SLUG, V15, "it was the network") == f"{SLUG} 1.5.0 is not held"

    assert writes(withdrawn) == before


@pytest.mark.parametrize(
    ("version", "reason", "says"),
    [(V15, " ", "needs a reason"), (V14, "why not", r"1\.4\.0 was never withdrawn")],
)
def test_a_hold_that_cannot_be_lifted(withdrawn: World, version: Version, reason: str, says: str) -> None:
    with pytest.raises(NeedsHuman, match=says):
        lifted(SLUG, version, reason)


def test_who_may_only_read_lifts_nothing(withdrawn: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", withdrawn.github.accounts["oskar"].token)

    with pytest.raises(NeedsHuman, match="may not write"):
        lifted(SLUG, V15, "please")


def test_once_its_hold_is_lifted_it_is_on_its_way_again(withdrawn: World) -> None:
    """Tagged, not released: the next start goes on with it, and asks anew."""
    lifted(SLUG, V15, "it was the network")
    mirror, hub = Mirror(SLUG).fetch(), GitHubRepo(SLUG)

    assert phase_now(mirror, hub, production_settings(mirror), V15) is Phase.TAGGED
    again = wanted("1.5.0")
    assert (again.phase, again.previous, again.already_released) == (Phase.TAGGED, V14, False)
