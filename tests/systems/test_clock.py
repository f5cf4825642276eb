"""What time it is, and where it can be moved."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.systems import clock

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("github", "moved"),
    [
        ("http://127.0.0.1:4711", True),
        ("http://localhost:4711", True),
        ("http://[::1]:4711", True),
        ("https://api.github.com", False),
        ("https://127.0.0.1.example.com", False),
        ("https://github.acme.example/api/v3", False),
    ],
)
def test_the_clock_is_moved_in_a_sandbox_only(
    monkeypatch: pytest.MonkeyPatch, github: str, *, moved: bool
) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_API_URL", github)
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", "of the sandbox's bot")
    monkeypatch.setenv("DABFLOW_CLOCK_AHEAD_SECONDS", str(DAY.total_seconds() * 2))

    assert (clock.now() - datetime.now(UTC) > DAY) is moved


def test_it_is_now_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DABFLOW_CLOCK_AHEAD_SECONDS", raising=False)

    assert abs(clock.now() - datetime.now(UTC)) < DAY
