"""The `databricks` command deploys a small bundle to a sandbox workspace, and breaks on the way."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from workspace_box import CLIENT_ID, Box

from tasks.rules.errors import NeedsHuman
from tasks.systems.bundle_cli import BundleCli, Limits

pytest_plugins = ["workspace_fixtures"]

ROOT = f"/Workspace/Users/{CLIENT_ID}/.bundle/little/prod"
BUNDLE = """
bundle:
  name: little
targets:
  prod:
    mode: production
    git:
      branch: main
    workspace:
      host: {host}
      root_path: {root}
    run_as:
      service_principal_name: {client_id}
resources:
  jobs:
    report:
      name: report
      tasks: &tasks
        - task_key: main
          environment_key: default
          spark_python_task:
            python_file: ./main.py
      environments: &environments
        - environment_key: default
          spec:
            environment_version: "4"
    smoke_test:
      name: smoke_test
      tasks: *tasks
      environments: *environments
"""
CREATE = "/api/2.2/jobs/create"


@pytest.fixture(params=["stand-in", "real"])
def databricks(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sandbox's command; and the real one, where one is found."""
    named = os.environ.get("DABFLOW_DATABRICKS_CLI") or shutil.which("databricks")
    if request.param == "real":
        if named is None:
            pytest.skip("no databricks on PATH or in DABFLOW_DATABRICKS_CLI")
        monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", named)
    else:
        from sandbox.databricks_cli.launcher import write_launcher

        monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", str(write_launcher(tmp_path)))
    return str(request.param)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@x.example", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def cli(databricks: str, box: Box, tmp_path: Path) -> BundleCli:
    """For a checkout of one commit, detached as a release's is."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    text = BUNDLE.format(host=box.url, root=ROOT, client_id=CLIENT_ID)
    (folder / "databricks.yml").write_text(text)
    (folder / "main.py").write_text("print('all is well')\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    git(folder, "checkout", "-q", "--detach")
    return BundleCli(box.target, folder, journal_home=tmp_path / "journals")


def fresh(cli: BundleCli) -> BundleCli:
    """The same commit in a checkout of its own, as the next attempt has it."""
    folder = cli.folder.with_name(cli.folder.name + "-next")
    git(cli.folder.parent, "clone", "-q", str(cli.folder), str(folder))
    git(folder, "checkout", "-q", "--detach", git(cli.folder, "rev-parse", "HEAD"))
    return BundleCli(cli.target, folder, journal_home=cli.journal_home)


def actions(cli: BundleCli) -> dict[str, str]:
    return {key: entry["action"] for key, entry in cli.plan()["plan"].items()}


def jobs(box: Box) -> list[str]:
    found = box.workspace().client.jobs.list()
    return sorted(str(job.settings.name) for job in found if job.settings)


def test_from_nothing_to_deployed(cli: BundleCli, box: Box) -> None:
    assert cli.cli_version().startswith("1.")
    assert cli.host_in_bundle() == box.url
    assert cli.validate()["workspace"]["root_path"] == ROOT
    assert actions(cli) == {"resources.jobs.report": "create", "resources.jobs.smoke_test": "create"}

    cli.deploy()

    workspace = box.workspace()
    assert workspace.deployed_commit(ROOT) == git(cli.folder, "rev-parse", "HEAD")
    assert set(actions(cli).values()) == {"skip"}
    assert workspace.orphans(ROOT) == []
    assert workspace.lock(ROOT) is None
    smoke = workspace.job_id(ROOT, "smoke_test")
    assert str(smoke) == cli.summary()["resources"]["jobs"]["smoke_test"]["id"]
    assert smoke is not None
    outcome = workspace.await_run(workspace.start_run(smoke, "1"), within_seconds=60, every_seconds=0.1)
    assert outcome.output.strip() == "all is well"


def test_deploying_again_from_another_checkout_makes_nothing_twice(cli: BundleCli, box: Box) -> None:
    cli.deploy()
    fresh(cli).deploy()

    assert jobs(box) == ["report", "smoke_test"]


def test_an_old_checkout_still_sends_its_files(cli: BundleCli, box: Box) -> None:
    """Sent files are remembered by their time; the older checkout's differ all the same."""
    next_one = fresh(cli)
    (next_one.folder / "main.py").write_text("print('newer')\n")
    for name in ("databricks.yml", "main.py"):
        os.utime(next_one.folder / name)
        os.utime(cli.folder / name, (1_600_000_000, 1_600_000_000))
    next_one.deploy()

    cli.deploy()

    with box.workspace().client.workspace.download(f"{ROOT}/files/main.py") as content:
        assert content.read() == b"print('all is well')\n"


def test_a_bundle_with_a_mistake_is_refused_with_the_reason(cli: BundleCli) -> None:
    (cli.folder / "main.py").unlink()

    with pytest.raises(NeedsHuman, match=r"`databricks bundle validate` for prod failed: .*main\.py"):
        cli.validate()


def test_a_branch_that_is_not_the_targets_is_refused(cli: BundleCli) -> None:
    git(cli.folder, "checkout", "-q", "-b", "feature")

    with pytest.raises(NeedsHuman, match="not on the right Git branch") as stop:
        cli.plan()
    assert "deploy a commit or a tag" in stop.value.remedy


def test_a_lock_that_is_held_is_a_stop_that_says_by_whom(cli: BundleCli, box: Box) -> None:
    """The command dies in the middle: its lock stays."""
    box.goes_wrong("slow", CREATE, seconds=30, times=9)
    cli.limits = Limits(deploy=3)
    with pytest.raises(NeedsHuman, match="its lock may be left"):
        cli.deploy()
    box.all_is_well()
    lock = box.workspace().lock(ROOT)
    assert lock is not None
    assert lock.holder == CLIENT_ID

    with pytest.raises(NeedsHuman, match=f"deploy lock acquired by {CLIENT_ID}") as stop:
        fresh(cli).deploy()
    assert f"find out whether {CLIENT_ID} still deploys since" in stop.value.remedy


def test_a_create_whose_answer_is_lost_leaves_an_orphan_that_is_found(cli: BundleCli, box: Box) -> None:
    box.goes_wrong("after", CREATE, status=500)

    with pytest.raises(NeedsHuman, match="`databricks bundle deploy` for prod failed"):
        cli.deploy()

    [orphan] = box.workspace().orphans(ROOT)
    assert (orphan.kind, orphan.url) == ("job", f"{box.url}/jobs/{orphan.id}")
    assert orphan.name in {"report", "smoke_test"}
    assert box.workspace().deployed_commit(ROOT) is None  # it did not end well, so it names no commit


def test_the_journal_heals_a_deploy_whose_state_was_not_written(cli: BundleCli, box: Box) -> None:
    """Without it, a deploy from the next checkout makes every job a second time."""
    box.goes_wrong("before", r".*/state/resources\.json", method="POST", status=500, times=9)
    with pytest.raises(NeedsHuman):
        cli.deploy()
    box.all_is_well()
    assert len(box.workspace().orphans(ROOT)) == 2

    fresh(cli).deploy()

    assert jobs(box) == ["report", "smoke_test"]
    assert box.workspace().orphans(ROOT) == []


def ended_in_the_middle(cli: BundleCli, box: Box, path: str, **fault: object) -> None:
    """A deploy that is killed while the request to `path` does not get through."""
    box.goes_wrong("before", path, method="POST", status=503, times=999, **fault)
    cli.limits = Limits(deploy=8)
    with pytest.raises(NeedsHuman, match="its lock may be left"):
        cli.deploy()
    box.all_is_well()


@pytest.mark.parametrize(
    ("path", "fault", "left"),
    [
        pytest.param(CREATE, {"nth": 2}, {"skip": 1, "create": 1}, id="half of the jobs are made"),
        pytest.param(
            r".*/state/resources\.json", {}, {"skip": 2}, id="all is made, the state is not written"
        ),
    ],
)
def test_what_the_journal_of_a_killed_deploy_knows_is_taken_over(
    cli: BundleCli, box: Box, path: str, fault: dict[str, object], left: dict[str, int]
) -> None:
    """The lock is the one that it took, nothing is made twice, and a plan says what is left."""
    workspace = box.workspace()
    ended_in_the_middle(cli, box, path, **fault)
    orphans = {orphan.id for orphan in workspace.orphans(ROOT)}
    lock = workspace.lock(ROOT)
    next_one = fresh(cli)

    found = next_one.journal.unfinished()

    assert found is not None
    assert found.follows(workspace.state_version(ROOT))
    assert orphans == found.ids != set()
    assert lock is not None
    assert found.took(lock.since)
    planned = [entry["action"] for entry in next_one.plan(after_unfinished=True)["plan"].values()]
    assert Counter(planned) == left
    assert Counter(actions(next_one).values()) == {"create": 2}  # without the journal: everything again
    next_one.deploy(force_lock=True)
    assert jobs(box) == ["report", "smoke_test"]
    assert workspace.orphans(ROOT) == []
    assert workspace.lock(ROOT) is None
    assert next_one.journal.unfinished() is None


def test_a_journal_proves_nothing_once_somebody_else_has_deployed(
    cli: BundleCli, box: Box, tmp_path: Path
) -> None:
    ended_in_the_middle(cli, box, CREATE, nth=2)
    elsewhere = BundleCli(cli.target, fresh(cli).folder, journal_home=tmp_path / "another worker")
    assert elsewhere.journal.unfinished() is None

    elsewhere.deploy(force_lock=True)

    found = cli.journal.unfinished()
    assert found is not None
    assert not found.follows(box.workspace().state_version(ROOT))
