"""Production of acme/lakehouse as 1.3.0 left it, and candidates of our own for it."""

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest
from databricks.sdk.service.workspace import ImportFormat
from playing import SLUG, People
from stages import forget_faults, planned

from sandbox.world import World
from tasks.bundles import all_validated, bundle_clis
from tasks.deploy import ensure_deployed
from tasks.examine import plan_of_production
from tasks.rules.release import PRODUCTION, Candidate, ProductionPlan, Release
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace

BRANCH = "release/1.4.0"

_WATCHING = """#!{python}
import pathlib, subprocess, sys

with open({record!r}, "a") as record:
    print("", *sys.argv[1:], "", file=record)
deploys = sys.argv[1:3] == ["bundle", "deploy"]
try:
    done = subprocess.run([{real!r}, *sys.argv[1:]], timeout={seconds} if deploys else None)
except subprocess.TimeoutExpired:  # it was killed by SIGKILL
    sys.exit(137)
if deploys:
    subprocess.run([{python!r}, {script!r}], check=True)
sys.exit(done.returncode)
"""


@dataclass
class Place:
    """A release whose candidates are committed by hand."""

    world: World
    release: Release

    @classmethod
    def of(cls, world: World) -> "Place":
        release = planned()
        GitHubRepo(SLUG).create_branch(BRANCH, release.source)
        return cls(world, release)

    @property
    def workspace(self) -> Workspace:
        return Workspace(target_of("prod"))

    def candidate(self, commit: str | None = None) -> Candidate:
        mirror = Mirror(SLUG).fetch()
        sha = commit or mirror.branches()[BRANCH]
        return Candidate(sha, mirror.tree(sha), self.release.settings)

    def text(self, path: str) -> str:
        found = Mirror(SLUG).fetch().read(self.candidate().commit, path)
        assert found is not None
        return found

    def commit(self, path: str, text: str) -> Candidate:
        """A candidate in which a file is another one."""
        return self.candidate(People(self.world).commit_to(BRANCH, path, text))

    def changed(self, path: str, old: str, new: str) -> Candidate:
        """A candidate in which a piece of a file is another one."""
        text = self.text(path)
        assert old in text
        return self.commit(path, text.replace(old, new))

    def plan(self, candidate: Candidate | None = None) -> ProductionPlan:
        return plan_of_production(self.release, candidate or self.candidate())

    def nowhere_deployed(self) -> Candidate:
        """A candidate for a folder where nobody has deployed, and GitHub knows of no deployment either."""
        hub = GitHubRepo(SLUG)
        while (last := hub.newest_successful_deployment(PRODUCTION)) is not None:
            hub.set_deployment_status(last.id, "inactive", text="taken down", url="")
        root = "/.bundle/${bundle.name}/${bundle.target}"
        return self.changed("databricks.yml", root, root.replace("/.bundle", "/.first"))

    def commands(self, candidate: Candidate) -> AbstractContextManager[list[BundleCli]]:
        return bundle_clis(self.release, candidate, "prod")

    def deploy(self, candidate: Candidate, approved: ProductionPlan | None) -> None:
        """Deploy to production as the flow does."""
        with bundle_clis(self.release, candidate, "prod") as clis:
            bundles = all_validated(clis, "prod")
        ensure_deployed.fn(self.release, candidate, bundles, environment=PRODUCTION, approved=approved)

    def release_to_production(self, candidate: Candidate) -> None:
        """Deploy it, and let GitHub say that it was released."""
        self.deploy(candidate, self.plan(candidate))
        hub = GitHubRepo(SLUG)
        newest = hub.deployments(PRODUCTION, candidate.commit)[0]
        hub.set_deployment_status(newest.id, "success", text="", url="")

    @property
    def root(self) -> str:
        with bundle_clis(self.release, self.candidate(), "prod") as clis:
            return all_validated(clis, "prod")[0].root_path

    def job(self, key: str) -> int:
        found = self.workspace.job_id(self.root, key)
        assert found is not None
        return found

    def without_destruction(self) -> Candidate:
        """The job that this release would remove stays: nothing is destroyed."""
        mirror = Mirror(SLUG).fetch()
        released = mirror.tags()["1.3.0"]
        for path in ("resources/legacy_export.yml", "src/legacy_export.py"):
            text = mirror.read(released, path)
            assert text is not None
            self.commit(path, text)
        return self.candidate()

    def forget_faults(self) -> None:
        forget_faults(self.world)

    def watch_the_command(
        self, monkeypatch: pytest.MonkeyPatch, *, after_deploy: str = "", killed_after: float | None = None
    ) -> Callable[[], list[str]]:
        """Stand before the `databricks` command; returns what tells how it was called so far.

        Args:
            monkeypatch: takes this away at the end.
            after_deploy: Python that runs after each deploy, with its environment.
            killed_after: seconds after which a deploy is killed.
        """
        folder = self.world.folder / "watched"
        folder.mkdir()
        record, program, script = folder / "calls.txt", folder / "databricks", folder / "after.py"
        record.touch()
        script.write_text(after_deploy)
        program.write_text(
            _WATCHING.format(
                python=sys.executable,
                record=str(record),
                real=os.environ["DABFLOW_DATABRICKS_CLI"],
                seconds=killed_after,
                script=str(script),
            )
        )
        program.chmod(0o755)
        monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", str(program))
        return lambda: record.read_text().splitlines()

    def hold_the_lock(self, user: str) -> None:
        """Somebody deploys there right now, as far as the command can tell."""
        number = "0b9c1e3f-8a4d-4c1b-9f0e-2d6a7b5c4e3f"
        lock = {"ID": number, "AcquisitionTime": "2026-11-24T12:00:00Z", "IsForced": False, "User": user}
        self.workspace.client.workspace.upload(
            f"{self.root}/state/deploy.lock",
            io.BytesIO(json.dumps(lock).encode()),
            format=ImportFormat.RAW,
            overwrite=True,
        )
