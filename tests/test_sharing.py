"""The list of who shares what is not out of date: a file that is missing there costs only time, and nobody would notice."""

import re
from pathlib import Path

import pytest
from sharing import SHARED, ByFile
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent


@pytest.mark.parametrize("fixture", SHARED)
def test_every_file_that_takes_it_is_named(fixture: str) -> None:
    """As a parameter of a test or a fixture, or by way of the fixture of a fresh copy."""
    taken = re.compile(rf"^(async )?def \w+\([^)]*\b{fixture}(_world)?\b[:,)]", re.MULTILINE)
    files = [path for path in TESTS.rglob("test_*.py") if taken.search(path.read_text(encoding="utf-8"))]

    assert sorted(path.relative_to(TESTS.parent).as_posix() for path in files) == sorted(SHARED[fixture])


def test_the_scheduler_asks_us() -> None:
    """It is a private method of pytest-xdist that we replace."""
    assert "_split_scope" in vars(LoadScopeScheduling)
    assert "_split_scope" in vars(ByFile)
