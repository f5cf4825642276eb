"""What must hold after every way to production and back, whatever happened on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from playing import SLUG, People
from released import what_runs

from sandbox.world import World
from tasks.evidence import chain_in
from tasks.known_state import recorded_of
from tasks.rules.outcomes import stopped
from tasks.rules.release import PRODUCTION
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

ONLY_FORWARD = {"main", "develop"}


@dataclass(frozen=True)
class Refs:
    """The branches and tags of acme/lakehouse at one moment."""

    branches: Mapping[str, str]
    tags: Mapping[str, str]

    @classmethod
    def now(cls) -> "Refs":
        mirror = Mirror(SLUG).fetch()
        return cls(mirror.branches(), mirror.tags())


def assert_nothing_lost(world: World, before: Refs) -> None:
    """No fix is forgotten, GitHub's latest is what production runs, and nobody else's refs were touched."""
    assert_contained(world)
    assert_latest_runs(world)
    assert_only_ours_touched(before)


def assert_contained(world: World) -> None:
    """Develop contains every version, or an open pull request of ours says that it does not yet."""
    mirror = Mirror(SLUG).fetch()
    develop = mirror.branches()["develop"]
    open_heads = [pull["head"]["ref"] for pull in People(world).pulls(base="develop", state="open")]
    for tag, commit in mirror.tags().items():
        if Version.of_tag(tag) is not None and not mirror.is_ancestor(commit, develop):
            assert f"sync/{tag}-into-develop" in open_heads, f"develop lacks {tag}, and nothing says so"


def assert_latest_runs(world: World) -> None:
    """GitHub's latest release is what production runs, except while it says that production stopped half way."""
    mirror, hub = Mirror(SLUG).fetch(), GitHubRepo(SLUG)
    recorded = recorded_of(hub.newest_successful_deployment(PRODUCTION))
    undecided = [tag for tag in mirror.tags() if stopped(chain_in(mirror, tag)) is not None]
    if undecided or (recorded is not None and recorded.adopted):
        return
    latest = People(world).api("rita", "GET", "/releases/latest")["tag_name"]
    assert what_runs("prod") == mirror.tags()[latest], f"production does not run {latest}"


def assert_only_ours_touched(before: Refs) -> None:
    """Each tag is where it was; each branch of before is there, unmoved, or has only grown."""
    mirror, now = Mirror(SLUG), Refs.now()
    assert {tag: now.tags.get(tag) for tag in before.tags} == dict(before.tags)
    for name, commit in before.branches.items():
        assert name in now.branches, f"{name} was deleted"
        if name in ONLY_FORWARD:
            assert mirror.is_ancestor(commit, now.branches[name]), f"{name} went back"
        else:
            assert now.branches[name] == commit, f"{name} was moved"
