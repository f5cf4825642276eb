"""Two bundles in one release: the second stops half way, a retry finishes, one is left alone, both come back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playing import SLUG, asked, begin, start, writes
from released import jobs
from stages import opened
from two_bundles import Pair, bundle, make_world

from flows.rollback import rollback
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.verify import verified

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Nothing was released yet."""
    make_world(tmp_path / "world")
    with opened(tmp_path / "world") as world:
        yield Pair(world)


def jobs_of(pair: Pair) -> list[str]:
    """The jobs of production, by name: none is there twice."""
    return sorted(job["settings"]["name"] for job in jobs(pair.world, "prod"))


def sent(pair: Pair, what: str, *, after: int) -> int:
    """How many requests to production changed what has this in its path."""
    found = writes(pair.world, after=after, server="prod")
    return sum(what in w and not w.endswith("/mkdirs") for w in found)


def test_the_second_stops_half_way_the_next_release_is_about_one_and_both_come_back(pair: Pair) -> None:
    _the_second_stops_half_way_and_is_retried(pair)
    _the_next_release_leaves_the_first_as_it_is(pair)
    _both_come_back(pair)


def _the_second_stops_half_way_and_is_retried(pair: Pair) -> None:
    run = start(version="0.1.0")
    run.go()
    with pair.refusing("POST", "/api/2.2/jobs/create", nth=3, times=2):  # those of the second bundle
        run.answer("approve", "looks right", destroys="")
    assert run.state.name == "Suspended", run.said
    assert jobs_of(pair) == ["ingest load", "ingest smoke"]
    first = Mirror(SLUG).fetch().tags()["0.1.0"]
    comment = pair.people.api("rita", "GET", "/issues/1/comments")[0]["body"]
    assert f"names `{first[:12]}` for `ingest`, nothing for `reports`" in comment
    before = asked(pair.world, server="prod")

    run.decide("retry", reason="the rights are back")

    assert run.state.name == "Completed", run.said
    assert jobs_of(pair) == ["ingest load", "ingest smoke", "reports report", "reports smoke"]
    assert pair.commits() == [first, first]
    assert sent(pair, "/.bundle/ingest/", after=before) == 0, "the first is not deployed again"
    assert sent(pair, "jobs/run-now", after=before) == 2


def _the_next_release_leaves_the_first_as_it_is(pair: Pair) -> None:
    first = Mirror(SLUG).tags()["0.1.0"]
    pair.develop(reports__databricks_dot_yml=bundle("reports", "report", max_concurrent_runs=3))
    before = asked(pair.world, server="prod")
    run = start(version="0.2.0")
    run.go()
    comment = pair.people.api("rita", "GET", f"/issues/{pair.people.release_pull()['number']}/comments")[0][
        "body"
    ]
    assert "## `ingest`: unchanged" in comment
    run.answer("approve", "looks right", destroys="")

    assert run.state.name == "Completed", run.said
    mirror, hub = Mirror(SLUG).fetch(), GitHubRepo(SLUG)
    assert pair.commits() == [first, mirror.tags()["0.2.0"]]
    assert sent(pair, "/.bundle/ingest/", after=before) == 0
    assert sent(pair, "jobs/run-now", after=before) == 1
    release = hub.release("0.2.0")
    assert release is not None
    assert "nothing of it changed**: `ingest` (as of 0.1.0)" in release.body
    assert verified(SLUG, Version(0, 2, 0)).problem == ""


def _both_come_back(pair: Pair) -> None:
    first = Mirror(SLUG).tags()["0.1.0"]
    back = begin(rollback, to="0.1.0", reason="the report is wrong")
    back.go()
    back.answer("approve", "back", destroys="")

    assert back.state.name == "Completed", back.said
    assert pair.commits() == [first, first]
    assert GitHubRepo(SLUG).latest_release() == "0.1.0"
