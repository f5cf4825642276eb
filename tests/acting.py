"""Workflows really run by `act`: a repository that holds one and its script, and the actions that it uses, here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
ACT = shutil.which("act", path=str(Path(sys.executable).parent)) or shutil.which("act")

needs_act = pytest.mark.skipif(
    ACT is None and "CI" not in os.environ,
    reason="act is not installed; it has no wheel for this machine",
)


@dataclass(frozen=True)
class Acting:
    """GitHub Actions of one repository, as far as act is that.

    `workflow` is its path in the repository, `stub` the action that stands for all that it uses.
    """

    workflow: str
    checkout: Path
    stub: Path

    def act(
        self, event: str, *options: str, actor: str, environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """What act says about an event; it sees no more of our environment than PATH."""
        return subprocess.run(
            [
                str(ACT),
                event,
                *("--workflows", self.workflow, "--platform", "ubuntu-latest=-self-hosted", "--actor", actor),
                *("--no-cache-server", "--artifact-server-addr", "127.0.0.1", "--json"),
                *(part for used in self._used() for part in ("--local-repository", f"{used}={self.stub}")),
                *("--env", "DABFLOW_WITHIN_SECONDS=3"),
                *options,
            ],
            cwd=self.checkout,
            env={"PATH": os.environ["PATH"], "HOME": str(self.stub.parent), **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _used(self) -> list[str]:
        jobs: dict[str, Any] = yaml.safe_load((PROJECT / self.workflow).read_text(encoding="utf-8"))["jobs"]
        return [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]


def checkout_of(folder: Path, repository: str, workflow: str) -> Path:
    """A repository that holds the workflow and its script."""
    for file in (PROJECT / workflow, *(PROJECT / "deployments").glob("trigger*.py")):
        there = folder / file.relative_to(PROJECT)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, there)
    identity = ["-c", "user.name=ravi", "-c", "user.email=ravi@acme.example"]
    for command in (
        ["init", "--quiet", "--initial-branch=develop"],
        ["remote", "add", "origin", f"https://github.com/{repository}.git"],
        ["add", "."],
        [*identity, "commit", "--quiet", "--message", "feat: releases and GitHub Actions"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def stub_of(folder: Path, checkout: Path) -> Path:
    """An action that brings the files of the checkout: act does that itself only where no `ref` is asked for."""
    folder.mkdir()
    (folder / "action.yml").write_text(
        "name: stub\ndescription: checks out the one repository that there is\n"
        f"runs: {{using: composite, steps: [{{shell: bash, run: 'cp -R {checkout}/. .'}}]}}\n"
    )
    return folder
