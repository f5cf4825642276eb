"""The evidence goes out with the published release: attached to its draft, once, and never changed afterwards."""

from collections.abc import Callable

import pytest
from playing import SLUG, arm, writes
from stages import forget_faults, planned

from sandbox.world import World
from tasks.evidence import chain_of, note
from tasks.publish import ensure_published
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.evidence import Chain
from tasks.rules.release import Release
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

pytestmark = pytest.mark.timeout(240)

VERSION = Version(1, 4, 0)
NAME = "evidence-1.4.0.json"
UPLOAD = "/repos/acme/lakehouse/releases/.*/assets"


@pytest.fixture
def release(world: World) -> tuple[Release, str]:
    """1.4.0, tagged and not published, with one thing noted about it; and its commit."""
    found = planned()
    commit = Mirror(SLUG).fetch().branches()["main"]
    GitHubRepo(SLUG).create_tag("1.4.0", commit, "Release 1.4.0", when=1)
    note(SLUG, VERSION, "asked", {"requested_by": "rita"})
    return found, commit


def attached() -> bytes | None:
    hub = GitHubRepo(SLUG)
    found = hub.release("1.4.0")
    return hub.attachment(found, NAME) if found else None


def draft(commit: str, content: bytes = b"") -> None:
    """A run that was killed left a draft."""
    hub = GitHubRepo(SLUG)
    hub.draft_release("1.4.0", name="1.4.0", body="", at=commit)
    found = hub.release("1.4.0")
    assert found is not None
    if content:
        hub.attach(found, NAME, content)


def test_it_is_attached_before_the_release_is_published(world: World, release: tuple[Release, str]) -> None:
    before = len(writes(world))

    ensure_published.fn(*release)

    done = [line.split("/")[-1].split(" ")[0] for line in writes(world)[before:]]
    assert [line.split(" ")[0] for line in writes(world)[before:]] == ["POST", "POST", "PATCH"]
    assert done[:2] == ["releases", "assets"]
    assert attached() == chain_of(SLUG, VERSION).to_bytes()


def test_the_second_run_writes_nothing(world: World, release: tuple[Release, str]) -> None:
    page = ensure_published.fn(*release)
    before = writes(world)

    assert ensure_published.fn(*release) == page

    assert writes(world) == before


def test_a_published_release_keeps_what_it_has(world: World, release: tuple[Release, str]) -> None:
    ensure_published.fn(*release)
    known = attached()
    note(SLUG, VERSION, "published", {"tag": "1.4.0"})
    before = writes(world)

    ensure_published.fn(*release)

    assert attached() == known
    assert writes(world) == before


@pytest.mark.parametrize("status", [502, 0], ids=["answered with an error", "cut"])
def test_a_lost_answer_attaches_nothing_twice(
    world: World, release: tuple[Release, str], status: int
) -> None:
    arm(world, kind="after", method="POST", path=UPLOAD, status=status)

    with pytest.raises(TryAgain):
        ensure_published.fn(*release)
    ensure_published.fn(*release)

    assert sum(line.endswith("/assets") for line in writes(world)) == 1
    assert attached() == chain_of(SLUG, VERSION).to_bytes()


def test_without_an_answer_nothing_is_published(world: World, release: tuple[Release, str]) -> None:
    arm(world, kind="before", method="POST", path=UPLOAD)

    with pytest.raises(TryAgain):
        ensure_published.fn(*release)

    found = GitHubRepo(SLUG).release("1.4.0")
    assert found is not None
    assert found.draft
    forget_faults(world)
    ensure_published.fn(*release)
    assert attached() == chain_of(SLUG, VERSION).to_bytes()


def test_a_draft_of_an_earlier_run_gets_the_longer_chain(world: World, release: tuple[Release, str]) -> None:
    draft(release[1], chain_of(SLUG, VERSION).to_bytes())
    longer = note(SLUG, VERSION, "smoked", {"target": "prod"})

    ensure_published.fn(*release)

    assert attached() == longer.to_bytes()


def _other_chain() -> bytes:
    chain = chain_of(SLUG, VERSION)
    return Chain(SLUG, "1.4.0").with_entry("asked", {"by": "x"}, chain.entries[0].at).to_bytes()


@pytest.mark.parametrize(
    "other",
    [lambda: b"hello", lambda: Chain(SLUG, "1.3.0").to_bytes(), _other_chain],
    ids=["no chain", "of another release", "another beginning"],
)
def test_other_evidence_on_the_draft_stops_the_release(
    world: World, release: tuple[Release, str], other: Callable[[], bytes]
) -> None:
    draft(release[1], other())

    with pytest.raises(NeedsHuman, match="is not how the evidence of this release began") as stop:
        ensure_published.fn(*release)

    assert "delete the file" in stop.value.remedy
    assert attached() == other()
    found = GitHubRepo(SLUG).release("1.4.0")
    assert found is not None
    assert found.draft


def test_where_nothing_is_noted_nothing_is_attached(world: World) -> None:
    commit = Mirror(SLUG).fetch().branches()["main"]
    GitHubRepo(SLUG).create_tag("1.4.0", commit, "Release 1.4.0", when=1)

    ensure_published.fn(planned(), commit)

    assert attached() is None
