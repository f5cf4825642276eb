"""What every test may ask for."""

import os

import pytest
from golden_files import Golden


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files; refused in CI")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError(
            "--update-golden is for people who read the diff: it is refused where CI is set"
        )


@pytest.fixture(scope="session")
def golden(pytestconfig: pytest.Config) -> Golden:
    """Texts that people read, compared with `tests/golden/`."""
    return Golden(update=bool(pytestconfig.getoption("--update-golden")))
