"""The refs that are read from files are those that git itself names."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.github.bare import BareRepository
from sandbox.github.objects import Person
from sandbox.github.ref_files import refs_in

NAMES = [
    "refs/heads/develop",
    "refs/heads/release/1.4.0",
    "refs/heads/straße",
    "refs/heads/two\u2028lines",
    "refs/heads/#1",
    "refs/tags/1.3.0",
    "refs/dabflow/evidence/1.4.0",
    "refs/pull/7/head",
]
SOMEBODY = Person("ravi", "ravi@acme.example", datetime(2026, 7, 1, tzinfo=UTC))


@pytest.fixture
def repository(tmp_path: Path) -> BareRepository:
    made = BareRepository.create(tmp_path / "some.git", "develop")
    tree = made.run("mktree")
    commit = made.commit_tree(tree, [], "feat: begin", author=SOMEBODY, committer=SOMEBODY)
    for name in NAMES:
        made.update_ref(name, commit)
    names = {"GIT_COMMITTER_NAME": "ravi", "GIT_COMMITTER_EMAIL": "ravi@acme.example"}
    made.run("tag", "--annotate", "--message", "1.2.0", "1.2.0", commit, variables=names)
    return made


def as_git_says(repository: BareRepository) -> dict[str, str]:
    said = repository.run("for-each-ref", "--format=%(objectname) %(refname)").split("\n")
    return {name: sha for sha, _, name in (line.partition(" ") for line in said if line)}


def test_loose_ones(repository: BareRepository) -> None:
    assert list(refs_in(repository.path).items()) == list(as_git_says(repository).items())
    assert {*NAMES, "refs/tags/1.2.0"} == set(refs_in(repository.path))


def test_packed_ones_and_what_moved_or_went_since(repository: BareRepository) -> None:
    before = refs_in(repository.path)
    repository.run("pack-refs", "--all")
    assert refs_in(repository.path) == before

    moved = repository.commit_tree(
        repository.run("mktree"), [before[NAMES[0]]], "fix: more", author=SOMEBODY, committer=SOMEBODY
    )
    repository.update_ref(NAMES[0], moved, before[NAMES[0]])
    repository.update_ref(NAMES[1], "0" * 40, before[NAMES[1]])

    assert refs_in(repository.path) == as_git_says(repository)
    assert refs_in(repository.path)[NAMES[0]] == moved
    assert NAMES[1] not in refs_in(repository.path)


def test_one_that_is_being_written_is_where_it_was(repository: BareRepository) -> None:
    before = refs_in(repository.path)
    (repository.path / f"{NAMES[0]}.lock").write_text("1" * 40 + "\n")

    assert refs_in(repository.path) == before


def test_an_empty_repository_has_none(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path], check=True)

    assert refs_in(tmp_path) == {}
