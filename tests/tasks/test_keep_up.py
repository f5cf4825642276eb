"""A release that was overtaken: what was shipped since it was cut gets into it, or people are told what is in the way."""

import pytest
from playing import SLUG, writes
from shipped import FILE, Shipping, holds, release_of

from sandbox.world import World
from tasks.cut import ensure_cut
from tasks.keep_up import ensure_lack_told, ensure_production_inside
from tasks.rules.errors import NeedsHuman
from tasks.rules.syncs import Sync
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo


@pytest.fixture
def shipping(world: World) -> Shipping:
    return Shipping(world)


def test_a_release_that_has_everything_is_left_alone(shipping: Shipping, world: World) -> None:
    release = shipping.cut()
    candidate, before = ensure_cut.fn(release), writes(world)

    assert ensure_production_inside.fn(release, candidate) is None

    assert writes(world) == before


def test_what_was_shipped_meanwhile_is_brought_in(shipping: Shipping, world: World) -> None:
    """The release's branch moves: a new candidate. A second look writes nothing."""
    release = shipping.cut()
    shipping.hotfix()
    candidate = ensure_cut.fn(release)

    synced = ensure_production_inside.fn(release, candidate)

    assert synced is not None
    assert synced.done
    assert synced.sync.branch == "sync/1.3.1-into-release-1.5.0"
    assert holds("1.3.1", "release/1.5.0")
    now = ensure_cut.fn(release)
    assert now.commit != candidate.commit
    (pull,) = shipping.syncs("release/1.5.0")
    assert Mirror(SLUG).commit(now.commit).parents == (candidate.commit, pull["head"]["sha"])
    before = writes(world)
    assert ensure_production_inside.fn(release, now) is None
    assert writes(world) == before


def test_a_conflict_is_told_and_waits(shipping: Shipping) -> None:
    release = shipping.cut()
    shipping.merged("fix/other", "release/1.5.0", "stabilised\n")
    hotfix = shipping.hotfix()

    synced = ensure_production_inside.fn(release, ensure_cut.fn(release))
    assert synced is not None
    waiting = ensure_lack_told.fn(release, synced)

    assert not holds("1.3.1", "release/1.5.0")
    assert "#" in waiting.missing
    assert f"`{FILE}`" in waiting.missing
    assert waiting.syncs == (Sync("1.3.1", Mirror(SLUG).tags()[hotfix.tag], "release/1.5.0", waiting.number),)


def test_a_later_version_was_released_meanwhile(shipping: Shipping) -> None:
    release = shipping.cut("1.3.1")
    shipping.hotfix("1.3.2")

    with pytest.raises(NeedsHuman, match=r"1\.3\.2 is tagged already"):
        ensure_cut.fn(release)


def test_a_branch_that_dabflow_did_not_cut_is_not_changed(shipping: Shipping) -> None:
    old = Mirror(SLUG).fetch().branches()["develop"]
    GitHubRepo(SLUG).create_branch("release/1.5.0", old)
    shipping.hotfix()

    with pytest.raises(NeedsHuman, match="does not contain main"):
        ensure_cut.fn(release_of("1.5.0"))

    assert Mirror(SLUG).fetch().branches()["release/1.5.0"] == old
