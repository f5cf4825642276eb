"""`dabflow init` writes what is missing into a bundle repository, and nothing else."""

from pathlib import Path

import pytest
import yaml
from hub_place import SLUG, Place

from deployments.command import main
from tasks.rules.settings import settings_of

pytest_plugins = ["hub_fixtures"]

DABFLOW = f"acme/dabflow@{'5' * 40}"
BUNDLE = """\
bundle: {name: sales}
include: [jobs/*.yml]
targets:
  dev: {mode: development}
  uat: {mode: production}
  prd: {mode: production}
"""


@pytest.fixture
def old(place: Place) -> Place:
    """A repository that was released by a workflow of its own: v1.3.0 is in production, release/1.4.0 is open."""
    place.git("remote", "add", "origin", f"git@github.com:{SLUG}.git")
    place.commit("sales/databricks.yml", BUNDLE)
    place.commit("sales/jobs/smoke.yml", "resources: {jobs: {smoke_test: {name: smoke}}}\n")
    place.commit(".github/workflows/release.yml", "run: databricks bundle deploy -t prd\n", "ci: release")
    place.git("tag", "v1.3.0")
    place.push("v1.3.0", "develop:main", "develop:release/1.4.0")
    place.git("branch", "release/1.4.0")
    place.git("branch", "main")
    return place


def status(place: Place) -> str:
    return place.git("status", "--porcelain", "--untracked-files=all")


def test_it_writes_what_is_missing_and_nothing_else(old: Place, capsys: pytest.CaptureFixture[str]) -> None:
    before = old.git("show-ref")

    assert main(["init", str(old.work), "--dabflow", DABFLOW]) == 0

    told = capsys.readouterr().out
    changed = status(old).splitlines()
    assert "?? release.yaml" in changed
    assert {line[:3] for line in changed} == {"?? "}
    assert old.git("show-ref") == before
    assert "release/1.4.0: dabflow release --version 1.4.0" in told
    assert "v1.3.0 has no published GitHub release" in told
    assert ".github/workflows/release.yml deploys" in told
    settings = settings_of(yaml.safe_load((old.work / "release.yaml").read_text()), source="it")
    assert (settings.targets.staging, settings.targets.production) == ("uat", "prd")
    assert settings.bundles == ("sales",)
    assert settings.tag_prefix == "v"
    assert settings.smoke.staging == ("smoke_test",)


def test_its_workflows_call_this_dabflow_at_one_commit(old: Place) -> None:
    main(["init", str(old.work), "--dabflow", DABFLOW])

    written = sorted((old.work / ".github" / "workflows").glob("dabflow-*.yml"))
    assert written
    for path in written:
        text = path.read_text()
        called = yaml.safe_load(text)["jobs"].popitem()[1]["uses"]
        assert called == f"acme/dabflow/.github/workflows/{path.name.removeprefix('dabflow-')}@{'5' * 40}"
        assert "{dabflow}" not in text
        assert "{sha}" not in text


def test_its_workflows_know_the_branches_of_the_repository(old: Place) -> None:
    old.git("branch", "releases/1.4.0")
    old.git("branch", "-D", "release/1.4.0")

    main(["init", str(old.work), "--dabflow", DABFLOW])

    wakes = (old.work / ".github" / "workflows" / "dabflow-wake.yml").read_text()
    assert '["releases/**", "hotfix/**", "sync/**"]' in wakes
    assert "startsWith(github.event.pull_request.head.ref, 'releases/')" in wakes


def test_a_dry_run_writes_nothing(old: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(old.work), "--dabflow", DABFLOW, "--dry-run"]) == 0

    assert "release.yaml: would be written" in capsys.readouterr().out
    assert status(old) == ""


def test_a_second_time_nothing_changes(old: Place, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(old.work), "--dabflow", DABFLOW])
    first = {path: path.stat().st_mtime_ns for path in old.work.rglob("*.y*ml")}
    capsys.readouterr()

    assert main(["init", str(old.work), "--dabflow", DABFLOW]) == 0

    assert "release.yaml: is there already\n" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in old.work.rglob("*.y*ml")} == first


def test_a_file_of_somebody_else_is_left_alone(old: Place, capsys: pytest.CaptureFixture[str]) -> None:
    (old.work / "release.yaml").write_text("tag_prefix: v\n")

    assert main(["init", str(old.work), "--dabflow", DABFLOW]) == 1

    assert "left as it is" in capsys.readouterr().out
    assert (old.work / "release.yaml").read_text() == "tag_prefix: v\n"


def test_what_was_published_is_asked_of_github(old: Place, capsys: pytest.CaptureFixture[str]) -> None:
    old.arm("refuse", f"/repos/{SLUG}/releases", status=403, times=1)

    main(["init", str(old.work), "--dabflow", DABFLOW, "--dry-run"])

    told = capsys.readouterr().out
    assert "GitHub was not asked: " in told
    assert f"https://github.com/{SLUG}/releases" in told


@pytest.mark.parametrize(
    ("dabflow", "said"),
    [("acme/dabflow@main", "tags and branches can be moved"), ("dabflow", "owner/name@COMMIT")],
)
def test_where_dabflow_is_kept_must_be_a_commit(
    old: Place, dabflow: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(old.work), "--dabflow", dabflow]) == 1

    assert said in capsys.readouterr().err
    assert status(old) == ""


def test_a_folder_that_is_no_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()

    assert main(["init", str(tmp_path / "empty"), "--dabflow", DABFLOW]) == 1

    assert "is not in a working copy" in capsys.readouterr().err


def test_a_repository_without_a_bundle(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(place.work), "--repository", SLUG, "--dabflow", DABFLOW]) == 1

    assert "git knows of no databricks.yml" in capsys.readouterr().err
    assert not (place.work / "release.yaml").exists()
