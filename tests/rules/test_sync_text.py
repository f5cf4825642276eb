"""What people read about a commit on its way into a branch."""

import pytest
from golden_files import Golden

from tasks.rules.conflicts import Clash, Clashes, Origin, Side, number_in, picked_from
from tasks.rules.markdown import GITHUB_LIMIT
from tasks.rules.phases import Phase
from tasks.rules.release import Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.sync_text import (
    contained_line,
    missing,
    obstacle_comment,
    sync_body,
    sync_message,
    sync_title,
    sync_waiting_description,
)
from tasks.rules.syncs import Against, Obstacle, Sync, Synced
from tasks.rules.versions import Version

SYNC = Sync("1.4.1", "a" * 40, "release/1.5.0", 12)
RELEASE = Release(
    "acme/lakehouse",
    Version(1, 4, 1),
    Phase.PUBLISHED,
    ReleaseSettings(),
    source="",
    requested_by="rita",
    reason="",
)
FOUND = [
    Against(Obstacle.CONFLICT, ("README.md", "src/a.py", "src/b.py", "src/c.py", "src/d.py")),
    Against(Obstacle.CONFLICT),
    Against(Obstacle.NO_MERGE_COMMITS),
    Against(Obstacle.FAILING, ("ci", "lint")),
    Against(Obstacle.PEOPLE),
    Against(Obstacle.CHECKS, ("ci",)),
    Against(Obstacle.REFUSED, said="GitHub answered 405 Changes must be made through the merge queue"),
]


def test_a_conflict_where_people_merge(golden: Golden) -> None:
    """Long lists are cut, the rest is counted; what others wrote is shown as it is."""
    mine = Side((Origin("1" * 40, "fix: round <b>halves</b> @rosa", 7), Origin("2" * 40, "fix: other")), 4)
    there = Side((Origin("3" * 40, "feat: cents (#9)", 9),))
    clashes = Clashes((Clash("src/`odd`.py", mine, there), Clash("README.md", Side(()), there)), 1_200)
    found = Against(Obstacle.CONFLICT, ("src/`odd`.py", "README.md"))

    text = obstacle_comment("acme/lakehouse", SYNC, found, mode="pull_request", clashes=clashes)

    golden.check("texts/sync_conflict_people.md", text)


def test_each_obstacle_in_a_line(golden: Golden) -> None:
    lines = [missing(SYNC, found) for found in FOUND]

    golden.check("texts/sync_missing.txt", "\n".join(lines) + "\n")


def test_the_short_texts(golden: Golden) -> None:
    waits = Synced(SYNC, url="https://github.example/pull/12", missing=missing(SYNC, FOUND[0]))
    synced = [Synced(Sync("1.4.1", "a" * 40, "develop"), done=True), waits]
    texts = {
        "title": sync_title(SYNC),
        "body": sync_body(SYNC),
        "message": sync_message(SYNC),
        "waits": sync_waiting_description(RELEASE, synced),
        "contained": contained_line(synced),
        "refused": obstacle_comment("acme/lakehouse", SYNC, FOUND[-1], mode="merge"),
    }

    golden.check("texts/sync_short.txt", "".join(f"# {name}\n{text}\n" for name, text in texts.items()))


def test_nothing_is_longer_than_github_takes() -> None:
    side = Side(tuple(Origin("1" * 40, "x" * 5_000, 7) for _ in range(3)))
    clashes = Clashes(tuple(Clash(f"{n}", side, side) for n in range(10)))

    text = obstacle_comment("acme/lakehouse", SYNC, FOUND[0], mode="merge", clashes=clashes)

    assert len(text) <= GITHUB_LIMIT


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("Merge pull request #12 from acme/feature/x\n\nwords", 12),
        ("fix: cents (#9)", 9),
        ("fix: cents (#9)\n\nmore", 9),
        ("fix: cents, as in #9", 0),
        ("Merge pull request #12 from acme/sync/1.4.1-into-develop", 0),
        ("Back-merge 1.4.1 into develop", 0),
    ],
)
def test_the_pull_request_that_a_commit_names(message: str, number: int) -> None:
    assert number_in(message) == number


def test_what_a_commit_is_a_copy_of() -> None:
    told = f"fix: cents\n\n(cherry picked from commit {'b' * 40})\n(cherry picked from commit {'c' * 40})"

    assert picked_from(told) == "b" * 40
    assert picked_from("fix: cents") is None
