"""The README's commands exist and have the options that it writes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deployments.command import main

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
def test_every_dabflow_command_is_there(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exactly the options that the README writes; `--help` keeps it from being done."""
    monkeypatch.chdir(tmp_path)  # a sandbox in the project's folder is not meant
    words = command.split("dabflow ", 1)[1]
    options = re.findall(r"--[a-z-]+", words)
    subcommands = [w for w in words.split("--")[0].split() if re.fullmatch(r"[a-z]+", w)]

    assert main([*subcommands, "--help"]) == 0

    told = capsys.readouterr().out
    assert [o for o in options if o not in told] == []


def test_every_file_it_names_is_there() -> None:
    named = re.findall(r"`((?:docs|flows|tasks|sandbox|deployments|\.github)/[\w./-]*)`", README)
    named += re.findall(r"\]\((docs/[\w./-]+)\)", README)

    assert [name for name in named if not (ROOT / name).exists()] == []
