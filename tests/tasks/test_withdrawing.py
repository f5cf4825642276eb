"""After a rollback: what it replaced is marked, and held until somebody says why not."""

from dataclasses import replace

import pytest
from playing import SLUG, People, arm, writes
from rolled import (
    Made,
    Rolled,
    latest,
    planned_back,
    record,
)
from stages import forget_faults

from sandbox.world import World
from tasks.evidence import chain_of, note
from tasks.hold import lifted, without_news
from tasks.plan_release import plan_release
from tasks.publish import ensure_published
from tasks.rules.choice import Wanted
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.outcomes import held
from tasks.rules.phases import Phase
from tasks.rules.release import Proposal, Release
from tasks.rules.versions import Bump, Version
from tasks.standing import holds, phase_now, production_settings
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.way_back import ensure_back_asked
from tasks.withdraw import ensure_withdrawn

pytestmark = pytest.mark.timeout(240)

RELEASES = f"/repos/{SLUG}/releases/.*"
V14, V15 = Version(1, 4, 0), Version(1, 5, 0)


@pytest.fixture
def made(rolled: Rolled) -> dict[str, Made]:
    return rolled[1]


# Withdrawn


@pytest.fixture
def back(rolled_world: World) -> tuple[Release, Proposal]:
    release = planned_back()
    asked = ensure_back_asked.fn(release)
    return release, asked.proposed((), None)  # type: ignore[arg-type]


def test_it_is_withdrawn_once(rolled_world: World, back: tuple[Release, Proposal]) -> None:
    assert ensure_withdrawn.fn(*back) == (V15,)
    assert latest(rolled_world) == "1.4.0"
    hold = held(chain_of(SLUG, V15))
    assert hold is not None
    assert (hold.to, hold.by, hold.reason) == ("1.4.0", "rita", "the totals are wrong")
    before = writes(rolled_world)

    assert ensure_withdrawn.fn(*back) == (V15,)

    assert writes(rolled_world) == before


@pytest.mark.parametrize("status", [502, 0], ids=["answered with an error", "cut"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_marks_nothing_twice(
    rolled_world: World, back: tuple[Release, Proposal], times: int, status: int
) -> None:
    arm(rolled_world, kind="after", method="PATCH", path=RELEASES, status=status, times=times)
    before = len(writes(rolled_world))

    for _ in range(times):
        with pytest.raises(TryAgain):
            ensure_withdrawn.fn(*back)
    assert ensure_withdrawn.fn(*back) == (V15,)

    assert sum(w.startswith("PATCH") for w in writes(rolled_world)[before:]) == 2, (
        "1.4.0 is latest, 1.5.0 is not"
    )


def test_no_answer_is_not_absent(rolled_world: World, back: tuple[Release, Proposal]) -> None:
    before = writes(rolled_world)
    arm(rolled_world, kind="before", method="GET", path=".*", status=502, times=500)

    with pytest.raises(TryAgain):
        ensure_withdrawn.fn(*back)

    forget_faults(rolled_world)
    assert writes(rolled_world) == before


def test_somebody_renamed_it_meanwhile(rolled_world: World, back: tuple[Release, Proposal]) -> None:
    hub = GitHubRepo(SLUG)
    found = hub.release("1.5.0")
    assert found is not None
    hub.edit_release(found, name="Totals", body=found.body, prerelease=False)
    ensure_withdrawn.fn(*back)
    marked = hub.release("1.5.0")
    assert marked is not None
    assert marked.name == "Totals (withdrawn)"
    hub.edit_release(marked, name="Totals, do not use", body=marked.body, prerelease=True)
    before = writes(rolled_world)

    ensure_withdrawn.fn(*back)

    assert writes(rolled_world) == before


def test_nothing_is_left_to_call_the_latest(rolled_world: World, back: tuple[Release, Proposal]) -> None:
    found = GitHubRepo(SLUG).release("1.4.0")
    assert found is not None
    People(rolled_world).api("rita", "DELETE", f"/releases/{found.id}")

    with pytest.raises(NeedsHuman, match="no published release of it any more"):
        ensure_withdrawn.fn(*back)


def test_a_draft_of_what_never_ended_well_stays_a_draft(
    rolled_world: World, back: tuple[Release, Proposal]
) -> None:
    hub = GitHubRepo(SLUG)
    found = hub.release("1.5.0")
    assert found is not None
    People(rolled_world).api("rita", "PATCH", f"/releases/{found.id}", draft=True)

    assert ensure_withdrawn.fn(*back) == (V15,)

    draft = hub.release("1.5.0")
    assert draft is not None
    assert (draft.draft, draft.name) == (True, "1.5.0 (withdrawn)")


# Held


@pytest.fixture
def withdrawn(rolled_world: World, made: dict[str, Made]) -> World:
    """1.5.0 was withdrawn, as far as GitHub and the evidence know."""
    release = planned_back()
    proposal = ensure_back_asked.fn(release).proposed((), None)  # type: ignore[arg-type]
    record(release.name, made["1.4.0"].commit, "success")
    note(SLUG, release.name, "rolled back", {"commit": made["1.4.0"].commit})
    ensure_withdrawn.fn(release, proposal)
    return rolled_world


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


def test_published_again_it_is_no_longer_called_withdrawn(withdrawn: World, made: dict[str, Made]) -> None:
    lifted(SLUG, V15, "it was the network")
    again = wanted("1.5.0")

    ensure_published.fn(again, made["1.5.0"].commit)

    found = GitHubRepo(SLUG).release("1.5.0")
    assert found is not None
    assert (latest(withdrawn), found.name, found.prerelease, found.body) == (
        "1.5.0",
        "1.5.0",
        False,
        "what 1.5.0 brings\n",
    )
    before = writes(withdrawn)
    ensure_published.fn(again, made["1.5.0"].commit)
    assert writes(withdrawn) == before


def test_once_its_hold_is_lifted_it_is_on_its_way_again(withdrawn: World) -> None:
    """Tagged, not released: the next start goes on with it, and asks anew."""
    lifted(SLUG, V15, "it was the network")
    mirror, hub = Mirror(SLUG).fetch(), GitHubRepo(SLUG)

    assert phase_now(mirror, hub, production_settings(mirror), V15) is Phase.TAGGED
    again = wanted("1.5.0")
    assert (again.phase, again.previous, again.already_released) == (Phase.TAGGED, V14, False)
