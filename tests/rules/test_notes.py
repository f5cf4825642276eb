"""Release notes: grouped by what a change means, with links and authors, and nobody's Markdown obeyed."""

import pytest
from golden_files import Golden

from tasks.rules.commits import bump_of
from tasks.rules.notes import Change, release_notes
from tasks.rules.versions import Bump, Version

PULL = "https://github.com/acme/lakehouse/pull/"
COMPARE = "https://github.com/acme/lakehouse/compare/1.3.0...1.4.0"
BEFORE, NOW = Version(1, 3, 0), Version(1, 4, 0)

CHANGES = [
    Change("feat(ingest): read rows that come late (#12)", 12, "ravi", f"{PULL}12"),
    Change("fix: count empty days", 13, "rosa", f"{PULL}13"),
    Change("feat!: drop the old report", 14, "ravi", f"{PULL}14"),
    Change(
        "fix(report): round half up", 15, "rosa", f"{PULL}15", body="why\n\nBREAKING CHANGE: totals differ"
    ),
    Change("perf: read each file once", 16, "rosa", f"{PULL}16"),
    Change("docs: say who to ask", 17, "ravi", f"{PULL}17"),
    Change("revert: read rows that come late", 18, "ravi", f"{PULL}18"),
    Change("chore(deps): bump duckdb", 19, "dependabot[bot]", f"{PULL}19"),
    Change("Tidy up after the migration", 20, "rosa", f"{PULL}20"),
    Change("spike: try <b>something</b> | with `code`, @everyone and [a](link)", 21, "rosa", f"{PULL}21"),
    Change("# not a heading"),
    Change("1. not a list"),
    Change("- [ ] not a box"),
    Change("line\nbreak and \u202etxt.exe"),
    Change("odd author", 22, "not a login", None),
    Change("odd address (#7)", 23, "ravi", "javascript:alert(1)"),
]


def notes(changes: list[Change], previous: Version | None = BEFORE) -> str:
    return release_notes(NOW, changes, previous=previous, compare_url=COMPARE)


def test_notes_of_a_release(golden: Golden) -> None:
    golden.check("notes/release.md", notes(CHANGES))


@pytest.mark.parametrize(
    ("changes", "previous", "first_line"),
    [
        ([], BEFORE, "1.4.0: no merged change since 1.3.0."),
        (CHANGES[:1], BEFORE, "1.4.0: one change since 1.3.0."),
        (CHANGES[:2], None, "1.4.0: 2 changes in the first release."),
    ],
)
def test_the_first_line_says_how_much(
    changes: list[Change], previous: Version | None, first_line: str
) -> None:
    assert notes(changes, previous).splitlines()[0] == first_line


def test_the_first_release_compares_with_nothing() -> None:
    assert "compare" not in notes(CHANGES[:1], None)


def test_a_change_is_listed_once() -> None:
    text = notes(CHANGES)

    assert text.count("drop the old report") == 1
    assert sum(line.startswith("- ") for line in text.splitlines()) == len(CHANGES)


def test_the_bump_is_read_from_the_same_changes() -> None:
    assert bump_of((change.message for change in CHANGES[:2]), released=BEFORE) is Bump.MINOR
    assert bump_of((change.message for change in CHANGES[3:4]), released=BEFORE) is Bump.MAJOR
