"""The README's commands exist and mean what it says; the demo behind `make demo` has a test of its own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]


def test_it_is_short_and_has_commands() -> None:
    assert len(README.splitlines()) < 150
    assert "make demo" in COMMANDS
    assert "make test" in COMMANDS


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_every_make_target_is_there(command: str) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make on this machine")
    ran = subprocess.run([make, "-n", *command.split()[1:]], cwd=ROOT, capture_output=True, check=False)

    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("command", [c for c in COMMANDS if "dabflow " in c])
def test_every_dabflow_command_is_there(command: str) -> None:
    """With exactly the options that the README writes; `--help` keeps it from being done."""
    words = command.split("dabflow ", 1)[1]
    options = re.findall(r"--[a-z-]+", words)
    subcommands = [w for w in words.split("--")[0].split() if re.fullmatch(r"[a-z]+", w)]
    ran = subprocess.run(
        [Path(sys.executable).with_name("dabflow"), *subcommands, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert [o for o in options if o not in ran.stdout] == []


def test_every_file_it_names_is_there() -> None:
    named = re.findall(r"`((?:docs|flows|tasks|sandbox|deployments|\.github)/[\w./-]*)`", README)
    named += re.findall(r"\]\((docs/[\w./-]+)\)", README)

    assert [name for name in named if not (ROOT / name).exists()] == []
