"""databricks.yml is read without the command, the way the command reads it."""

from pathlib import Path

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.systems.bundle_files import Declared, declared

PROD = "https://prod.cloud.databricks.example"


def bundle(folder: Path, text: str, **files: str) -> Path:
    (folder / "databricks.yml").write_text(text)
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".yml").write_text(content)
    return folder


def test_the_targets_host_goes_before_the_bundles(tmp_path: Path) -> None:
    root = bundle(
        tmp_path,
        f"""
        bundle: {{name: lakehouse}}
        workspace: {{host: https://dev.example}}
        targets:
          dev:
          prod:
            workspace: {{host: {PROD}/}}
        """,
    )

    assert declared(root, "prod") == Declared("lakehouse", f"{PROD}/")
    assert declared(root, "dev").host == "https://dev.example"


def test_anchors_are_followed(tmp_path: Path) -> None:
    root = bundle(
        tmp_path,
        f"""
        bundle: {{name: lakehouse}}
        x: &common {{workspace: {{host: {PROD}}}}}
        targets: {{prod: {{<<: *common, mode: production}}}}
        """,
    )

    assert declared(root, "prod").host == PROD


def test_a_host_in_an_included_file_counts(tmp_path: Path) -> None:
    root = bundle(
        tmp_path,
        "{bundle: {name: lakehouse}, include: [resources/*.yml, targets/prod.yml], targets: {dev: {}}}",
        resources__jobs="{resources: {jobs: {}}}",
        targets__prod=f"{{targets: {{prod: {{workspace: {{host: {PROD}}}}}}}}}",
    )

    assert declared(root, "prod").host == PROD


def test_hidden_files_match_as_in_the_command(tmp_path: Path) -> None:
    """Go's `*` takes names that begin with a dot; a host must not hide there."""
    root = bundle(
        tmp_path,
        '{bundle: {name: lakehouse}, include: ["conf/*.yml"], targets: {prod: {}}}',
    )
    (root / "conf").mkdir()
    (root / "conf" / ".prod.yml").write_text(f"{{targets: {{prod: {{workspace: {{host: {PROD}}}}}}}}}")

    assert declared(root, "prod").host == PROD


def test_no_host_leaves_it_to_the_environment(tmp_path: Path) -> None:
    assert declared(bundle(tmp_path, "{bundle: {name: x}, targets: {prod: }}"), "prod") == Declared("x", None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{targets: {dev: {}, qa: {}}}", "the bundle has no target prod; it has dev, qa"),
        ("{bundle: {name: x}}", "the bundle has no target prod; it has none"),
        ("{targets: {prod: {workspace: {host: '${var.host}'}}}}", r"cannot be read from databricks\.yml"),
        ("{targets: {prod: {workspace: {host: [1]}}}}", r"cannot be read from databricks\.yml"),
        ("{targets: {prod: {workspace: {host: 'https://x:port'}}}}", "is not an address"),
        ("targets: [\n", r"databricks\.yml cannot be read"),
        ("- a list", r"databricks\.yml holds no mapping"),
        ("a: 1\n---\nb: 2\n", r"databricks\.yml cannot be read"),
    ],
)
def test_what_cannot_be_told_is_a_stop(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(NeedsHuman, match=problem):
        declared(bundle(tmp_path, text), "prod")


def test_two_hosts_for_one_target_are_a_stop(tmp_path: Path) -> None:
    """Which of them wins is the command's secret."""
    root = bundle(
        tmp_path,
        f"{{include: [more.yml], targets: {{prod: {{workspace: {{host: {PROD}}}}}}}}}",
        more="{targets: {prod: {workspace: {host: https://elsewhere.example}}}}",
    )

    with pytest.raises(NeedsHuman, match=f"several hosts for target prod: https://elsewhere.example, {PROD}"):
        declared(root, "prod")


def test_a_folder_without_a_bundle_is_a_stop(tmp_path: Path) -> None:
    with pytest.raises(NeedsHuman, match=r"databricks\.yml not found"):
        declared(tmp_path, "prod")
