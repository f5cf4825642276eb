"""A hotfix overtakes two open releases and conflicts with develop: every way in which people may resolve that."""

import pytest
from playing import SLUG, Run, begin, start, writes
from prefect import flow
from shipped import FILE, Shipping, holds, release_of

from flows.housekeeping import housekeeping
from flows.promotion import back_to_develop
from sandbox.world import World
from tasks.ask import waiting_of
from tasks.rules.waiting import Waiting
from tasks.systems.git_repo import Mirror

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("nothing_lost"),
]

SYNC = "sync/1.3.1-into-develop"


@flow(name="way-back", persist_result=True)
def way_back(repository: str, requested_by: str) -> object:
    """The last step of a hotfix that is in production."""
    return back_to_develop(release_of("1.3.1", kind="hotfix"))


def waiting(run: Run) -> Waiting:
    assert run.state.name == "Suspended", run.said
    found = waiting_of(run.id)
    assert found is not None
    return found


class Story:
    """What happens, one chapter a method."""

    def __init__(self, world: World) -> None:
        self.world, self.shipping = world, Shipping(world)
        self.people = self.shipping.people
        self.release = start()
        self.release.go()
        self.later = self.shipping.cut("1.6.0").branch
        self.shipping.merged("feature/other", "develop", "other\n")
        self.shipping.merged("fix/late", self.later, "later\n")

    def the_release_is_overtaken(self) -> None:
        """It waits for approval, notices by itself, and is asked about again with the fix in it."""
        first = waiting(self.release)
        self.shipping.hotfix()
        housekeeping()
        assert self.release.state.name == "Resuming", "production's branch has moved"
        self.back = begin(way_back)
        self.back.go()
        self.release.go()
        second = waiting(self.release)
        assert holds("1.3.1", "release/1.4.0")
        assert (second.number, second.question != first.question) == (first.number, True)
        assert len(self.shipping.syncs("release/1.4.0")) == 1, "both runs met on one pull request"

    def it_waits_for_two_conflicts(self) -> None:
        waits = waiting(self.back)
        assert [sync.into for sync in waits.syncs] == ["develop", self.later]
        assert waits.missing.count(f"has a conflict in `{FILE}`") == 2
        quiet = writes(self.world)
        housekeeping()
        assert self.back.state.name == "Suspended"
        assert writes(self.world) == quiet

    def one_is_resolved_by_a_push(self) -> None:
        """dabflow merges it; the run waits for the other one, and needs no twin."""
        self.people.merge_into(SYNC, "develop", FILE, "both\n")
        housekeeping()
        assert self.back.state.name == "Resuming"
        self.back.go()
        assert holds("1.3.1", "develop")
        assert [sync.into for sync in waiting(self.back).syncs] == [self.later]
        twin = begin(way_back)
        twin.go()
        assert twin.state.name == "Under way", twin.said

    def the_other_is_squashed(self) -> None:
        """That is told, and mended by a merge of what was resolved."""
        waits = waiting(self.back)
        self.people.merge_into(waits.branch, self.later, FILE, "both, later\n")
        self.people.api("rosa", "PUT", f"/pulls/{waits.number}/merge", merge_method="squash")
        assert not holds("1.3.1", self.later)
        housekeeping()
        self.back.go()
        assert "does not contain 1.3.1" in self.shipping.comments(waits.number)[0]

    def everything_contains_it(self) -> None:
        everywhere = ("develop", "release/1.4.0", self.later)
        assert self.back.said == (
            f"Completed: acme/lakehouse 1.3.1 is released, and back in {', '.join(everywhere)}"
        )
        assert all(holds("1.3.1", branch) for branch in everywhere)
        ours = ("sync/", "hotfix/")
        assert [name for name in Mirror(SLUG).fetch().branches() if name.startswith(ours)] == []

    def the_release_ships_with_it(self) -> None:
        self.people.review("ravi", waiting(self.release).number)
        self.release.answer("approve", "with the fix")
        assert self.release.state.name == "Completed", self.release.said
        assert all(holds("1.4.0", branch) for branch in ("develop", self.later))


def test_a_hotfix_overtakes_two_releases_and_comes_back_by_every_way(world: World) -> None:
    story = Story(world)
    story.the_release_is_overtaken()
    story.it_waits_for_two_conflicts()
    story.one_is_resolved_by_a_push()
    story.the_other_is_squashed()
    story.everything_contains_it()
    story.the_release_ships_with_it()
