"""What dabflow must be allowed on GitHub: the table that people follow says the same."""

import re
from pathlib import Path

import pytest

from tasks.rules.rights import RIGHTS, lacking

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "github-app.md"
ALL = {right.name: right.level for right in RIGHTS}


def test_the_page_names_each_right() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| [^|]+ \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert rows == [(right.name, right.level, right.what_for) for right in RIGHTS]


@pytest.mark.parametrize(
    ("changed", "lacks"),
    [
        ({}, []),
        ({"contents": "admin"}, []),
        ({"contents": "read"}, ["contents: write"]),
        ({"contents": "none", "members": "none"}, ["contents: write", "members: read"]),
        ({"checks": "what is that"}, ["checks: read"]),
    ],
)
def test_what_is_lacking(changed: dict[str, str], lacks: list[str]) -> None:
    assert [str(right) for right in lacking(ALL | changed)] == lacks


def test_nothing_at_all() -> None:
    assert lacking({}) == RIGHTS
