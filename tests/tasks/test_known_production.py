"""Production that somebody deployed by hand: it stops a release, with the difference, until somebody takes it over."""

import io
import json
from dataclasses import replace

import pytest
from databricks.sdk.service.workspace import ImportFormat
from playing import SLUG, arm, writes
from production_place import Place

from deployments.adopting import adopted
from sandbox.world import World
from tasks.adopt import ensure_adopted
from tasks.known_state import insist_on_running, recorded_of
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.known_state import Recorded
from tasks.rules.release import PRODUCTION
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

STRANGER = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def place(world: World) -> Place:
    return Place.of(world)


def names_commit(place: Place, commit: str) -> None:
    """Production's metadata names this commit, as a deploy by hand leaves it."""
    path = f"{place.root}/state/metadata.json"
    with place.workspace.client.workspace.download(path) as stored:
        metadata = json.loads(stored.read())
    metadata["config"]["bundle"]["git"]["commit"] = commit
    content = io.BytesIO(json.dumps(metadata).encode())
    place.workspace.client.workspace.upload(path, content, format=ImportFormat.RAW, overwrite=True)


def adopt(runs: str, reason: str = "the night shift's repair") -> bool:
    return ensure_adopted(Mirror(SLUG).fetch(), GitHubRepo(SLUG), runs, {"by": "olga", "reason": reason})


def recorded() -> Recorded | None:
    return recorded_of(GitHubRepo(SLUG).newest_successful_deployment(PRODUCTION))


def test_an_unknown_commit_stops_with_the_difference_until_it_is_adopted(place: Place) -> None:
    names_commit(place, STRANGER)
    edited = place.workspace.client.jobs.get(place.job("daily_report")).settings
    assert edited is not None
    edited.description = "by hand"
    place.workspace.client.jobs.reset(place.job("daily_report"), edited)
    before = writes(place.world, server="prod")

    with pytest.raises(NeedsHuman, match=r"somebody deployed by hand.*does not have") as stopped:
        place.plan()

    assert "update job `daily_report`" in stopped.value.problem
    assert "dabflow adopt --reason" in stopped.value.remedy
    assert writes(place.world, server="prod") == before
    assert adopt(STRANGER)
    assert recorded() == Recorded(STRANGER, adopted=True)
    assert place.plan().subject.target == "prod", "it may be overwritten now"


def test_adopting_twice_writes_once(place: Place) -> None:
    assert adopt(STRANGER)
    before = writes(place.world)

    assert not adopt(STRANGER, reason="again")

    assert writes(place.world) == before


def test_the_answer_to_an_adoption_is_lost(place: Place) -> None:
    arm(place.world, kind="after", method="POST", path=f"/repos/{SLUG}/deployments", times=1)
    with pytest.raises(TryAgain):
        adopt(STRANGER)

    adopt(STRANGER)

    assert recorded() == Recorded(STRANGER, adopted=True)


def test_what_the_last_release_deployed_needs_no_adoption(place: Place) -> None:
    released = recorded()
    assert released is not None
    assert not adopt(released.commit)
    assert recorded() == released


def test_an_older_version_never_overwrites_a_newer_one(place: Place) -> None:
    older = place.candidate(Mirror(SLUG).fetch().commit(place.candidate().commit).parents[0])
    newer = place.without_destruction()
    place.release_to_production(newer)
    before = writes(place.world, server="prod")

    with pytest.raises(NeedsHuman, match="it is newer, or of another line"):
        place.plan(older)

    assert writes(place.world, server="prod") == before


def test_the_command_takes_over_what_is_there(place: Place) -> None:
    with pytest.raises(NeedsHuman, match="needs a reason"):
        adopted(SLUG, "  ")
    assert "nothing was to be done" in adopted(SLUG, "just looking")
    names_commit(place, STRANGER)

    said = adopted(SLUG, "the night shift's repair")

    assert said.startswith("production runs 0123456789ab instead of ")
    assert recorded() == Recorded(STRANGER, adopted=True)
    assert "nothing was to be done" in adopted(SLUG, "once more")


def test_what_github_records_is_not_believed_where_production_says_otherwise(place: Place) -> None:
    """Nobody is told that production runs a version already while it runs a stranger's commit."""
    back = replace(place.release, version=Version(1, 3, 0), kind="rollback", withdraws=Version(1, 4, 0))
    insist_on_running.fn(back)
    names_commit(place, STRANGER)

    with pytest.raises(NeedsHuman, match=r"production runs 1\.3\.0 .* but it runs 0123456789ab"):
        insist_on_running.fn(back)
