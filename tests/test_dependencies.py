"""What our code imports is named in pyproject.toml and in requirements/: nothing is there by chance."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
OURS = ("flows", "tasks", "deployments", "sandbox")
STANDARD = sys.stdlib_module_names | {"_sha256"}  # that one up to Python 3.11


def direct_imports() -> dict[str, str]:
    """Each package that our code imports, and one file that does."""
    found = {}
    for folder in OURS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for module in modules(node):
                    found[module.partition(".")[0]] = str(path.relative_to(ROOT))
    return {name: file for name, file in found.items() if name not in {*OURS, *STANDARD}}


def modules(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
        case _:
            return []


def in_pyproject() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return requirements(project["dependencies"])


def in_runtime_in() -> dict[str, str]:
    lines = (ROOT / "requirements" / "runtime.in").read_text(encoding="utf-8").splitlines()
    return requirements([line for line in lines if line and not line.startswith("#")])


def requirements(lines: list[str]) -> dict[str, str]:
    """The names in their canonical form, with the versions that are asked for."""
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): str(one.specifier) for one in parsed}


def test_what_is_imported_is_named() -> None:
    installed, named = packages_distributions(), in_pyproject().keys()
    unnamed = {
        module: file
        for module, file in direct_imports().items()
        if not named & {canonicalize_name(name) for name in installed[module]}
    }

    assert unnamed == {}


def test_the_two_lists_say_the_same() -> None:
    assert in_runtime_in() == in_pyproject()


@pytest.mark.parametrize("lock", ["runtime.lock", "dev.lock"])
def test_what_is_named_is_locked_and_no_host_is(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    locked = {
        canonicalize_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", text, re.MULTILINE)
    }

    assert in_pyproject().keys() <= locked
    assert "://" not in text
