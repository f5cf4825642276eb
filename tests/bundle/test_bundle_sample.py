"""The sample bundle: what a release of it relies on."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.seeding.files import PROJECT, newest_files, placeholder
from sandbox.world import APPLICATION_IDS, TARGETS
from tasks.rules.settings import ReleaseSettings, settings_of


def parsed(name: str) -> Any:
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the bundle as a release has it: sources only."""
    for name, text in newest_files({}).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def build_wheel(sources: Path, epoch: str) -> Path:
    """Run the build command that stands in databricks.yml, with nothing but this interpreter on PATH."""
    artifact: dict[str, str] = parsed("databricks.yml")["artifacts"]["lakehouse_wheel"]
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
        "SOURCE_DATE_EPOCH": epoch,
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    subprocess.run(
        artifact["build"].split(), cwd=sources / artifact["path"], env=environment, check=True, timeout=60
    )
    (wheel,) = (sources / artifact["path"] / "dist").glob("*.whl")
    return wheel


def test_the_checks_pass_where_there_is_nothing_but_python(sources: Path) -> None:
    (check,) = parsed("release.yaml")["checks"]
    python, *arguments = check["command"].split()
    assert python == "python3"

    bare = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-E", "-S", *arguments],
        cwd=sources,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "OK" in done.stderr


def test_the_wheel_is_the_same_bytes_each_time(sources: Path) -> None:
    digests = []
    for _ in range(2):
        shutil.rmtree(sources / "src" / "dist", ignore_errors=True)
        digests.append(hashlib.sha256(build_wheel(sources, "1790000000").read_bytes()).hexdigest())

    assert digests[0] == digests[1]


def test_each_target_has_a_host_and_a_deployer_of_its_own() -> None:
    targets = parsed("databricks.yml")["targets"]

    assert tuple(targets) == TARGETS
    assert {name: t["workspace"]["host"] for name, t in targets.items()} == {
        name: placeholder(name) for name in TARGETS
    }
    for name in ("staging", "prod"):
        assert targets[name]["variables"]["deployer"] == APPLICATION_IDS[name]


def test_release_yaml_says_the_defaults_but_for_what_only_the_team_knows() -> None:
    ours, default = settings_of(parsed("release.yaml"), source="release.yaml"), ReleaseSettings()

    own = [name for name in ReleaseSettings.model_fields if getattr(ours, name) != getattr(default, name)]

    assert own == ["checks", "smoke", "reviewers"]


def test_every_smoke_job_is_a_job_of_the_bundle() -> None:
    jobs = {job for path in (PROJECT / "resources").glob("*.yml") for job in _resources(path).get("jobs", {})}
    smoke = parsed("release.yaml")["smoke"]

    assert {*smoke["staging"], *smoke["production"]} <= jobs


def _resources(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = parsed(f"resources/{path.name}")["resources"]
    return found
