"""What a waiting run stores about itself, and when it is woken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import combinations
from typing import Any

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.rules.syncs import Sync
from tasks.rules.waiting import OnGitHub, Waiting, fingerprint, must_remind, wakes

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
WAITING = Waiting(
    repository="acme/lakehouse",
    version="1.4.0",
    branch="release/1.4.0",
    number=7,
    question="approve-aaaaaaaaaaaa-dddddddddddd",
    missing="1 of 2 from data-platform",
    deadline=NOON + 30 * DAY,
    remind_at=NOON + 27 * DAY,
    wake_at=None,
    seen="f" * 32,
)
SHOWN = OnGitHub("open", "main", "a" * 40, [(1, "APPROVED", "fine"), (2, "COMMENTED", "")], "")


@pytest.mark.parametrize("wake_at", [None, NOON, datetime(2026, 11, 24, 13, tzinfo=timezone(HOUR))])
def test_it_is_read_as_it_was_stored(wake_at: datetime | None) -> None:
    waiting = replace(WAITING, wake_at=wake_at)

    assert Waiting.of_json(waiting.to_json()) == waiting


def test_what_is_on_its_way_is_read_as_it_was_stored() -> None:
    waiting = replace(WAITING, syncs=(Sync("1.4.1", "a" * 40, "develop", 7), Sync("1.4.1", "a" * 40, "x", 8)))

    assert Waiting.of_json(waiting.to_json()) == waiting
    assert Waiting.of_json({k: v for k, v in WAITING.to_json().items() if k != "syncs"}) == WAITING


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "text",
        {},
        {**WAITING.to_json(), "something": "else"},
        {**WAITING.to_json(), "deadline": "soon"},
        {**WAITING.to_json(), "deadline": "2026-12-24T12:00:00"},
        {name: value for name, value in WAITING.to_json().items() if name != "seen"},
    ],
)
def test_what_is_no_such_thing_is_refused(stored: Any) -> None:
    with pytest.raises(NeedsHuman, match="cannot be read"):
        Waiting.of_json(stored)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (NOON, 30 * 86_400),
        (NOON + 29 * DAY, 86_400),
        (NOON + 30 * DAY - SECOND / 2, 1),
        (NOON + 31 * DAY, 1),
    ],
)
def test_a_deadline_does_not_move(now: datetime, left: int) -> None:
    assert WAITING.seconds_left(now) == left


CHANGES = [
    SHOWN,
    replace(SHOWN, state="merged"),
    replace(SHOWN, base="develop"),
    replace(SHOWN, head="b" * 40),
    replace(SHOWN, head=None),
    replace(SHOWN, reviews=[(1, "APPROVED", "fine")]),
    replace(SHOWN, reviews=[(1, "DISMISSED", "fine"), (2, "COMMENTED", "")]),
    replace(SHOWN, reviews=[(1, "APPROVED", "/override freeze it burns"), (2, "COMMENTED", "")]),
    replace(SHOWN, reviews=[(1, "APPROVED", "fine"), (3, "COMMENTED", "")]),
    replace(SHOWN, blocked="rosa: the figures are wrong"),
    replace(SHOWN, base_head="c" * 40),
    replace(SHOWN, held=["1.5.0"]),
    replace(SHOWN, half_way="1.5.0"),
]


def test_every_change_on_github_is_another_fingerprint() -> None:
    for one, other in combinations(CHANGES, 2):
        assert fingerprint(one) != fingerprint(other)


def test_the_order_of_reviews_is_no_change() -> None:
    assert fingerprint(replace(SHOWN, reviews=list(reversed(SHOWN.reviews)))) == fingerprint(SHOWN)


@pytest.mark.parametrize(
    ("wake_at", "seen", "why"),
    [
        (None, "f" * 32, ""),
        (NOON + SECOND, "f" * 32, ""),
        (NOON, "f" * 32, "the time has come that it waited for"),
        (NOON - DAY, "f" * 32, "the time has come that it waited for"),
        (None, "e" * 32, "GitHub shows something new"),
        (NOON + SECOND, "e" * 32, "GitHub shows something new"),
    ],
)
def test_when_a_run_is_woken(wake_at: datetime | None, seen: str, why: str) -> None:
    assert wakes(replace(WAITING, wake_at=wake_at), seen=seen, now=NOON) == why


@pytest.mark.parametrize(
    ("now", "reminds"),
    [
        (NOON, False),
        (WAITING.remind_at - SECOND, False),
        (WAITING.remind_at, True),
        (WAITING.deadline - SECOND, True),
        (WAITING.deadline, False),
    ],
)
def test_when_people_are_reminded(now: datetime, *, reminds: bool) -> None:
    assert must_remind(WAITING, now) is reminds
