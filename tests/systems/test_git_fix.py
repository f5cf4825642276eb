"""A fix in git: what it is made of, and what it becomes on top of another commit."""

import shutil
from pathlib import Path

import pytest
from fix_place import SLUG, FixPlace

from tasks.rules.errors import TryAgain
from tasks.systems.git_fix import Conflict, fetch_pull, merged, not_in, oldest_first, own_changes, picked
from tasks.systems.git_repo import Mirror

pytest_plugins = ["fix_fixtures"]


def mirror() -> Mirror:
    return Mirror(SLUG).fetch()


def test_picks_are_the_same_wherever_they_are_made(
    fixes: FixPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Author, both times and message are the original's; the committer is dabflow."""
    commits = [fixes.commit(line=10), fixes.commit(line=12)]
    here = mirror()
    made = picked(here, commits, here.tags()["1.3.0"])

    monkeypatch.setenv("DABFLOW_HOME", str(tmp_path / "another-worker"))
    there = mirror()
    assert picked(there, commits, there.tags()["1.3.0"]) == made
    how = "--format=%an <%ae> %at %cn <%ce> %ct %B"
    shown = str(there.command().show("-s", how, made)).strip()
    author = str(
        there.command().show(
            "-s", "--format=%an <%ae> %at dabflow <dabflow@users.noreply.github.com> %ct", commits[1]
        )
    )
    assert shown == f"{author} fix: line 12\n\n(cherry picked from commit {commits[1]})"


def test_what_changes_nothing_is_dropped(fixes: FixPlace) -> None:
    first, second = fixes.commit(line=10), fixes.commit(line=12)
    fixes.place.git("commit", "--quiet", "--allow-empty", "--message", "chore: nothing")
    fixes.place.push("fix")
    empty = fixes.place.git("rev-parse", "HEAD")
    fixes.commit("other", start="main", line=10)
    here = mirror()
    onto = here.branches()["other"]

    made = picked(here, [first, empty, second], onto)

    assert [c.message.split("\n")[0] for c in here.commits(after=onto, upto=made)] == ["fix: line 12"]
    assert picked(here, [first, empty], onto) == onto


def test_a_conflict_names_its_files_and_leaves_nothing_behind(fixes: FixPlace) -> None:
    commit = fixes.commit(line=0)
    here = mirror()

    for _ in range(2):
        with pytest.raises(Conflict) as found:
            picked(here, [commit], here.tags()["1.3.0"])
        assert (found.value.commit, found.value.files) == (commit, ("orders.txt",))

    assert list((here.path.parent / f"{here.path.stem}.worktrees").iterdir()) == []


def test_a_merge(fixes: FixPlace) -> None:
    hot = fixes.commit("hot", start="main")
    fixes.commit("other", start="main", line=10, text="otherwise")
    here = mirror()

    made = merged(here, hot, here.tags()["1.3.0"], "Merge it")

    assert here.commit(made).parents == (here.tags()["1.3.0"], hot)
    assert merged(here, hot, made, "again") == made
    assert merged(here, hot, here.tags()["1.3.0"], "Merge it") == made
    with pytest.raises(Conflict):
        merged(here, hot, here.branches()["other"], "Merge it")


def test_which_commits_another_one_lacks(fixes: FixPlace) -> None:
    """It has what it contains, and what one of its commits says it was picked from."""
    first, second = fixes.commit(line=10), fixes.commit(line=12)
    here = mirror()
    tag = here.tags()["1.3.0"]

    assert not_in(here, [first, second], tag) == [first, second]
    assert not_in(here, [first, second], first) == [second]
    assert not_in(here, [first, second], picked(here, [second], tag)) == [first]
    assert not_in(here, [], tag) == []


def test_the_order_of_commits_is_that_of_git(fixes: FixPlace) -> None:
    commits = [fixes.commit(line=10), fixes.commit(line=12), fixes.commit(line=14)]
    here = mirror()

    found = oldest_first(here, list(reversed(commits)), commits[-1])

    assert [commit.sha for commit in found] == commits
    assert oldest_first(here, [], commits[-1]) == []


def test_what_a_merge_changes_itself(fixes: FixPlace) -> None:
    place = fixes.place
    fixes.commit("other", line=15)
    fixes.commit()
    place.git("merge", "--quiet", "--no-edit", "other")
    plain = place.git("rev-parse", "HEAD")
    place.git("checkout", "--quiet", "-b", "third", "develop")
    place.git("merge", "--quiet", "--no-commit", "--no-ff", "other")
    (place.work / "README.md").write_text("mended\n")
    place.git("commit", "--quiet", "--all", "--message", "Merge other")
    place.push("fix", "third")
    here = mirror()

    assert own_changes(here, here.commit(plain)) == ()
    assert own_changes(here, here.commit("third")) == ("README.md",)


def test_the_head_of_a_pull_request_whose_branch_is_gone(fixes: FixPlace) -> None:
    commit = fixes.commit()
    number = fixes.pull()
    fixes.api("DELETE", "/git/refs/heads/fix")
    here = mirror()
    assert not here.has(commit)

    fetch_pull(here, number)

    assert here.has(commit)
    with pytest.raises(TryAgain, match="refs/pull/99/head"):
        fetch_pull(here, 99)


def test_the_server_gives_no_files(fixes: FixPlace) -> None:
    """Contents come when they are needed: without them nothing is said about conflicts."""
    commit = fixes.commit()
    here = mirror()
    with here.worktree(here.tags()["1.3.0"]):
        pass
    fixes.place.arm("before", f"/{SLUG}.git/git-upload-pack", method="POST", times=50, status=502)

    with pytest.raises(TryAgain):
        picked(here, [commit], here.tags()["1.3.0"])

    shutil.rmtree(here.path)
