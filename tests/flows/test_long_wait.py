"""A release that waits for five weeks: everything that GitHub and Prefect remember grows old, then it is approved."""

import json
import re
import sqlite3
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playing import SLUG, People, Run, start
from prefect.settings import get_current_settings

from flows.housekeeping import housekeeping
from sandbox.github.records import Protection
from sandbox.world import World
from tasks.ask import waiting_of
from tasks.systems.git_repo import Mirror
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace

pytestmark = pytest.mark.timeout(240)

WEEKS = timedelta(days=35)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")
_ABOUT_RUNS = {"flow_run": "id", "flow_run_state": "flow_run_id", "flow_run_input": "flow_run_id"}


def older(text: str, by: timedelta) -> str:
    """The text with every moment in it moved into the past, written as it was."""

    def moved(found: re.Match[str]) -> str:
        as_written = found[0]
        then = datetime.fromisoformat(as_written) - by
        moment = then.isoformat(sep=as_written[10]).removesuffix("+00:00")
        return moment + ("Z" if as_written.endswith("Z") else "+00:00" if "+" in as_written else "")

    return _TIME.sub(moved, text)


def age_github(world: World, by: timedelta) -> None:
    hub = world.github.hub
    with hub.lock:
        file = hub.home / "state.json"
        file.write_text(older(file.read_text(encoding="utf-8"), by), encoding="utf-8")
        hub.restore()


def age_prefect(run: Run, by: timedelta) -> None:
    """What Prefect's database holds about the run is that much older: states, deadline, inputs."""
    address = get_current_settings().server.database.connection_url
    assert address is not None
    database = sqlite3.connect(address.get_secret_value().partition(":///")[2], timeout=30)
    try:
        for table, column in _ABOUT_RUNS.items():
            _age_rows(database, table, column, str(run.id), by)
        database.commit()
    finally:
        database.close()


def _age_rows(database: sqlite3.Connection, table: str, column: str, run: str, by: timedelta) -> None:
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    rows = database.execute(f"SELECT rowid, * FROM {table} WHERE {column} = ?", (run,)).fetchall()
    assert rows, f"nothing about the run in {table}"
    for rowid, *values in rows:
        for name, value in zip(names, values, strict=True):
            if isinstance(value, str) and (moved := older(value, by)) != value:
                database.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (moved, rowid))


def let_releases_wait_for(world: World, days: int, folder: Path) -> None:
    """The production branch says how long people have, and develop has it from there."""
    for branch in ("main", "develop"):
        world.github.protect(SLUG, branch, Protection())
    token = world.github.accounts["rita"].token
    url = world.github_url.replace("://", f"://x:{token}@")

    def git(*command: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=rita", "-c", "user.email=rita@acme.example", *command],
            cwd=folder,
            check=True,
            capture_output=True,
        )

    git("clone", "--quiet", "--branch", "main", f"{url}/{SLUG}.git", ".")
    settings = folder / "release.yaml"
    before = settings.read_text(encoding="utf-8")
    text, times = re.subn(r"(?m)^  within_days: \d+", f"  within_days: {days}", before)
    assert times == 1
    settings.write_text(text, encoding="utf-8")
    git("commit", "--quiet", "--all", "--message", f"chore: people have {days} days to approve")
    git("switch", "--quiet", "develop")
    git("merge", "--quiet", "--no-edit", "main")
    git("push", "--quiet", "origin", "main", "develop")


def test_moments_are_moved_as_they_are_written() -> None:
    text = '{"at": "2026-03-01T12:00:00Z", "until": "2026-03-01T12:00:00.5+00:00"} 2026-03-01 12:00:00.000001'

    moved = older(text, timedelta(days=1))

    assert json.loads(moved.rpartition(" 2026")[0]) == {
        "at": "2026-02-28T12:00:00Z",
        "until": "2026-02-28T12:00:00.500000+00:00",
    }
    assert moved.endswith("2026-02-28 12:00:00.000001")


def test_after_35_days_of_waiting_an_approval_goes_through(world: World, tmp_path: Path) -> None:
    """Nobody is asked twice meanwhile, the deadline stays where it was, and what was rehearsed is what is shipped."""
    folder = tmp_path / "clone"
    folder.mkdir()
    let_releases_wait_for(world, 60, folder)
    people = People(world)
    run = start()
    run.go()
    assert run.state.name == "Suspended", run.said
    pull = people.release_pull()

    age_github(world, WEEKS)
    age_prefect(run, WEEKS)
    housekeeping()
    assert run.state.name == "Suspended", "nothing has happened, and 25 days are left"
    waiting = waiting_of(run.id)
    assert waiting is not None
    run.answer("recheck", "is anybody there?")
    assert run.state.name == "Suspended", run.said
    again = waiting_of(run.id)
    assert again is not None
    assert (again.deadline, again.seen) == (waiting.deadline, waiting.seen)

    people.review("ravi", pull["number"])
    run.answer("approve", "after five weeks")

    assert run.state.name == "Completed", run.said
    tag = Mirror(SLUG).fetch().tags()["1.4.0"]
    assert Mirror(SLUG).commit(tag).parents[1] == pull["head"]["sha"]
    known = target_of("prod")
    root = f"/Workspace/Users/{known.client_id}/.bundle/lakehouse/prod"
    assert Workspace(known).deployed_commit(root) == tag
