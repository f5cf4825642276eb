"""What people read about production that stopped half way."""

from dataclasses import replace
from datetime import UTC, datetime

from golden_files import Golden

from tasks.rules.outcomes import Stopped
from tasks.rules.phases import Phase
from tasks.rules.release import BundleRuns, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.stops_text import abandoned_comment, stop_description, stopped_comment
from tasks.rules.versions import Version

RELEASE = Release(
    "acme/lakehouse",
    Version(1, 5, 0),
    Phase.TAGGED,
    ReleaseSettings(),
    source="",
    requested_by="rita",
    reason="weekly",
    run_url="https://prefect.example/runs/1",
)
STOP = Stopped(
    "1.5.0",
    "c" * 40,
    "the smoke job smoke_test failed on production: FAILED\n  what to do: look at ```its``` output",
    datetime(2026, 11, 24, tzinfo=UTC),
)
RUNS = (BundleRuns(".", "/root", "c" * 40),)


def test_while_nobody_has_decided(golden: Golden) -> None:
    golden.check("stops/comment.md", stopped_comment(RELEASE, STOP, runs=RUNS))
    golden.check("stops/form.md", stop_description(RELEASE, STOP, runs=()))
    asked_again = stop_description(RELEASE, STOP, runs=RUNS, missing="To abandon it needs a reason.")
    golden.check("stops/form_again.md", asked_again)


def test_each_of_several_bundles_is_named_with_what_it_runs(golden: Golden) -> None:
    half = (*(BundleRuns(f, f"/{f}", at * 40) for f, at in (("ingest", "c"), ("reports", "a"))),)
    never = BundleRuns("new", "/new", None)
    golden.check("stops/several_bundles.md", stopped_comment(RELEASE, STOP, runs=(*half, never)))


def test_abandoned(golden: Golden) -> None:
    golden.check("stops/abandoned.md", abandoned_comment(RELEASE, "the supplier is down", runs=RUNS))
    quiet = replace(RELEASE, run_url="")
    golden.check("stops/overtaken.md", abandoned_comment(quiet, "", runs=RUNS, overtaken_by="1.5.1"))


def test_a_very_long_error_fits() -> None:
    long = replace(STOP, problem="x" * 100_000)
    assert len(stopped_comment(RELEASE, long, runs=RUNS)) <= 65_536
