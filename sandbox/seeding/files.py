"""The newest content of acme/lakehouse: this project's sample bundle, with the sandbox's addresses in it."""

from collections.abc import Mapping
from pathlib import Path

from sandbox.seeding.story import Files

PROJECT = Path(__file__).resolve().parents[2]

_FILES = ("databricks.yml", "release.yaml", "docs/release.schema.json")
_FOLDERS = ("resources", "src")
_NOT_SOURCES = {"__pycache__", "dist", "build", ".databricks"}

_README = """\
# lakehouse

Orders of the shop, cleaned every morning and reported: a Databricks bundle with jobs, a pipeline and a wheel.

    develop --> release/X.Y.Z --PR--> main --> tag X.Y.Z --> production

`python3 -m unittest discover -s src/tests -t src` runs the tests; `release.yaml` says how it is released.
"""
_IGNORED = "/.databricks/\n__pycache__/\ndist/\n"


class NoSampleBundle(FileNotFoundError):
    """The sandbox was started from an installation without the project's sample bundle."""


def newest_files(workspace_urls: Mapping[str, str]) -> Files:
    """Return path -> text of every file, each target's host replaced by the address given for it.

    Raises:
        NoSampleBundle: this is not a checkout of the project.
    """
    if not (PROJECT / "databricks.yml").is_file():
        raise NoSampleBundle(
            f"there is no sample bundle in {PROJECT}\n"
            "  what to do: run the sandbox from a checkout of the project (pip install -e .)"
        )
    files = {name: _text(PROJECT / name) for name in _FILES}
    for folder in _FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*")):
            if path.is_file() and not _NOT_SOURCES.intersection(path.parts):
                files[path.relative_to(PROJECT).as_posix()] = _text(path)
    for target, url in workspace_urls.items():
        files["databricks.yml"] = files["databricks.yml"].replace(placeholder(target), url)
    return files | {"README.md": _README, ".gitignore": _IGNORED}


def placeholder(target: str) -> str:
    """The host that stands in the sample bundle for a target."""
    return f"https://{target}.cloud.databricks.example"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
