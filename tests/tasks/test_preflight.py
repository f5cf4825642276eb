"""What a run will need is said before it does anything, all of it at once, and only as far as it still matters."""

from dataclasses import replace

import httpx
import pytest
from playing import SLUG
from stages import planned

from sandbox.world import World
from tasks.preflight import insist_on_everything_needed
from tasks.rules.errors import NeedsHuman
from tasks.rules.phases import Phase


@pytest.fixture
def without_databricks(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", "/nowhere/databricks")
    return world


def test_all_is_there(world: World) -> None:
    release = planned()
    before = len(httpx.get(f"{world.github_url}/_sandbox/requests").json())

    insist_on_everything_needed.fn(release)

    asked = httpx.get(f"{world.github_url}/_sandbox/requests").json()[before:]
    assert [(r["method"], r["path"]) for r in asked] == [("GET", f"/repos/{SLUG}")]


def test_everything_that_is_missing_is_said_at_once(without_databricks: World) -> None:
    without_databricks.github.repository(SLUG).allow_merge_commit = False

    with pytest.raises(NeedsHuman) as stop:
        insist_on_everything_needed.fn(planned())

    assert "the Databricks CLI is not there" in stop.value.problem
    assert "does not allow merge commits" in stop.value.problem
    assert "install it" in stop.value.remedy
    assert "allow merge commits" in stop.value.remedy


def test_after_the_merge_nobody_asks_how_it_merges(world: World) -> None:
    world.github.repository(SLUG).allow_merge_commit = False

    insist_on_everything_needed.fn(replace(planned(), phase=Phase.MERGED))


def test_what_is_deployed_needs_no_databricks(without_databricks: World) -> None:
    release = planned()

    insist_on_everything_needed.fn(replace(release, phase=Phase.DEPLOYED))

    with pytest.raises(NeedsHuman, match="Databricks CLI"):
        insist_on_everything_needed.fn(replace(release, phase=Phase.TAGGED))
