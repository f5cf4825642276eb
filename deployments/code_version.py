"""The version of the code in a folder, as `dabflow install` writes it and each run compares it."""

import hashlib
import os
import tomllib
from importlib import metadata
from pathlib import Path

from tasks.rules.code_versions import CodeVersion

# What decides what a run does; the command line and the sandbox do not.
_RUNS = ("flows", "tasks")
_DIGITS = 12
_INSTALLED = Path(__file__).resolve().parent.parent


def code_folder() -> Path:
    """Where the code of runs is: DABFLOW_CODE, else the dabflow that is installed here."""
    return Path(os.environ.get("DABFLOW_CODE") or _INSTALLED)


def code_version(folder: Path) -> CodeVersion:
    """The version of the dabflow in `folder`: a checkout, or where a package was installed."""
    return CodeVersion(_number(folder), _digest(folder))


def _number(folder: Path) -> str:
    project = folder / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version("dabflow")


def _digest(folder: Path) -> str:
    code = hashlib.sha256()
    for file in sorted(file for part in _RUNS for file in (folder / part).rglob("*.py")):
        text = file.read_bytes()
        code.update(f"{file.relative_to(folder).as_posix()} {len(text)}\n".encode())
        code.update(text)
    return code.hexdigest()[:_DIGITS]
