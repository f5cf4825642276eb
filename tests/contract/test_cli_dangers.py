"""Where the real `databricks` is dangerous the stand-in is too; what it lacks it refuses by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_lab import SECRET, SP, Lab, standin


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    opened = Lab(standin(tmp_path / "bin"), tmp_path)
    yield opened
    opened.stop()


def test_a_503_after_the_work_was_done_makes_it_twice_and_exits_0(lab: Lab) -> None:
    lab.fault(kind="after", method="POST", path="/api/2.2/jobs/create", status=503)
    assert lab.run("bundle deploy -t staging", DABFLOW_SANDBOX_RETRY_SECONDS="10").exit_code == 0
    assert len(lab.jobs()) == 3


def test_a_lost_answer_leaves_an_orphan_and_the_next_deploy_makes_a_second_one(lab: Lab) -> None:
    lab.fault(kind="after", method="POST", path="/api/2.2/jobs/create", status=500)
    assert lab.run("bundle deploy -t staging").exit_code == 1
    assert lab.run("bundle deploy -t staging").exit_code == 0
    assert len(lab.jobs()) == 3


def test_a_404_is_believed(lab: Lab) -> None:
    assert lab.run("bundle deploy -t staging").exit_code == 0
    other = lab.checkout("other")
    lab.fault(kind="refuse", method="GET", path=".*/get-status", status=404, times=3)
    assert "Plan: 3 to add" in lab.run("bundle plan -t staging", folder=other).stdout


def test_the_host_in_the_file_beats_the_environment(lab: Lab) -> None:
    lab.edit("databricks.yml", "    workspace:\n", f"    workspace:\n      host: {lab.host}\n")
    elsewhere = lab.run("bundle validate -t staging", DATABRICKS_HOST="http://127.0.0.1:9")
    assert elsewhere.exit_code == 0
    assert elsewhere.requests


def test_machine_to_machine(lab: Lab) -> None:
    given = {"DATABRICKS_TOKEN": None, "DATABRICKS_CLIENT_ID": SP}
    assert (
        lab.run("bundle plan -t staging", folder=None, **given, DATABRICKS_CLIENT_SECRET=SECRET).exit_code
        == 0
    )
    wrong = lab.run("bundle plan -t staging", folder=None, **given, DATABRICKS_CLIENT_SECRET="wrong")
    assert wrong.exit_code == 1
    assert "cannot configure default credentials" in wrong.stderr
    assert "client_secret=***" in wrong.stderr


def test_two_ways_to_log_in_at_once(lab: Lab) -> None:
    both = {"DATABRICKS_CLIENT_ID": SP, "DATABRICKS_CLIENT_SECRET": SECRET}
    result = lab.run("bundle validate -t staging", folder=None, **both)
    assert result.exit_code == 1
    assert "more than one authorization method configured: oauth and pat" in result.stderr
    assert SECRET not in result.stderr
