"""Which jobs of which bundles are smoke jobs."""

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.rules.smoke_jobs import absent, jobs_among, smoke_jobs

JOBS = {"ingest": {"smoke", "load"}, "reports": {"smoke", "report"}}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param(
            ["smoke"], [("ingest", "smoke"), ("reports", "smoke")], id="one key, every bundle that has it"
        ),
        pytest.param(
            ["report", "smoke"],
            [("reports", "report"), ("ingest", "smoke"), ("reports", "smoke")],
            id="order",
        ),
        pytest.param(["reports:smoke"], [("reports", "smoke")], id="of one folder"),
        pytest.param(["ingest:smoke", "smoke"], [("ingest", "smoke"), ("reports", "smoke")], id="none twice"),
        pytest.param(
            ["gone:smoke", "load"], [("ingest", "load")], id="of a folder that is released no longer"
        ),
    ],
)
def test_keys(keys: list[str], expected: list[tuple[str, str]]) -> None:
    assert smoke_jobs(keys, JOBS, target="prod") == expected


def test_a_job_that_no_bundle_has() -> None:
    with pytest.raises(NeedsHuman, match=r"^prod has no job with the key tested"):
        smoke_jobs(["tested"], JOBS, target="prod")
    with pytest.raises(NeedsHuman, match=r"^the bundle ingest on prod has no job with the key report"):
        smoke_jobs(["ingest:report"], JOBS, target="prod")


def test_what_an_older_version_lacks() -> None:
    assert absent(["smoke", "tested", "ingest:report", "gone:smoke"], JOBS) == [
        "tested",
        "ingest:report",
        "gone:smoke",
    ]


def test_only_jobs_are_jobs() -> None:
    keys = ["resources.jobs.smoke", "resources.jobs.smoke.permissions", "resources.pipelines.ingest"]
    assert jobs_among(keys) == {"smoke"}
