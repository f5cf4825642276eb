"""What a bundle is made of: nothing that it may use outside of its folder is missed."""

from pathlib import Path

import pytest

from tasks.systems.bundle_sources import sources_of

ROOT = "bundle: {name: ingest}\ninclude: [resources/*.yml]\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for folder in ("bundles/ingest/resources", "bundles/ingest/src", "common"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def sources(repository: Path, **files: str) -> tuple[str, ...]:
    root = repository / "bundles/ingest"
    for name, text in {"databricks.yml": ROOT, **{k.replace("__", "/"): v for k, v in files.items()}}.items():
        (root / name).write_text(text)
    return sources_of(root, repository)


def test_by_itself(repository: Path) -> None:
    inside = "path: ../src\nnote: 1..2 and ... and a..b\n"
    assert sources(repository, **{"resources__a.yml": inside}) == ("bundles/ingest", "bundles/src")


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("databricks.yml", f"{ROOT}sync: {{paths: [., ../../common]}}\n", "common"),
        ("databricks.yml", f"{ROOT}artifacts: {{w: {{build: cd ../../common && make}}}}\n", "common"),
        ("resources__job.yml", "dependencies: [../../../common/dist/*.whl]\n", "common/dist"),
        ("src__pyproject.toml", 'lib = {path = "../../../common"}\n', "common"),
        ("requirements.txt", "-e ../../common\n", "common"),
        ("databricks.yml", f"{ROOT}sync: {{paths: [../../../elsewhere]}}\n", "."),
    ],
)
def test_what_its_files_name_outside(repository: Path, file: str, text: str, expected: str) -> None:
    assert expected in sources(repository, **{file: text})


def test_links_that_lead_outside(repository: Path) -> None:
    root = repository / "bundles/ingest"
    (root / "src/common").symlink_to(repository / "common")
    assert sources(repository) == ("bundles/ingest", "common")
    (root / "src/hosts").symlink_to("/etc/hosts")
    assert "." in sources(repository), "what is not in the repository has no versions"


def test_the_whole_repository(repository: Path) -> None:
    (repository / "databricks.yml").write_text("bundle: {name: all}\n")
    assert sources_of(repository, repository) == (".",)
