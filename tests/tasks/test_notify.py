"""Who is told, how often, and what is remembered of it: a real Prefect, a real webhook, the sandbox's GitHub."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hook_place import SECRET, Hook, hook
from playing import SLUG, arm, writes
from proposed_release import RELEASE

from sandbox.world import World
from tasks import notify as module
from tasks.evidence import note
from tasks.notify import FILE, TOLD, notify
from tasks.rules.evidence import ROLLED_BACK
from tasks.rules.news import News
from tasks.rules.release import Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.versions import Version
from tasks.systems.git_ledger import Ledger
from tasks.systems.git_repo import Mirror

pytestmark = pytest.mark.usefixtures("prefect_server")

NEWS = News("approval", "approve-1", "acme/lakehouse 1.4.0 waits for approval", ("Asked for by: rita",))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST_SECONDS", 0)


@pytest.fixture
def place() -> Iterator[Hook]:
    with hook() as listening:
        yield listening


def telling(*blocks: str, about: tuple[str, ...] = ("approval",), **more: Any) -> Release:
    entries = [{"block": block, "about": list(about)} for block in blocks]
    settings = ReleaseSettings.model_validate({"notifications": entries})
    return replace(RELEASE, settings=settings, **more)


def states(name: str = "1.4.0") -> dict[str, dict[str, str]]:
    """What is remembered: of each piece of news, how far it is with each block."""
    mirror = Mirror(SLUG).fetch()
    head = Ledger(mirror, f"{TOLD}{name}").head
    found = json.loads(mirror.read_bytes(head, FILE) or b"") if head else {"told": {}}
    return {
        key: {block: said["state"] for block, said in each.items()} for key, each in found["told"].items()
    }


def test_everybody_is_told_once(world: World, place: Hook) -> None:
    """A second start, a retry, a resumed run: the same news of the same release. Another worker knows as well."""
    slack, custom = place.slack("releases"), place.custom("ours")
    release = telling(slack, custom)
    notify(release, NEWS)
    before = writes(world)

    notify(release, NEWS)

    assert len(place.got) == 2
    assert states() == {"0:approve-1": {slack: "told", custom: "told"}}
    assert writes(world) == before
    notify(release, replace(NEWS, key="approve-2"))
    assert len(place.got) == 4, "another question is other news"


def test_who_is_not_meant_is_not_told_and_nothing_is_looked_up(world: World, place: Hook) -> None:
    before = writes(world)

    notify(telling(place.slack("releases"), about=("drift", "stopped")), NEWS)
    notify(telling(), NEWS)

    assert (place.got, writes(world)) == ([], before)


def test_an_answer_that_is_lost_repeats_it_once(
    world: World, place: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    block = place.slack("releases")
    place.answers = [0, 0]

    notify(telling(block), NEWS)
    notify(telling(block), NEWS)

    assert len(place.got) == 2
    assert states() == {"0:approve-1": {block: "not told"}}
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert f"{block} was not told that {NEWS.title}: what is behind the block {block} was not reached" in (
        warning.getMessage()
    )


def test_a_killed_process_repeats_it_once(world: World, place: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was told, and before that could be noted the process was gone."""
    block = place.slack("releases")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.log, "info", lambda *_: None)
        patch.setattr(module, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            notify(telling(block), NEWS)
    assert states() == {"0:approve-1": {block: "trying"}}

    notify(telling(block), NEWS)
    notify(telling(block), NEWS)

    assert len(place.got) == 1
    assert states() == {"0:approve-1": {block: "told"}}


def test_a_block_that_is_missing_or_refuses_is_a_warning_and_the_others_are_told(
    world: World, place: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    missing, bad, good = "slack-webhook/nobody-made-it", place.custom("bad"), place.slack("good")
    place.answers = [403]

    notify(telling(missing, bad, good), NEWS)

    assert len(place.got) == 2
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert f"the Prefect server has no block {missing}" in warnings[0]
    assert f"what is behind the block {bad} answered 403" in warnings[1]
    assert SECRET not in caplog.text
    assert states() == {"0:approve-1": {missing: "not told", bad: "not told", good: "told"}}


@pytest.mark.parametrize("times", [1, 40], ids=["once", "always"])
def test_github_loses_answers(
    world: World, place: Hook, caplog: pytest.LogCaptureFixture, times: int
) -> None:
    """What cannot be noted is not told, and the log says so; an answer that is lost once changes nothing."""
    arm(
        world,
        kind="after" if times == 1 else "refuse",
        method="POST",
        path=f"/{SLUG}.git/git-receive-pack",
        status=502,
        times=times,
    )

    notify(telling(place.slack("releases")), NEWS)

    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert (len(place.got), len(warnings)) == ((1, 0) if times == 1 else (0, 1))


def test_what_somebody_else_pushed_there_is_not_written_over(
    world: World, place: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    from datetime import UTC, datetime

    ledger = Ledger(Mirror(SLUG).fetch(), f"{TOLD}1.4.0")
    ledger.append({FILE: b"a diary"}, after=None, at=datetime(2026, 11, 24, tzinfo=UTC), message="mine")
    before = writes(world)

    notify(telling(place.slack("releases")), NEWS)

    assert (place.got, writes(world)) == ([], before)
    assert "does not hold what was told" in caplog.text


def test_a_rollback_of_the_same_name_is_told_again(world: World, place: Hook) -> None:
    """Its evidence says that the first one has ended."""
    back = telling(
        place.slack("releases"), kind="rollback", version=Version(1, 3, 0), withdraws=Version(1, 4, 0)
    )
    notify(back, NEWS)
    note(SLUG, back.name, ROLLED_BACK, {"tag": "1.3.0"})

    notify(back, NEWS)
    notify(back, NEWS)

    assert len(place.got) == 2
    assert sorted(states(back.name)) == ["0:approve-1", "1:approve-1"]
