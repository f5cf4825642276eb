"""A misspelt word is answered with the word that was meant."""

import pytest

from tasks.rules.nearest import nearest

KNOWN = ["approval", "back_merge", "branches", "bundles", "checks"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("aproval", "approval"),
        ("Approval", "approval"),
        ("back-merge", "back_merge"),
        ("backmerge", "back_merge"),
        ("bundle", "bundles"),
        ("freeze", None),
        ("", None),
    ],
)
def test_nearest(word: str, expected: str | None) -> None:
    assert nearest(word, KNOWN) == expected
