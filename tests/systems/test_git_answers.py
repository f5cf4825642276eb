"""What git has said is kept as long as it holds, and no longer."""

import os
from pathlib import Path

import pytest

from tasks.systems import git_answers
from tasks.systems.git_answers import Answers

ONE, OTHER = "1" * 40, "2" * 40


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    file = tmp_path / "moved"
    file.touch()
    return file


def move(moved: Path) -> None:
    seen = moved.stat().st_mtime_ns
    os.utime(moved, ns=(seen + 1, seen + 1))


def test_what_refs_say_holds_until_they_move(tmp_path: Path, moved: Path) -> None:
    answers, said = Answers(tmp_path, moved), iter("abc")

    assert [answers.until_moved(("refs",), lambda: next(said)) for _ in range(2)] == ["a", "a"]
    move(moved)
    assert answers.until_moved(("refs",), lambda: next(said)) == "b"


def test_what_is_said_of_commits_holds_for_every_step(tmp_path: Path, moved: Path) -> None:
    said = iter("abc")

    def ask(question: str, *commits: str) -> str:
        return Answers(tmp_path, moved).of_commits((question, *commits), lambda: next(said), *commits)

    assert ask("contains", ONE, OTHER) == "a"
    move(moved)
    assert ask("contains", ONE, OTHER) == "a"
    assert ask("contains", OTHER, ONE) == "b", "another question"


def test_a_branch_is_no_commit(tmp_path: Path, moved: Path) -> None:
    answers, said = Answers(tmp_path, moved), iter("abc")

    assert answers.of_commits(("tree", "main"), lambda: next(said), "main") == "a"
    move(moved)
    assert answers.of_commits(("tree", "main"), lambda: next(said), "main") == "b"


def test_what_could_not_be_answered_is_asked_again(tmp_path: Path, moved: Path) -> None:
    answers = Answers(tmp_path, moved)

    with pytest.raises(ZeroDivisionError):
        answers.of_commits(("tree", ONE), lambda: 1 // 0, ONE)
    assert answers.of_commits(("tree", ONE), lambda: 2, ONE) == 2


class Forgotten(dict[object, object]):
    """As if a step beside this one forgot everything right after each look."""

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        self.clear()
        return found

    def get(self, key: object, default: object = None) -> object:
        found = super().get(key, default)
        self.clear()
        return found


def test_an_answer_that_is_there_is_given_also_when_it_is_forgotten_meanwhile(
    tmp_path: Path, moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_answers, "_for_good", Forgotten())
    answers = Answers(tmp_path, moved)

    for _ in range(2):
        assert answers.of_commits(("tree", ONE), lambda: "a", ONE) == "a"


def test_no_more_is_kept_than_there_is_room_for(
    tmp_path: Path, moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[object, object] = {}
    monkeypatch.setattr(git_answers, "_for_good", kept)
    monkeypatch.setattr(git_answers, "_MOST", 2)

    for number in range(5):
        assert Answers(tmp_path, moved).of_commits((str(number), ONE), lambda: 7, ONE) == 7

    assert len(kept) == 1
