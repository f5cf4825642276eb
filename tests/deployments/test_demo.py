"""`dabflow demo`, as a newcomer types it: release, hotfix and rollback through a worker, checked by the demo itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(500)

DABFLOW = Path(sys.executable).with_name("dabflow")


def test_it_ends_with_a_true_summary_and_leaves_nothing(tmp_path: Path) -> None:
    """Exit code 0 means that each claim about the servers was true; somebody's own accounts are no part of it."""
    environment = os.environ | {"TMPDIR": str(tmp_path), "PREFECT_API_URL": "http://127.0.0.1:1/api"}

    done = subprocess.run(
        [DABFLOW, "demo", "--act", "rollback"], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "production runs" in done.stdout
    assert "the whole demo so far" in done.stdout
    assert "Everything is stopped, and its folder is gone" in done.stdout
    assert list(tmp_path.glob("dabflow-demo-*")) == []
