"""The way back into develop: what gets there by itself, what people must do, and how that is noticed."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from golden_files import Golden
from playing import SLUG, arm, writes
from shipped import FILE, Shipping, holds, release_of

from sandbox.github.records import Protection, Ruleset
from sandbox.world import World
from tasks.back_merge import back_merge_destinations, ensure_back_merge_told, ensure_back_merged
from tasks.evidence import chain_of
from tasks.housekeeping import seen_now
from tasks.rules.errors import TryAgain
from tasks.rules.release import Release
from tasks.rules.syncs import Synced
from tasks.rules.waiting import Waiting
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

SYNC = "sync/1.3.1-into-develop"
CLEAN = "src/other.md"


@pytest.fixture
def shipping(world: World) -> Shipping:
    return Shipping(world)


def back(release: Release, into: str = "develop") -> Synced:
    """What Prefect does: again, as long as it may pass by itself."""
    for _ in range(5):
        try:
            return ensure_back_merged.fn(release, into)
        except TryAgain:
            continue
    raise AssertionError("it never passes by itself")


def waits(release: Release, *synced: Synced) -> Waiting:
    waiting = ensure_back_merge_told.fn(release, synced)
    assert waiting is not None
    return waiting


def conflicting(shipping: Shipping) -> Release:
    """Develop and production have changed the same file, each by a pull request."""
    shipping.merged("feature/other", "develop", "other\n")
    return shipping.hotfix()


def protect(world: World, **how: Any) -> None:
    """Develop demands the check `ci`, or something else."""
    given = {"contexts": ["ci"], "enforce_admins": True, "allow_deletions": True, **how}
    world.github.repository(SLUG).protections["develop"] = Protection(**given)


def allow(world: World, **settings: bool) -> None:
    repository = world.github.repository(SLUG)
    for name, value in settings.items():
        setattr(repository, name, value)


def says(shipping: Shipping, commit: str, state: str) -> None:
    shipping.people.api("rosa", "POST", f"/statuses/{commit}", state=state, context="ci")


def test_it_goes_into_develop_and_every_open_release(shipping: Shipping) -> None:
    """Not into one that is rejected, nor into one that is lower; each by a branch and a pull request of its own."""
    for version in ("1.3.0", "1.5.0", "1.6.0", "1.7.0"):
        GitHubRepo(SLUG).create_branch(f"release/{version}", Mirror(SLUG).fetch().branches()["develop"])
    shipping.people.commit_to("release/1.7.0", CLEAN, "rejected\n")
    made = shipping.people.api(
        "rita", "POST", "/pulls", head="release/1.7.0", base="main", title="r", body=""
    )
    shipping.people.api("rita", "PATCH", f"/pulls/{made['number']}", state="closed")
    hotfix = shipping.hotfix()

    destinations = back_merge_destinations.fn(hotfix)
    synced = [back(hotfix, into) for into in destinations]

    assert destinations == ("develop", "release/1.5.0", "release/1.6.0")
    assert [one.done for one in synced] == [True, True, True]
    assert ensure_back_merge_told.fn(hotfix, synced) is None
    for into in destinations:
        assert holds("1.3.1", into)
        (pull,) = shipping.syncs(into)
        assert (pull["head"]["ref"], pull["merged_at"] is not None) == (
            f"sync/1.3.1-into-{into.replace('/', '-')}",
            True,
        )
    assert not holds("1.3.1", "release/1.7.0")
    assert not [name for name in Mirror(SLUG).branches() if name.startswith("sync/")]
    noted = [e.facts["into"] for e in chain_of(SLUG, "1.3.1").entries if e.kind == "back-merged"]
    assert noted == list(destinations)


def test_a_conflict_is_told_with_its_commits_and_pull_requests(
    shipping: Shipping, world: World, golden: Golden
) -> None:
    """Another destination that is clean gets it all the same; a second look writes nothing."""
    release = shipping.cut()
    hotfix = conflicting(shipping)

    synced = [back(hotfix, into) for into in back_merge_destinations.fn(hotfix)]
    waiting = waits(hotfix, *synced)

    assert [one.done for one in synced] == [False, True]
    assert holds("1.3.1", release.branch)
    assert (waiting.number, waiting.branch) == (shipping.syncs()[0]["number"], SYNC)
    (comment,) = shipping.comments(waiting.number)
    golden.check("texts/sync_conflict.md", re.sub(r"\([0-9a-f]{12}\)", "(COMMIT)", comment))
    assert "In `release/1.5.0` already" in shipping.comments(shipping.people.release_pull()["number"])[0]
    assert seen_now.fn(waiting) == waiting.seen
    before = writes(world)
    assert [back(hotfix, "develop"), back(hotfix, release.branch)] == synced
    assert writes(world) == before


def test_a_conflict_resolved_by_a_push_is_merged(shipping: Shipping) -> None:
    hotfix = conflicting(shipping)
    waiting = waits(hotfix, back(hotfix))

    resolved = shipping.people.merge_into(SYNC, "develop", FILE, "both\n")

    assert seen_now.fn(waiting) != waiting.seen
    assert back(hotfix).done
    assert holds("1.3.1", "develop")
    develop = Mirror(SLUG).commit(Mirror(SLUG).branches()["develop"])
    assert develop.parents[1] == resolved


def test_a_conflict_resolved_and_merged_in_the_page(shipping: Shipping) -> None:
    hotfix = conflicting(shipping)
    waiting = waits(hotfix, back(hotfix))
    shipping.people.merge_into(SYNC, "develop", FILE, "both\n")

    shipping.people.api("rosa", "PUT", f"/pulls/{waiting.number}/merge", merge_method="merge")

    assert seen_now.fn(waiting) != waiting.seen
    assert back(hotfix).done
    assert SYNC not in Mirror(SLUG).fetch().branches()
    assert len(shipping.syncs()) == 1


def test_somebody_brings_it_there_by_another_way(shipping: Shipping) -> None:
    """Production's branch is merged into develop by hand: noticed, and the pull request has nothing left to do."""
    hotfix = conflicting(shipping)
    waiting = waits(hotfix, back(hotfix))
    hub = GitHubRepo(SLUG)
    hub.create_branch("chore/by-hand", Mirror(SLUG).fetch().branches()["develop"])
    shipping.people.merge_into("chore/by-hand", "main", FILE, "both\n")
    made = shipping.people.api(
        "rita", "POST", "/pulls", head="chore/by-hand", base="develop", title="by hand", body=""
    )
    shipping.people.api("rita", "PUT", f"/pulls/{made['number']}/merge", merge_method="merge")

    assert seen_now.fn(waiting) != waiting.seen
    assert back(hotfix).done

    assert hub.pull_request(waiting.number).state == "merged", "GitHub sees its head in develop"
    assert "nothing is left to do" in shipping.comments(waiting.number)[0]


def test_a_resolution_that_nobody_needs_any_more_is_kept(shipping: Shipping) -> None:
    """Somebody worked on the sync branch while another brought it: the pull request is closed, the work stays."""
    hotfix = conflicting(shipping)
    waiting = waits(hotfix, back(hotfix))
    shipping.people.commit_to(SYNC, CLEAN, "half of it\n")
    hub = GitHubRepo(SLUG)
    hub.create_branch("chore/by-hand", Mirror(SLUG).fetch().branches()["develop"])
    shipping.people.merge_into("chore/by-hand", "main", FILE, "both\n")
    made = shipping.people.api(
        "rita", "POST", "/pulls", head="chore/by-hand", base="develop", title="by hand", body=""
    )
    shipping.people.api("rita", "PUT", f"/pulls/{made['number']}/merge", merge_method="merge")

    assert back(hotfix).done

    assert hub.pull_request(waiting.number).state == "closed"
    assert SYNC in Mirror(SLUG).fetch().branches()


@pytest.mark.parametrize("deleted", [False, True])
def test_one_that_was_squashed_is_told_and_mended(
    shipping: Shipping, world: World, golden: Golden, *, deleted: bool
) -> None:
    """What people resolved is not lost, also where GitHub has deleted the branch."""
    hotfix = conflicting(shipping)
    waiting = waits(hotfix, back(hotfix))
    shipping.people.merge_into(SYNC, "develop", FILE, "both\n")
    allow(world, delete_branch_on_merge=deleted)
    shipping.people.api("rosa", "PUT", f"/pulls/{waiting.number}/merge", merge_method="squash")
    assert not holds("1.3.1", "develop")

    assert seen_now.fn(waiting) != waiting.seen
    assert back(hotfix).done

    assert holds("1.3.1", "develop")
    again, first = shipping.syncs()
    assert (first["number"], again["merged_at"] is not None) == (waiting.number, True)
    (comment,) = shipping.comments(first["number"])
    golden.check("texts/sync_lost.md", comment.replace(f"#{again['number']}", "#AGAIN"))


def test_one_that_was_rebased_where_people_merge_and_no_merge_commits_are_allowed(
    shipping: Shipping, world: World, golden: Golden
) -> None:
    shipping.hotfix()
    release = release_of("1.3.1", mode="pull_request", kind="hotfix")
    allow(world, allow_merge_commit=False)
    first = waits(release, back(release))
    shipping.people.api("rosa", "PUT", f"/pulls/{first.number}/merge", merge_method="rebase")

    again = waits(release, back(release))

    assert again.number > first.number
    assert "this repository allows none" in again.missing
    golden.check("texts/sync_lost_for_good.md", shipping.comments(first.number)[0])
    assert not holds("1.3.1", "develop")


def test_one_that_was_closed_is_opened_anew(shipping: Shipping) -> None:
    hotfix = conflicting(shipping)
    waiting = waits(hotfix, back(hotfix))
    shipping.people.api("rita", "PATCH", f"/pulls/{waiting.number}", state="closed")

    assert seen_now.fn(waiting) != waiting.seen
    again = back(hotfix)

    assert again.sync.number > waiting.number
    assert [p["state"] for p in shipping.syncs()] == ["open", "closed"]


def test_one_whose_branch_was_taken_for_something_else_is_made_anew(shipping: Shipping) -> None:
    """Forced to another commit, closed and deleted: what is made again carries the release, not that."""
    hotfix = conflicting(shipping)
    waits(hotfix, back(hotfix))
    people, hub = shipping.people, GitHubRepo(SLUG)
    people.api(
        "rita",
        "PATCH",
        f"/git/refs/heads/{SYNC}",
        sha=people.api("rita", "GET", "/git/ref/heads/develop")["object"]["sha"],
        force=True,
    )
    hub.delete_branch(SYNC)

    again = back(hotfix)

    assert Mirror(SLUG).fetch().branches()[SYNC] == Mirror(SLUG).tags()["1.3.1"]
    assert not again.done


def test_required_checks_are_waited_for(shipping: Shipping, world: World) -> None:
    """No failure, and no merge before they are green; a look soon, and any news of them is noticed."""
    hotfix = shipping.hotfix()
    protect(world)

    first = back(hotfix)
    waiting = waits(hotfix, first)

    assert "waits for required checks (`ci`)" in waiting.missing
    assert waiting.wake_at is not None
    assert waiting.wake_at < waiting.deadline
    head = shipping.syncs()[0]["head"]["sha"]
    says(shipping, head, "pending")
    assert seen_now.fn(waiting) != waiting.seen
    assert not back(hotfix).done
    says(shipping, head, "success")
    assert back(hotfix).done


def test_a_required_check_that_fails_is_for_people(shipping: Shipping, world: World, golden: Golden) -> None:
    hotfix = shipping.hotfix()
    protect(world)
    waiting = waits(hotfix, back(hotfix))
    says(shipping, shipping.syncs()[0]["head"]["sha"], "failure")

    waiting = waits(hotfix, back(hotfix))

    assert "a check that failed (`ci`)" in waiting.missing
    (comment,) = shipping.comments(waiting.number)
    golden.check("texts/sync_failing.md", comment)
    mended = shipping.people.commit_to(SYNC, CLEAN, "mended\n")
    says(shipping, mended, "success")
    assert back(hotfix).done


def test_a_ruleset_may_demand_checks_as_well(shipping: Shipping, world: World) -> None:
    hotfix = shipping.hotfix()
    checks = {"required_status_checks": [{"context": "ci"}]}
    rules = [{"type": "required_status_checks", "parameters": checks}, {"type": "deletion"}]
    world.github.repository(SLUG).rulesets.append(
        Ruleset(
            id=1,
            name="checks",
            target="branch",
            enforcement="active",
            include=["refs/heads/develop"],
            rules=rules,
            created_at=datetime.now(UTC),
        )
    )

    assert "waits for required checks (`ci`)" in back(hotfix).missing


def test_a_branch_that_must_be_up_to_date_gets_the_newest_commits(shipping: Shipping, world: World) -> None:
    """`strict`: GitHub merges only what contains the base. The checks run again on what comes of that."""
    hotfix = shipping.hotfix()
    protect(world, strict=True)
    first = back(hotfix)
    before = shipping.syncs()[0]["head"]["sha"]
    says(shipping, before, "success")

    assert "waits for required checks" in back(hotfix).missing

    after = shipping.syncs()[0]["head"]["sha"]
    assert after != before
    says(shipping, after, "success")
    assert back(hotfix).done
    assert not first.done


def test_a_repository_without_merge_commits(shipping: Shipping, world: World, golden: Golden) -> None:
    hotfix = shipping.hotfix()
    allow(world, allow_merge_commit=False)

    waiting = waits(hotfix, back(hotfix))

    assert "this repository allows none" in waiting.missing
    golden.check("texts/sync_no_merge_commits.md", shipping.comments(waiting.number)[0])
    allow(world, allow_merge_commit=True)
    assert back(hotfix).done


def test_reviews_that_the_branch_demands_are_for_people(shipping: Shipping, world: World) -> None:
    hotfix = shipping.hotfix()
    protect(world, contexts=None, approvals=1, reviews_required=True)
    waiting = waits(hotfix, back(hotfix))
    assert "At least 1 approving review is required" in waiting.missing

    shipping.people.review("ravi", waiting.number)

    assert seen_now.fn(waiting) != waiting.seen
    assert back(hotfix).done
    assert "nothing is left to do" in shipping.comments(waiting.number)[0]


def test_where_people_merge(shipping: Shipping) -> None:
    """The same waiting; nobody but them merges it."""
    shipping.hotfix()
    release = release_of("1.3.1", mode="pull_request", kind="hotfix")

    waiting = waits(release, back(release))

    assert "waits for somebody to merge it" in waiting.missing
    assert not shipping.comments(waiting.number)
    shipping.people.api("rosa", "PUT", f"/pulls/{waiting.number}/merge", merge_method="merge")
    assert seen_now.fn(waiting) != waiting.seen
    assert back(release).done


def test_the_branch_of_a_release_stays_while_pull_requests_into_it_are_open(shipping: Shipping) -> None:
    """GitHub would aim them at production's branch."""
    hotfix = shipping.hotfix()
    hub = GitHubRepo(SLUG)
    hub.create_branch("feature/late", Mirror(SLUG).fetch().branches()["hotfix/1.3.1"])
    shipping.people.commit_to("feature/late", CLEAN, "late\n")
    made = shipping.people.api(
        "rita", "POST", "/pulls", head="feature/late", base="hotfix/1.3.1", title="late", body=""
    )

    assert ensure_back_merge_told.fn(hotfix, [back(hotfix)]) is None
    assert "hotfix/1.3.1" in Mirror(SLUG).fetch().branches()

    shipping.people.api("rita", "PATCH", f"/pulls/{made['number']}", state="closed")
    assert ensure_back_merge_told.fn(hotfix, [back(hotfix)]) is None
    assert "hotfix/1.3.1" not in Mirror(SLUG).fetch().branches()


def test_what_was_on_its_way_into_a_release_that_is_finished_ends(shipping: Shipping, world: World) -> None:
    """GitHub deleted the release's branch and lets the pull request aim at production's: nobody must merge it there."""
    release = shipping.cut()
    shipping.merged("fix/other", release.branch, "stabilised\n")
    hotfix = shipping.hotfix()
    waits(hotfix, back(hotfix, release.branch))
    branch = "sync/1.3.1-into-release-1.5.0"
    shipping.people.commit_to(branch, CLEAN, "half of it\n")
    shipping.people.merge_into(release.branch, "main", FILE, "both\n")
    allow(world, delete_branch_on_merge=True)
    shipping.ship(release.branch, "1.5.0")
    (pull,) = shipping.syncs("main")
    assert (pull["head"]["ref"], pull["state"]) == (branch, "open")

    assert ensure_back_merge_told.fn(release, [back(release)]) is None

    (pull,) = shipping.syncs("main")
    assert (pull["state"], pull["merged_at"]) == ("closed", None)
    assert "`release/1.5.0` was released" in shipping.comments(pull["number"])[-1]
    assert branch in Mirror(SLUG).fetch().branches(), "somebody's work"


LOST = {
    "branch": ("POST", "git/refs"),
    "pull request": ("POST", "pulls"),
    "merge": ("PUT", "pulls/.*/merge"),
    "deletion": ("DELETE", "git/refs/.*"),
}


@pytest.mark.parametrize("what", LOST)
def test_a_lost_answer_does_nothing_twice(shipping: Shipping, world: World, what: str) -> None:
    hotfix = shipping.hotfix()
    method, path = LOST[what]
    arm(world, kind="after", method=method, path=f"/repos/{SLUG}/{path}")

    assert back(hotfix).done

    assert holds("1.3.1", "develop")
    assert len(shipping.syncs()) == 1
    assert SYNC not in Mirror(SLUG).fetch().branches()


def test_a_lost_answer_comments_nothing_twice(shipping: Shipping, world: World) -> None:
    hotfix = conflicting(shipping)
    arm(world, kind="after", method="POST", path=f"/repos/{SLUG}/issues/.*/comments")

    number = back(hotfix).sync.number

    assert len(shipping.comments(number)) == 1
