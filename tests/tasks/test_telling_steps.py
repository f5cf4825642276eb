"""What each step tells by the blocks that release.yaml names: a real Prefect, a real webhook, the sandbox's GitHub."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hook_place import Hook, hook
from playing import SLUG, settle
from proposed_release import RELEASE, ProposedRelease, proposal_of

from sandbox.world import World
from tasks import notify as module
from tasks.approve import ensure_missing_told, ensure_rejected
from tasks.back_merge import ensure_back_merge_told
from tasks.decide import ensure_stop_told
from tasks.housekeeping import ensure_reminded, ensure_told
from tasks.keep_up import ensure_lack_told
from tasks.propose import tell, tell_stop
from tasks.rules.endings import Ended, How
from tasks.rules.errors import NeedsHuman
from tasks.rules.gate import Judgement, Verdict
from tasks.rules.phases import Phase
from tasks.rules.settings import ReleaseSettings
from tasks.rules.syncs import Obstacle, Sync, Synced

pytestmark = pytest.mark.usefixtures("prefect_server")

RUN = "http://127.0.0.1:4200/runs/flow-run/7"
NOW = datetime.now(UTC)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setattr(module, "REST_SECONDS", 0)
    with hook() as listening:
        yield listening


def told(place: Hook) -> list[str]:
    """The first line of each message since the last look."""
    found = [json.loads(text)["title"].removeprefix("acme/lakehouse 1.4.0") for _, text in place.got]
    place.got.clear()
    return found


def test_each_step_tells_its_news_once(world: World, place: Hook) -> None:
    proposed, block = ProposedRelease(world), place.slack("releases")
    settings = ReleaseSettings.model_validate({"notifications": [{"block": block}]})
    release = replace(RELEASE, settings=settings, run_url=RUN, reason="weekly")
    proposal = replace(proposal_of(proposed.number), url=proposed.hub.pull_request(proposed.number).url)
    judgement = Judgement(Verdict.WAITING, "1 review", ("1 review",))
    behind = Synced(
        Sync("main", "b" * 40, "release/1.4.0"), missing="#9 conflicts", obstacle=Obstacle.CONFLICT
    )
    goes_on = replace(behind, obstacle=Obstacle.CHECKS)

    for _ in range(2):
        ensure_missing_told.fn(release, proposal, judgement)
    (_, asked), *_ = place.got
    assert told(place) == [" waits for approval"]
    assert json.loads(asked)["message"].splitlines() == [
        "Asked for by: rita: weekly",
        "Production gets: 1 to create",
        "Still missing: 1 review",
        f"Read and review: {proposal.url}",
        "Answer: dabflow approve 1.4.0 --reason TEXT; or dabflow reject 1.4.0 --reason TEXT",
        f"Run: {RUN}",
    ]

    for synced in (goes_on, behind, behind):
        ensure_lack_told.fn(release, synced)
    assert told(place) == [": main does not get into release/1.4.0 by itself"]

    for _ in range(2):
        tell_stop.fn(release, NeedsHuman("release/1.4.0 lacks main", "merge it"))
    assert told(place) == [" stopped"]

    for _ in range(2):
        ensure_stop_told.fn(release, "c" * 40, "the smoke job failed")
    assert told(place) == [" stopped half way in production"]

    tell.fn(release, Phase.MERGED, proposal=proposal)
    tell.fn(release, Phase.PUBLISHED, proposal=proposal)
    ensure_back_merge_told.fn(release, [behind])
    assert told(place) == [
        "production of acme/lakehouse runs 1.4.0",
    ]

    ensure_rejected.fn(release, proposal, "not this one")
    assert told(place) == [" was rejected"]


def test_housekeeping_tells_by_what_production_s_settings_say(world: World, place: Hook) -> None:
    """A reminder, and a run that ended without a word; what it had told itself is not told again."""
    block, about = place.slack("releases"), ["reminder", "stopped"]
    settle(world, json.dumps({"notifications": [{"block": block, "about": about}]}))
    proposed = ProposedRelease(world)
    waiting = proposed.waiting(deadline=NOW + timedelta(days=2), remind_at=NOW - timedelta(days=1))
    crashed = Ended(repository=SLUG, version="1.4.0", how=How.CRASHED, run_url=RUN, message="lost", since=NOW)
    error = NeedsHuman("release/1.4.0 lacks main", "merge it")
    failed = replace(
        crashed, how=How.FAILED, message=f"Flow run encountered an exception: NeedsHuman: {error}"
    )

    for _ in range(2):
        ensure_reminded.fn(waiting, RUN)
        ensure_told.fn(crashed)
    assert told(place) == [
        f" waits for approval only until {waiting.deadline:%Y-%m-%d %H:%M} UTC",
        ": stopped, not approved",
    ]
    ensure_told.fn(replace(crashed, since=NOW + timedelta(hours=1)))
    assert told(place) == [": stopped, not approved"], "it ended once more"

    settings = ReleaseSettings.model_validate({"notifications": [{"block": block}]})
    tell_stop.fn(replace(RELEASE, settings=settings), error)
    ensure_told.fn(failed)
    assert told(place) == [" stopped"]


def test_a_mistake_in_the_settings_keeps_nobody_from_being_reminded_on_github(
    world: World, place: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    settle(world, "notification: []\n")
    proposed = ProposedRelease(world)

    ensure_reminded.fn(proposed.waiting(deadline=NOW + timedelta(days=2)), RUN)

    assert "waits for approval until" in proposed.comments[1]
    assert "nobody is notified: release.yaml" in caplog.text
    assert place.got == []
