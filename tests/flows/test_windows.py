"""A release that waits for nothing but time."""

from datetime import UTC, datetime, timedelta

import pytest
from playing import People, settle, start, writes

from sandbox.world import World
from tasks.ask import waiting_of

pytestmark = pytest.mark.timeout(240)


def test_a_freeze_of_staging_is_waited_for_before_anything_is_rehearsed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is deployed there meanwhile; when it is over, the run goes on to the approval."""
    begins, ends = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 5))
    window = f'from: "{begins:%Y-%m-%d %H:%M}", until: "{ends:%Y-%m-%d %H:%M}"'
    settle(world, f"freezes: [{{name: load test, targets: [staging], {window}}}]\n")
    run, quiet = start(), writes(world, server="staging")
    run.go()

    waiting = waiting_of(run.id)
    assert waiting is not None
    assert "staging is frozen (load test) until" in waiting.missing
    assert waiting.wake_at is not None
    again = start()
    again.go()
    assert again.state.name == "Under way", again.said
    run.look_again()
    assert run.state.name == "Suspended", run.said
    assert writes(world, server="staging") == quiet

    monkeypatch.setenv("DABFLOW_CLOCK_AHEAD_SECONDS", str(6 * 3600))
    run.look_again()
    assert run.state.name == "Suspended", run.said
    now = waiting_of(run.id)
    assert now is not None
    assert now.number == People(world).release_pull()["number"], "it asks for the approval"
