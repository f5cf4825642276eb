"""What git says about merges that nobody has made."""

import os
from pathlib import Path

import pytest
from hub_place import SLUG, Place

from tasks.systems.git_merges import Merges
from tasks.systems.git_repo import Mirror

pytest_plugins = ["hub_fixtures"]


@pytest.fixture
def sides(place: Place) -> tuple[str, str]:
    """Two branches that changed README.md differently, one of them also another file; only what they need is here."""
    place.branch("mine")
    place.commit("odd name\u00fc.txt", "x", "feat: odd")
    mine = place.commit("README.md", "# mine\n", "fix: mine")
    place.branch("theirs", "develop")
    return mine, place.commit("README.md", "# theirs\n", "fix: theirs")


def test_the_files_that_conflict(place: Place, sides: tuple[str, str]) -> None:
    mine, theirs = sides
    merges = Merges(Mirror(SLUG).fetch())

    assert merges.conflicts(mine, theirs) == ("README.md",)
    assert merges.conflicts(mine, place.git("rev-parse", "develop")) == ()


def test_names_are_as_they_are(place: Place, sides: tuple[str, str]) -> None:
    theirs = place.commit("odd name\u00fc.txt", "y", "feat: other")

    assert Merges(Mirror(SLUG).fetch()).conflicts(sides[0], theirs) == ("README.md", "odd name\u00fc.txt")


def test_an_older_git_cannot_say(
    sides: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merges = Merges(Mirror(SLUG).fetch())
    older = tmp_path / "bin" / "git"
    older.parent.mkdir()
    older.write_text("#!/bin/sh\necho usage: git merge-tree >&2\nexit 129\n")
    older.chmod(0o755)
    monkeypatch.setenv("PATH", f"{older.parent}{os.pathsep}{os.environ['PATH']}")

    assert merges.conflicts(*sides) is None


def test_whose_commits_changed_a_file(place: Place, sides: tuple[str, str]) -> None:
    merges, develop = Merges(Mirror(SLUG).fetch()), place.git("rev-parse", "develop")
    assert merges.base(*sides) == develop

    commits, count = merges.changes_of("README.md", after=develop, upto=sides[0], most=3)

    assert ([commit.message for commit in commits], count) == (["fix: mine"], 1)
    assert merges.changes_of("README.md", after=develop, upto=sides[0], most=0) == ([], 1)


def test_the_merges_that_brought_a_commit(place: Place, sides: tuple[str, str]) -> None:
    """Not those that brought something else into its own branch."""
    fix = sides[1]
    place.branch("other", "develop")
    place.commit("other.txt", "x")
    place.git("checkout", "--quiet", "theirs")
    place.git("merge", "--quiet", "--no-ff", "-m", "Merge other into theirs", "other")
    place.branch("next", "develop")
    place.git("merge", "--quiet", "--no-ff", "-m", "Merge pull request #7 from acme/theirs", "theirs")
    place.branch("last", "develop")
    place.git("merge", "--quiet", "--no-ff", "-m", "Merge pull request #8 from acme/next", "next")
    place.push("theirs", "next", "last")
    mirror = Mirror(SLUG).fetch()

    found = list(Merges(mirror).brought_by(fix, mirror.branches()["last"]))

    assert found == ["Merge pull request #7 from acme/theirs", "Merge pull request #8 from acme/next"]
