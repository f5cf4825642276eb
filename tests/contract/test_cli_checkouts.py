"""Several checkouts, things changed by hand, and the files that a deploy leaves: recordings 12, 26 and 29."""

import json
import re
from pathlib import Path
from typing import Any

from cli_lab import Lab
from cli_recordings import FOLDER, assert_same, comparable, normal

SMOKE = "resources/smoke_test.yml"


def test_somebody_changes_things_by_hand(lab: Lab) -> None:
    assert_same(lab, "26-remote-drift/0-first-deploy")
    ids = lab.ids()
    schedule = {"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "UTC", "pause_status": "PAUSED"}
    by_hand = {"max_concurrent_runs": 7, "schedule": schedule}
    lab.api("POST", "/api/2.2/jobs/update", {"job_id": ids["daily_report"], "new_settings": by_hand})
    for name in (
        "1-plan-after-remote-edit",
        "1-plan-json-after-remote-edit",
        "2-deploy-overwrites-remote-edit",
    ):
        assert_same(lab, f"26-remote-drift/{name}")
    lab.api("POST", "/api/2.2/jobs/delete", {"job_id": ids["smoke_test"]})
    for name in (
        "3-plan-after-remote-delete",
        "3-plan-json-after-remote-delete",
        "3-summary-after-remote-delete",
    ):
        assert_same(lab, f"26-remote-drift/{name}")
    # The recorded fake had shorter words for a job that is gone.
    lab.fault(kind="refuse", path=".*/run-now", status=404, body={"message": "Not Found"})
    assert_same(lab, "26-remote-drift/3-run-after-remote-delete")
    lab.calm()
    (lab.bundle / SMOKE).unlink()
    for name in ("4-plan-removed-and-gone", "4-plan-json-removed-and-gone", "4-deploy-removed-and-gone"):
        assert_same(lab, f"26-remote-drift/{name}")


def test_two_people_deploy(lab: Lab) -> None:
    """Nothing is needed between commands, but a summary trusts the checkout's own state."""
    a, b, c = lab.bundle, lab.checkout("b"), lab.checkout("c")
    assert_same(lab, "29-fresh-checkouts/1-a-deploys", folder=a)
    assert_same(lab, "29-fresh-checkouts/2-b-fresh-plan", folder=b)
    report = b / "resources/daily_report.yml"
    report.write_text(report.read_text().replace("0 0 6", "0 5 6"))
    assert_same(lab, "29-fresh-checkouts/3-b-deploys-a-change", folder=b)
    (b / SMOKE).unlink()
    assert_same(lab, "29-fresh-checkouts/4-b-deletes-smoke", folder=b)
    for name in (
        "5-a-summary-uses-its-local-state",
        "6-a-summary-force-pull",
        "7-a-plan",
        "8-a-deploys-old-version-over-it",
    ):
        assert_same(lab, f"29-fresh-checkouts/{name}", folder=a)
    assert_same(lab, "29-fresh-checkouts/9-c-fresh-no-change-deploy", folder=c)
    readonly = lab.checkout("readonly")
    folders = [readonly, *(f for f in readonly.rglob("*") if f.is_dir() and ".git" not in f.parts)]
    for folder in folders:
        folder.chmod(0o555)
    assert_same(lab, "29-fresh-checkouts/10-read-only-checkout-validate", folder=readonly)
    for folder in folders:
        folder.chmod(0o755)


def test_the_files_that_a_deploy_leaves(lab: Lab) -> None:
    assert lab.run("bundle deploy -t staging").exit_code == 0
    lab.edit("resources/daily_report.yml", "0 0 6", "0 1 6")
    assert lab.run("bundle deploy -t staging").exit_code == 0
    for name in ("remote.resources.json", "remote.metadata.json"):
        seen = normal(lab, json.dumps(lab.file(f"state/{name.removeprefix('remote.')}")))
        assert comparable(seen) == comparable(_recorded(name)), name
    seen, recorded = lab.file("state/deployment.json"), json.loads(_recorded("remote.deployment.json"))
    assert _files(seen) == _files(recorded)
    assert {**seen, **_MOVING} == {**recorded, **_MOVING}
    _assert_local_files(lab)


_MOVING: dict[str, Any] = {"files": [], "id": "", "timestamp": "", "cli_version": ""}


def _recorded(name: str) -> str:
    return (FOLDER / "12-state-files" / name).read_text("utf-8")


def _files(deployment: dict[str, Any]) -> list[tuple[str, bool]]:
    return sorted((f["local_path"], f["is_notebook"]) for f in deployment["files"])


def _assert_local_files(lab: Lab) -> None:
    parts = re.split(r"(?m)^--- (.*)\n", _recorded("local.tree.txt"))
    snapshot, ignored = parts[2], parts[4]
    assert _hashless(_tree(lab.bundle)) == _hashless(parts[0].split())
    assert (lab.bundle / ".databricks/.gitignore").read_text().strip() == ignored.strip()
    (file,) = (lab.bundle / ".databricks/bundle/staging/sync-snapshots").iterdir()
    seen = json.loads(normal(lab, file.read_text()))
    seen["last_modified_times"] = dict.fromkeys(seen["last_modified_times"], "[TIME]")
    assert seen == json.loads(snapshot)


def _tree(folder: Path) -> list[str]:
    found = [f for f in (folder / ".databricks").rglob("*") if f.is_file()]
    return sorted(str(f.relative_to(folder)) for f in found)


def _hashless(paths: list[str]) -> list[str]:
    return [re.sub(r"[0-9a-f]{16}", "[HASH]", path) for path in paths]


def test_the_lock_and_the_journal_of_a_killed_deploy(lab: Lab) -> None:
    killed = lab.run_and_kill("bundle deploy -t staging", when="/api/2.0/pipelines")
    assert killed.exit_code == -9
    lock = lab.file("state/deploy.lock")
    recorded = json.loads(_recorded("remote.deploy.lock"))
    assert lock.keys() == recorded.keys()
    assert normal(lab, str(lock["User"])) == recorded["User"]
    journal = (lab.bundle / ".databricks/bundle/staging/resources.json.wal").read_text().splitlines()
    lines = _recorded("local.resources.json.wal.first-1500-bytes").splitlines()
    assert comparable(normal(lab, journal[0])) == comparable(lines[0])
    smoke = next(line for line in journal if "jobs.smoke_test" in line)
    assert comparable(normal(lab, smoke)) == comparable(lines[1])
    assert sorted(json.loads(line)["k"] for line in journal[1:]) == [
        "resources.jobs.daily_report",
        "resources.jobs.smoke_test",
    ]
