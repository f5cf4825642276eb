"""How a bundle's YAML is read: merge keys, anchors, numbers, types, mistakes: recordings 50.

Each `NAME.yml` is included by a bundle of one file. Recorded with 1.14.0-dev against the sandbox's workspace.
"""

import shutil

import pytest
from cli_lab import HERE, Lab
from cli_recordings import FOLDER, assert_same

CASES = sorted(file.stem for file in (FOLDER / "50-yaml").glob("*.yml"))
MERGES = [
    name for name in CASES if "merge" in name or "sequence" in name or name in {"basic", "nested", "twice"}
]


def _assert_read_alike(lab: Lab, names: list[str]) -> None:
    folder = lab.folder / "yaml"
    shutil.copytree(HERE / "yaml_bundle", folder)
    for name in names:
        shutil.copyfile(FOLDER / f"50-yaml/{name}.yml", folder / "case.yml")
        assert_same(lab, f"50-yaml/{name}", folder=folder)


def test_merge_keys(lab: Lab) -> None:
    """Of several maps the later one counts, unlike in YAML's own specification; keys beside them always do."""
    assert len(MERGES) > 10
    _assert_read_alike(lab, MERGES)


@pytest.mark.parametrize("part", [0, 1])
def test_everything_else(lab: Lab, part: int) -> None:
    _assert_read_alike(lab, [name for name in CASES if name not in MERGES][part::2])
