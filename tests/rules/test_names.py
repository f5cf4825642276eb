"""What a release is called."""

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.rules.names import Named, named
from tasks.rules.versions import Version


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("1.4.0", Named(Version(1, 4, 0))),
        ("rollback-1.5.0-to-1.4.0", Named(Version(1, 4, 0), withdraws=Version(1, 5, 0))),
    ],
)
def test_a_name_is_read_as_it_is_written(name: str, about: Named) -> None:
    assert named(name) == about
    assert str(about) == name


@pytest.mark.parametrize(
    "name", ["", "1.4", "rollback-1.5.0", "rollback-1.5-to-1.4.0", "rollback-1.5.0-to-", "1.4.0\n"]
)
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(NeedsHuman):
        named(name)
