"""Workflows really run by `act`: a bundle repository that calls one of ours, and the actions it uses, all here."""

import json
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


DABFLOW, PINNED = "acme/dabflow", "0123456789abcdef0123456789abcdef01234567"
OURS = Path(".github", "workflows")


def caller(name: str) -> str:
    """What a bundle repository has of one of our workflows: the file that calls it, at a commit."""
    text = (PROJECT / "deployments" / "callers" / name).read_text(encoding="utf-8")
    return text.replace("{dabflow}", DABFLOW).replace("{sha}", PINNED)


@dataclass(frozen=True)
class Acting:
    """GitHub Actions of one repository, as far as act is that.

    `workflow` is the name of the file that calls ours, `dabflow` a copy of what of dabflow is needed for that, `stub`
    the action that stands for all that it uses.
    """

    workflow: str
    checkout: Path
    dabflow: Path
    stub: Path

    def act(
        self, event: str, *options: str, actor: str, environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """What act says about an event; it sees no more of our environment than PATH."""
        stands_for = {f"{DABFLOW}@{PINNED}": self.dabflow, **dict.fromkeys(self._used(), self.stub)}
        return subprocess.run(
            [
                str(ACT),
                event,
                *("--workflows", str(OURS / self.workflow)),
                *("--platform", "ubuntu-latest=-self-hosted", "--actor", actor),
                *("--no-cache-server", "--artifact-server-addr", "127.0.0.1", "--json"),
                *(part for what, by in stands_for.items() for part in ("--local-repository", f"{what}={by}")),
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

    def on(self, event: str, repository: str, *options: str, **payload: Any) -> str:
        """What act says about an event with this payload."""
        file = self.stub / "event.json"
        about = {"full_name": repository, "default_branch": "develop"}
        file.write_text(json.dumps({"repository": about, **payload}), encoding="utf-8")
        done = self.act(event, "--eventpath", str(file), *options, actor="ravi")
        return done.stdout + done.stderr

    def _used(self) -> list[str]:
        jobs: dict[str, Any] = yaml.safe_load((PROJECT / OURS / self.workflow).read_text(encoding="utf-8"))[
            "jobs"
        ]
        return [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]


def acting_in(folder: Path, repository: str, workflow: str) -> Acting:
    """A repository that holds the calling workflow and nothing else, and the dabflow that it calls."""
    dabflow, checkout, stub = folder / "dabflow", folder / "bundle", folder / "stub"
    for file in (PROJECT / OURS / workflow, *(PROJECT / "deployments").glob("trigger*.py")):
        there = dabflow / file.relative_to(PROJECT)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, there)
    (checkout / OURS).mkdir(parents=True)
    (checkout / OURS / workflow).write_text(caller(workflow), encoding="utf-8")
    identity = ["-c", "user.name=ravi", "-c", "user.email=ravi@acme.example"]
    for command in (
        ["init", "--quiet", "--initial-branch=develop"],
        ["remote", "add", "origin", f"https://github.com/{repository}.git"],
        ["add", "."],
        [*identity, "commit", "--quiet", "--message", "feat: releases and GitHub Actions"],
    ):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    # act checks out by itself only where no `ref` is asked for, and knows no `job.workflow_sha`.
    stub.mkdir()
    (stub / "action.yml").write_text(
        "name: stub\ndescription: checks dabflow out\n"
        f"runs: {{using: composite, steps: [{{shell: bash, run: 'cp -R {dabflow}/. .'}}]}}\n"
    )
    return Acting(workflow, checkout, dabflow, stub)
