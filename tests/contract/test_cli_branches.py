"""What git has to say, and what plans depend on: recordings 22 and 31."""

import json
import shutil
from collections.abc import Callable
from typing import Any

from cli_lab import SP, Lab
from cli_recordings import assert_same

PROD = f"/Workspace/Users/{SP}/.bundle/lakehouse/prod"


def test_branches(lab: Lab) -> None:
    """Another branch is refused by plan and deploy, not by validate; a detached HEAD passes; dirt is not noticed."""
    lab.git(lab.bundle, "checkout", "-q", "-b", "develop")
    for name in (
        "validate-on-develop",
        "validate-strict-on-develop",
        "plan-on-develop",
        "plan-force-on-develop",
        "deploy-on-develop",
    ):
        assert_same(lab, f"22-git-branch/{name}")
    lab.git(lab.bundle, "checkout", "-q", "--detach")
    for name in ("plan-detached", "deploy-detached", "validate-json-detached"):
        assert_same(lab, f"22-git-branch/{name}")
    lab.git(lab.bundle, "checkout", "-q", "main")
    lab.git(lab.bundle, "tag", "1.0.0")
    for name in ("plan-tag-on-local-main", "deploy-tag-on-local-main"):
        assert_same(lab, f"22-git-branch/{name}")
    lab.edit("src/extract.py", "extract ok", "not committed")
    assert_same(lab, "22-git-branch/deploy-dirty-tree")
    metadata = lab.file("state/metadata.json", root="/Workspace/Shared/.bundle/lakehouse/prod")
    assert metadata["config"]["bundle"]["git"]["commit"] == lab.git(lab.bundle, "rev-parse", "HEAD")


def test_a_worktree_and_a_folder_without_git(lab: Lab) -> None:
    worktree = lab.folder / "worktree"
    lab.git(lab.bundle, "worktree", "add", "-q", "-b", "wt321872", str(worktree))
    assert_same(lab, "22-git-branch/validate-json-worktree", folder=worktree)
    assert lab.run("bundle deploy -t prod").exit_code == 0
    bare = lab.checkout("bare", git=False)
    for name in ("plan-no-git", "validate-json-no-git"):
        assert_same(lab, f"22-git-branch/{name}", folder=bare)


def test_a_plan_depends_on_nothing_but_the_bundle_and_the_workspace(lab: Lab) -> None:
    """Recording 31: the bytes of a plan do not change with folder, branch, commit, tag or time, nor with code."""

    def plan() -> str:
        return lab.run("bundle plan -t staging -o json").stdout

    _assert_alike(lab, plan)
    assert lab.run("bundle deploy -t staging").exit_code == 0
    deployed = plan()
    _assert_alike(lab, plan)
    assert lab.run("bundle deploy -t staging").exit_code == 0
    assert plan() == deployed
    lab.edit("src/extract.py", "extract ok", "extract OK")
    (lab.bundle / "src/new.py").write_text("print('new')\n")
    lab.edit("src/lakehouse/__main__.py", "report ok", "report OK")
    assert plan() == deployed
    _assert_drift(lab, plan)


def _assert_alike(lab: Lab, plan: Callable[[], str]) -> None:
    first = plan()
    assert plan() == first
    other = lab.checkout(f"another name {len(list(lab.folder.iterdir()))}")
    assert lab.run("bundle plan -t staging -o json", folder=other).stdout == first
    shutil.rmtree(other)
    git = lab.git
    git(lab.bundle, "checkout", "-q", "--detach")
    assert plan() == first
    git(lab.bundle, "checkout", "-q", "-B", "release/1.0.0")
    lab.commit()
    git(lab.bundle, "tag", "-f", "1.0.0")
    assert plan() == first
    assert git(lab.bundle, "rev-parse", "HEAD") not in first
    git(lab.bundle, "checkout", "-q", "main")


def _assert_drift(lab: Lab, plan: Callable[[], str]) -> None:
    """A changed job shows old, new and remote; a description from the UI is drift; run_as from the UI is not."""
    lab.edit("resources/daily_report.yml", "0 0 6", "0 0 7")
    entries = _entries(plan())
    daily = entries["resources.jobs.daily_report"]
    changed = {path: change for path, change in daily["changes"].items() if change["action"] != "skip"}
    cron = {"action": "update", "old": "0 0 6 * * ?", "new": "0 0 7 * * ?", "remote": "0 0 6 * * ?"}
    assert changed == {"schedule.quartz_cron_expression": cron}
    assert {e for entry in entries.values() for e in entry} <= {
        "action",
        "changes",
        "new_state",
        "remote_state",
    }
    smoke = lab.ids()["smoke_test"]
    lab.api(
        "POST", "/api/2.2/jobs/update", {"job_id": smoke, "new_settings": {"run_as": {"user_name": "x@y.z"}}}
    )
    assert _entries(plan())["resources.jobs.smoke_test"]["action"] == "skip"
    lab.api("POST", "/api/2.2/jobs/update", {"job_id": smoke, "new_settings": {"description": "by hand"}})
    drifted = _entries(plan())["resources.jobs.smoke_test"]
    assert (drifted["action"], drifted["changes"]["description"]["remote"]) == ("update", "by hand")


def _entries(plan: str) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads(plan)["plan"]
    return entries
