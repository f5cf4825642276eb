"""The story that the seed tells, without any server."""

import pytest

from sandbox.seeding.files import newest_files
from sandbox.seeding.story import (
    BEGINNINGS,
    CHANGES,
    Added,
    Edit,
    Removed,
    Replaced,
    StoryBroken,
    after_only,
    before,
    difference,
)

HOSTS = {"dev": "http://127.0.0.1:1", "staging": "http://127.0.0.1:2", "prod": "http://127.0.0.1:3"}


def test_undoing_all_changes_gives_the_bundle_of_the_last_release() -> None:
    newest = newest_files(HOSTS)

    oldest = before(newest, CHANGES)

    assert "resources/legacy_export.yml" in oldest
    assert "resources/order_quality.yml" not in oldest
    assert "0 0 6 * * ?" in oldest["resources/daily_report.yml"]


def test_the_changes_create_change_only_touch_code_and_remove() -> None:
    newest = newest_files(HOSTS)
    oldest = before(newest, CHANGES)

    changed = [difference(oldest, after_only(newest, number)) for number in range(len(CHANGES))]
    resources = [{p: t for p, t in files.items() if p.startswith("resources/")} for files in changed]

    assert list(resources[0]) == ["resources/order_quality.yml"]
    assert list(resources[1]) == ["resources/daily_report.yml"]
    assert resources[2] == {}
    assert changed[2]
    assert resources[3] == {"resources/legacy_export.yml": None}


def test_every_file_of_the_last_release_came_with_some_commit() -> None:
    prefixes = tuple(prefix for step in BEGINNINGS for prefix in step.prefixes)

    assert all(path.startswith(prefixes) for path in before(newest_files(HOSTS), CHANGES))


def test_the_addresses_of_the_sandbox_replace_the_placeholders() -> None:
    text = newest_files(HOSTS)["databricks.yml"]

    assert "databricks.example" not in text
    assert all(f"host: {url}" in text for url in HOSTS.values())


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(Added("gone.py"), id="added, but not there"),
        pytest.param(Replaced("a.py", "old", "new"), id="text is not there"),
        pytest.param(Replaced("a.py", "old", "x"), id="text is there twice"),
        pytest.param(Removed("a.py", ""), id="removed, but there again"),
    ],
)
def test_an_edit_that_no_longer_fits_says_so(edit: Edit) -> None:
    with pytest.raises(StoryBroken, match=edit.path):
        edit.undo({"a.py": "x = x"})
