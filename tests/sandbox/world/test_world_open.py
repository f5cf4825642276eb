"""A world over a folder: what it tells, what it keeps, which `databricks` it takes."""

import os
import stat
import sys
from pathlib import Path

import httpx
import pytest

from sandbox.serving import listening_socket
from sandbox.world import TARGETS, CliUnsupported, PortTaken, World, cli_version, copy_world, find_cli


def command(folder: Path, says: str, code: int = 0) -> Path:
    """A `databricks` that only knows what to say about itself."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "databricks"
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first folder of a PATH without any real `databricks`."""
    monkeypatch.delenv("DABFLOW_DATABRICKS_CLI", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return tmp_path / "path"


def test_a_supported_command_on_the_path_is_used(no_cli: Path, tmp_path: Path) -> None:
    installed = command(no_cli, "Databricks CLI v1.13.0")

    assert find_cli(tmp_path / "bin") == installed.resolve()


@pytest.mark.parametrize(
    ("says", "code"),
    [
        pytest.param("Databricks CLI v0.205.0", 0, id="too old"),
        pytest.param("Databricks CLI v1.12.9", 0, id="just too old"),
        pytest.param("Databricks CLI v2.0.0", 0, id="too new"),
        pytest.param("something else", 0, id="not the command at all"),
        pytest.param("Databricks CLI v1.14.0", 1, id="broken"),
    ],
)
def test_what_cannot_be_used_makes_room_for_the_stand_in(
    no_cli: Path, tmp_path: Path, says: str, code: int
) -> None:
    command(no_cli, says, code)

    found = find_cli(tmp_path / "bin")

    assert found.parent == tmp_path / "bin"
    assert (cli_version(found) or "").endswith("-sandbox")


def test_the_named_command_wins(no_cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command(no_cli, "Databricks CLI v1.13.0")
    named = command(tmp_path / "mine", "Databricks CLI v1.99.0-dev+abc")
    monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", str(named))

    assert find_cli(tmp_path / "bin") == named.resolve()


@pytest.mark.parametrize("says", ["Databricks CLI v0.205.0", "no version"])
def test_a_named_command_that_cannot_be_used_is_an_error(
    no_cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", str(command(tmp_path / "mine", says)))

    with pytest.raises(CliUnsupported, match="what to do"):
        find_cli(tmp_path / "bin")


def test_the_environment_has_every_connection(world: World) -> None:
    told = world.environment()

    assert told["DABFLOW_GITHUB_API_URL"] == told["DABFLOW_GITHUB_URL"] == world.github_url
    assert told["DABFLOW_GITHUB_TOKEN"] == world.github.accounts["dabflow-bot"].token
    for target in TARGETS:
        assert told[f"DABFLOW_TARGET_{target.upper()}_HOST"] == world.workspace_urls[target]
        assert told[f"DABFLOW_TARGET_{target.upper()}_CLIENT_SECRET"]
    assert told["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert "PREFECT_API_URL" not in told


def test_secrets_are_for_their_owner_only(world: World) -> None:
    for name in ("principals.json", "github/tokens.json"):
        assert stat.S_IMODE((world.folder / name).stat().st_mode) == 0o600


def test_a_copy_is_the_same_world_with_a_home_of_its_own(seeded: Path, tmp_path: Path) -> None:
    first, second = (World.open(copy_world(seeded, tmp_path / name)) for name in ("one", "two"))

    assert first.workspace_urls == second.workspace_urls
    assert first.github.accounts["rita"].token == second.github.accounts["rita"].token
    assert first.environment()["DABFLOW_HOME"] != second.environment()["DABFLOW_HOME"]


def test_what_one_copy_does_the_next_does_not_see(seeded: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        with World.open(copy_world(seeded, tmp_path / name)) as world:
            answer = httpx.post(
                f"{world.github_url}/repos/acme/lakehouse/git/refs",
                headers={"Authorization": f"Bearer {world.github.accounts['rita'].token}"},
                json={
                    "ref": "refs/heads/mine",
                    "sha": world.github.repository("acme/lakehouse").branches["main"],
                },
            )
            assert answer.status_code == 201, answer.text


def test_a_taken_port_stops_the_start_and_leaves_nothing_behind(seeded: Path, tmp_path: Path) -> None:
    world = World.open(copy_world(seeded, tmp_path / "world"))
    with listening_socket(world.ports["prod"]) as taken:
        taken.listen()
        with pytest.raises(PortTaken, match="where prod of this sandbox answers"):
            world.start()
    assert world.served == []

    with world:
        assert httpx.get(world.workspace_urls["prod"]).status_code < 500
