"""What stands against a commit that must get into a branch, when it is looked at again, and what it is called."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from tasks.rules.settings import BackMergeMode, ReleaseSettings
from tasks.rules.syncs import Looked, Obstacle, Sync, against, fingerprint, is_into, name_of, next_look

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CLEAN = Looked(contained=False, state="open", head="a" * 40, conflicts=(), checks={})
CONFLICT = replace(CLEAN, conflicts=("README.md",))
WANTS_CI = replace(CLEAN, required=("ci", "lint"), checks={"ci": "success", "other": "failure"})


@pytest.mark.parametrize(
    ("looked", "mode", "merge_commits", "expected"),
    [
        pytest.param(CLEAN, "merge", True, None, id="clean"),
        pytest.param(replace(CLEAN, conflicts=None), "merge", True, None, id="an old git cannot say"),
        pytest.param(CLEAN, "pull_request", True, Obstacle.PEOPLE, id="people merge"),
        pytest.param(CONFLICT, "merge", True, Obstacle.CONFLICT, id="a conflict"),
        pytest.param(CONFLICT, "pull_request", False, Obstacle.CONFLICT, id="a conflict comes first"),
        pytest.param(CLEAN, "merge", False, Obstacle.NO_MERGE_COMMITS, id="no merge commits"),
        pytest.param(WANTS_CI, "merge", True, Obstacle.CHECKS, id="one has not begun"),
        pytest.param(
            replace(WANTS_CI, checks={"ci": "success", "lint": "pending"}),
            "merge",
            True,
            Obstacle.CHECKS,
            id="one goes on",
        ),
        pytest.param(
            replace(WANTS_CI, checks={"ci": "success", "lint": "success"}),
            "merge",
            True,
            None,
            id="all green",
        ),
        pytest.param(
            replace(WANTS_CI, checks={"lint": "failure"}), "merge", True, Obstacle.FAILING, id="one failed"
        ),
        pytest.param(
            replace(WANTS_CI, checks={"lint": "failure"}),
            "pull_request",
            True,
            Obstacle.FAILING,
            id="people must know of it, too",
        ),
        pytest.param(WANTS_CI, "pull_request", True, Obstacle.PEOPLE, id="people see the checks themselves"),
        pytest.param(replace(WANTS_CI, checks=None), "merge", True, None, id="our token may not see them"),
    ],
)
def test_what_stands_against_it(
    looked: Looked, mode: BackMergeMode, *, merge_commits: bool, expected: Obstacle | None
) -> None:
    found = against(looked, mode, merge_commits=merge_commits)

    assert (found.obstacle if found else None) is expected


def test_the_checks_that_are_waited_for_are_named() -> None:
    found = against(WANTS_CI, "merge", merge_commits=True)

    assert found is not None
    assert found.names == ("lint",)


def test_every_change_that_matters_is_another_fingerprint() -> None:
    shown = replace(WANTS_CI, reviews=[(1, "COMMENTED")])
    changes = [
        shown,
        replace(shown, contained=True),
        replace(shown, state="closed"),
        replace(shown, head="b" * 40),
        replace(shown, conflicts=("README.md",)),
        replace(shown, conflicts=None),
        replace(shown, required=("ci",)),
        replace(shown, checks={"ci": "success", "lint": "pending"}),
        replace(shown, checks=None),
        replace(shown, reviews=[(1, "COMMENTED"), (2, "APPROVED")]),
    ]

    for one, other in combinations(changes, 2):
        assert fingerprint(one) != fingerprint(other)
    assert fingerprint(replace(shown, checks={"ci": "success"})) == fingerprint(shown), (
        "nobody demands the other"
    )


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), MINUTE),
        (timedelta(minutes=10), MINUTE),
        (timedelta(minutes=50), 5 * MINUTE),
        (timedelta(days=3), 60 * MINUTE),
        (timedelta(minutes=-5), MINUTE),
    ],
)
def test_the_longer_checks_take_the_later_is_the_next_look(age: timedelta, expected: timedelta) -> None:
    assert next_look(NOON, since=NOON - age) == NOON + expected


@pytest.mark.parametrize(
    ("message", "tagged", "name"),
    [
        pytest.param("anything", ["v1.4.1", "nightly"], "1.4.1", id="tagged"),
        pytest.param("anything", ["v1.4.1", "v1.10.0"], "1.10.0", id="tagged twice"),
        pytest.param(
            "Merge pull request #7 from hotfix/1.4.1\n\nRelease", [], "1.4.1", id="merged by dabflow"
        ),
        pytest.param("Merge pull request #7 from acme/release/1.5.0", [], "1.5.0", id="merged in the page"),
        pytest.param(
            "Merge pull request #7 from acme/fix/1.5.0", [], "main-aaaaaaaaaaaa", id="of no release"
        ),
        pytest.param("fix: by hand", ["nightly"], "main-aaaaaaaaaaaa", id="by hand"),
    ],
)
def test_what_people_call_a_commit_of_productions_branch(message: str, tagged: list[str], name: str) -> None:
    assert name_of("a" * 40, message, tagged, ReleaseSettings(tag_prefix="v")) == name


def test_a_sync_branch_says_what_it_carries_where() -> None:
    sync = Sync("1.4.1", "a" * 40, "release/1.5.0")

    assert sync.branch == "sync/1.4.1-into-release-1.5.0"
    assert is_into(sync.branch, "release/1.5.0")
    assert not is_into(sync.branch, "release/11.5.0")
    assert not is_into("feature/x-into-release-1.5.0", "release/1.5.0")
