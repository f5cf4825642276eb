"""The mirror: what it says about the repository, against real git over HTTP."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_place import SLUG, Place

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems import git_environment
from tasks.systems.git_answers import is_sha
from tasks.systems.git_repo import Commit, Mirror

pytest_plugins = ["hub_fixtures"]

NOWHERE = "d" * 40
PROJECT = Path(__file__).parents[2]

READS: dict[str, Callable[[Mirror], object]] = {
    "branches": lambda mirror: mirror.branches(),
    "tags": lambda mirror: mirror.tags(),
    "default branch": lambda mirror: mirror.default_branch(),
    "tree": lambda mirror: mirror.tree("develop"),
    "commit": lambda mirror: mirror.commit("develop"),
    "commits": lambda mirror: mirror.commits(after=None, upto="develop"),
    "is ancestor": lambda mirror: mirror.is_ancestor("main", "develop"),
    "read": lambda mirror: mirror.read("develop", "README.md"),
    "changed files": lambda mirror: mirror.changed_files("main", "develop"),
}


def test_branches_and_tags(place: Place) -> None:
    head = place.commit("a.txt", "a")
    place.git("tag", "light")
    place.git("tag", "--annotate", "1.0.0", "--message", "Release 1.0.0")
    place.push("--tags")

    mirror = Mirror(SLUG).fetch()

    assert mirror.branches() == {"develop": head, "main": place.git("rev-parse", "HEAD^")}
    assert mirror.tags() == {"light": head, "1.0.0": head}
    assert place.git("rev-parse", "1.0.0") != head


def test_the_default_branch_is_what_the_server_says(place: Place) -> None:
    assert Mirror(SLUG).default_branch() == "develop"


def test_commits(place: Place) -> None:
    first = place.git("rev-parse", "HEAD")
    place.branch("feature/a")
    side = place.commit("a.txt", "a", "feat: a\n\nwith a body")
    place.git("checkout", "--quiet", "develop")
    place.git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #1", "feature/a")
    place.push("HEAD")
    merge = place.git("rev-parse", "HEAD")
    when = int(place.git("log", "-1", "--format=%ct"))
    mirror = Mirror(SLUG).fetch()

    assert mirror.commit(merge) == Commit(merge, (first, side), "Ravi", when, "Merge pull request #1")
    assert mirror.commit(side).message == "feat: a\n\nwith a body"
    assert [c.sha for c in mirror.first_parent_commits(after=first, upto=merge)] == [merge]
    assert [c.sha for c in mirror.first_parent_commits(after=None, upto=merge)] == [merge, first]
    assert {c.sha for c in mirror.commits(after=first, upto=merge)} == {merge, side}
    assert mirror.commits(after=merge, upto=merge) == []
    assert mirror.is_ancestor(first, merge)
    assert not mirror.is_ancestor(merge, first)
    assert mirror.changed_files(first, merge) == ["a.txt"]
    assert mirror.tree(merge) == place.git("rev-parse", "HEAD^{tree}")


@pytest.mark.parametrize("path", ["ä b.txt", 'folder/with "quotes".txt'])
def test_changed_files_are_named_as_they_are(place: Place, path: str) -> None:
    before = place.git("rev-parse", "HEAD")
    after = place.commit(path, "x")

    assert Mirror(SLUG).changed_files(before, after) == [path]


def test_reading_a_file(place: Place) -> None:
    head = place.commit("folder/release.yaml", "tag_prefix: v\n\n")
    mirror = Mirror(SLUG).fetch()

    assert mirror.read(head, "folder/release.yaml") == "tag_prefix: v\n\n"
    assert mirror.read(head, "release.yaml") is None
    assert mirror.read(head, "folder") is None


def test_a_deleted_branch_and_a_moved_tag_are_seen(place: Place) -> None:
    place.git("tag", "1.0.0")
    place.branch("release/1.0.0")
    place.push("release/1.0.0", "1.0.0")
    mirror = Mirror(SLUG).fetch()
    place.push(":release/1.0.0")
    moved = place.commit("b.txt", "b")
    place.git("tag", "--force", "1.0.0")
    place.push("--force", "1.0.0", ":release/1.0.0", "develop:release/1.0.0/b")

    mirror.fetch()

    assert "release/1.0.0" not in mirror.branches()
    assert "release/1.0.0/b" in mirror.branches()
    assert mirror.tags() == {"1.0.0": moved}


@pytest.mark.parametrize("name", READS)
def test_a_mirror_that_was_never_fetched_asks_first(place: Place, name: str) -> None:
    """An empty folder on a new worker is not a repository without branches."""
    assert READS[name](Mirror(SLUG)) not in ({}, [], None) or name in {"tags", "changed files"}
    assert any(path.endswith("git-upload-pack") for path in place.asked())


@pytest.mark.parametrize("name", READS)
def test_no_answer_is_never_absent(
    place: Place, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DABFLOW_HOME", str(tmp_path / "elsewhere"))
    place.arm("before", ".*/info/refs", times=9)

    with pytest.raises(TryAgain, match="git could not read"):
        READS[name](Mirror(SLUG))


def test_a_fetch_that_fails_leaves_what_was_known(place: Place) -> None:
    mirror = Mirror(SLUG).fetch()
    known = mirror.branches()
    place.arm("before", ".*/info/refs", times=9)

    with pytest.raises(TryAgain):
        mirror.fetch()

    assert mirror.branches() == known


def test_a_server_that_keeps_silent_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_environment, "STALLED_AFTER_SECONDS", 1)
    place.arm("slow", ".*/info/refs", seconds=20)
    started = time.monotonic()

    with pytest.raises(TryAgain):
        Mirror(SLUG).fetch()

    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda mirror: mirror.tree(NOWHERE), id="tree"),
        pytest.param(lambda mirror: mirror.commit(NOWHERE), id="commit"),
        pytest.param(lambda mirror: mirror.is_ancestor("main", NOWHERE), id="is ancestor"),
        pytest.param(lambda mirror: mirror.read(NOWHERE, "README.md"), id="read"),
        pytest.param(lambda mirror: mirror.changed_files("main", NOWHERE), id="changed files"),
        pytest.param(lambda mirror: mirror.worktree(NOWHERE).__enter__(), id="worktree"),
    ],
)
def test_a_commit_that_is_nowhere_is_for_people(place: Place, act: Callable[[Mirror], object]) -> None:
    with pytest.raises(NeedsHuman, match="git could not") as stop:
        act(Mirror(SLUG).fetch())

    assert "history rewritten" in stop.value.remedy


def test_an_unknown_repository_and_a_wrong_token_are_no_empty_repository(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TryAgain, match="git could not read"):
        Mirror("acme/nothing").branches()

    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", "wrong-0123456789")
    with pytest.raises(TryAgain, match="the token may read") as stop:
        Mirror(SLUG).branches()
    assert "wrong-0123456789" not in str(stop.value)


def test_an_empty_repository_has_no_default_branch(place: Place) -> None:
    place.hub.create_repository("acme", "empty")

    assert Mirror("acme/empty").branches() == {}
    with pytest.raises(NeedsHuman, match="no default branch"):
        Mirror("acme/empty").default_branch()


def test_without_a_token_nothing_is_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DABFLOW_GITHUB_TOKEN")
    before = place.asked()

    with pytest.raises(NeedsHuman, match="no connection to GitHub"):
        Mirror(SLUG).fetch()

    assert place.asked() == before


@pytest.mark.parametrize(
    ("text", "expected"), [("a" * 40, True), ("A" * 40, False), ("a" * 39, False), (f"{'a' * 40}\n", False)]
)
def test_is_sha(text: str, *, expected: bool) -> None:
    assert is_sha(text) is expected


def test_the_lock_of_a_killed_git_is_removed(place: Place) -> None:
    mirror = Mirror(SLUG).fetch()
    head = place.commit("c.txt", "c")
    lock = mirror.path / "refs" / "heads" / "develop.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()

    with pytest.raises(TryAgain):
        mirror.fetch()  # a lock this young may be somebody's

    os.utime(lock, (time.time() - 3600, time.time() - 3600))
    assert mirror.fetch().branches()["develop"] == head


def test_a_half_made_mirror_is_made_again(place: Place) -> None:
    """A process was killed while it made the mirror."""
    mirror = Mirror(SLUG)
    (mirror.path / "objects").mkdir(parents=True)

    assert set(mirror.branches()) == {"develop", "main"}


def test_two_processes_at_once_make_one_mirror(place: Place) -> None:
    code = f"from tasks.systems.git_repo import Mirror; print(sorted(Mirror({SLUG!r}).fetch().branches()))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=PROJECT)
        for _ in range(3)
    ]

    answers = [process.communicate(timeout=60)[0] for process in processes]

    assert answers == ["['develop', 'main']\n"] * 3
    assert [p.name for p in Mirror(SLUG).path.parent.glob("lakehouse*")].count("lakehouse.git") == 1
