"""The stand-in for `databricks`, and the real one where there is one, do what was recorded of the real one."""

import json

from cli_lab import SP, Lab
from cli_recordings import Recording, assert_same

ROOT = f"/Workspace/Users/{SP}/.bundle/lakehouse/staging"
RESOURCES = "resources/smoke_test.yml"


def test_version_and_who_i_am(lab: Lab) -> None:
    """Recordings 01. The stand-in's version says that it is no release of the real command."""
    assert_same(lab, "01-version-and-me/version")
    for name in ("current-user-me", "current-user-me-json"):
        assert_same(lab, f"01-version-and-me/{name}", log_in=True)
    recorded = json.loads(Recording("01-version-and-me/version-json").stdout)
    assert lab.run("version -o json").json.keys() == recorded.keys()


def test_a_story_from_the_first_deploy_to_a_removed_pipeline(lab: Lab) -> None:
    """Recordings 02 to 11, one after the other, as they were made."""
    for name in (
        "0-run-before",
        "0-summary-before",
        "0-summary-before-json",
        "1-validate",
        "2-validate-json",
        "3-validate-strict",
        "4-plan",
        "5-plan-json",
        "6-deploy",
        "7-summary-json",
        "8-summary",
        "9-run",
        "9-run-json",
        "9-run-no-wait",
        "9-run-no-wait-json",
        "9-run-two-tasks",
        "9-run-unknown-key",
    ):
        assert_same(lab, f"02-clean-target/{name}")
    _deploy(lab, "03-no-change")
    for name in ("7-summary-json", "8-deploy-json", "8-deploy-q", "8-deploy-qq"):
        assert_same(lab, f"03-no-change/{name}")
    lab.edit("src/extract.py", "extract ok", "extract OK")
    _deploy(lab, "04-source-only-change")
    lab.edit("resources/daily_report.yml", "0 0 6", "0 30 6")
    _deploy(lab, "05-job-changed")
    lab.edit("pyproject.toml", "0.1.0", "0.2.0")
    _deploy(lab, "06-wheel-version-changed")
    lab.edit("src/lakehouse/__main__.py", "report ok", "report OK")
    _deploy(lab, "07-wheel-content-only")
    smoke = (lab.bundle / RESOURCES).read_text()
    (lab.bundle / RESOURCES).unlink()
    _deploy(lab, "08-job-removed")
    (lab.bundle / RESOURCES).write_text(smoke)
    _deploy(lab, "09-job-added-back")
    lab.edit(
        "resources/ingest.yml",
        "catalog: ${var.catalog}\n      schema: bronze",
        "storage: /mnt/ingest\n      target: bronze",
    )
    _deploy(lab, "10-pipeline-recreated-refused")
    for name in ("6-deploy-auto-approve", "7-summary-json"):
        assert_same(lab, f"10-pipeline-recreated-approved/{name}")
    (lab.bundle / "resources/ingest.yml").unlink()
    _deploy(lab, "11-pipeline-removed-refused")
    assert_same(lab, "11-pipeline-removed-approved/6-deploy-auto-approve")


def _deploy(lab: Lab, folder: str) -> None:
    for name in ("4-plan", "5-plan-json", "6-deploy"):
        assert_same(lab, f"{folder}/{name}")
