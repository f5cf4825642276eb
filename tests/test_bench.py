"""The programs in bench/ run; what they print is not judged."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_time_of_a_plan_is_printed_as_a_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.plan", "--jobs", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| 1 |")]
    assert len(rows) == 1
    assert "`bundle plan`, s" in done.stdout


def test_what_is_kept_names_no_machine_and_no_folder() -> None:
    kept = list((ROOT / "bench").glob("*.md"))

    assert len(kept) > 1
    for page in kept:
        assert not {"/home/", "/root/", "/tmp/", "/work/"} & set(page.read_text(encoding="utf-8").split())
        assert "| 500 |" in page.read_text(encoding="utf-8") or page.name == "README.md"
