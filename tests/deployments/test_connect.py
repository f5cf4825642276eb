"""`dabflow connect`: asks for what is missing, tries it, stores it as a block, and shows no secret."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playing import SLUG
from prefect.client.orchestration import get_client

from deployments.command import main
from sandbox.github.render.people import APP_ID
from sandbox.world import World
from tasks.systems.blocks import BLOCKS, DatabricksTarget, GitHubConnection, read_block
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace

pytestmark = pytest.mark.timeout(240)

GITHUB = ("connect", "github", "--repository", SLUG)
STAGING = ("connect", "target", "staging", "--repository", SLUG)


@pytest.fixture(autouse=True)
def no_blocks(prefect_server: str) -> Iterator[None]:
    """The server holds none of our blocks, before and afterwards."""
    forget()
    yield
    forget()


@pytest.fixture
def unknown(world: World, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment names GitHub's addresses and nothing else of a connection."""
    for name in os.environ:
        if name.startswith("DABFLOW_TARGET_") or name == "DABFLOW_GITHUB_TOKEN":
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def key_file(world: World, tmp_path: Path) -> Path:
    file = tmp_path / "app.pem"
    file.write_text(world.github.app_key())
    return file


def forget() -> None:
    with get_client(sync_client=True) as client:
        for kind in BLOCKS:
            kind.register_type_and_schema(_sync=True)  # type: ignore[call-arg]
            for document in client.read_block_documents_by_type(kind.get_block_type_slug()):
                client.delete_block_document(document.id)


def stored() -> dict[str, Any]:
    """Every block of ours, and when it was last written."""
    with get_client(sync_client=True) as client:
        found = [
            d for kind in BLOCKS for d in client.read_block_documents_by_type(kind.get_block_type_slug())
        ]
    return {f"{d.block_type.slug}/{d.name}": d.updated for d in found if d.block_type}


def secret_of(world: World, target: str) -> str:
    return world.workspaces[target].principal.client_secret


def typed(answers: list[str], *words: str) -> tuple[int, str]:
    """The exit code and all that a terminal showed while somebody typed these answers, one for each question."""
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-m", "deployments.command", *words]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            block = os.read(terminal, 4096)
        except OSError:  # what Linux says at the end
            break
        if not block:
            break
        shown += block
        if answers and shown.rstrip(b" ").endswith(b":"):
            os.write(terminal, f"{answers.pop(0)}\n".encode())
    os.close(terminal)
    return process.wait(), shown.decode()


def test_an_app_is_asked_for_tried_and_stored(
    world: World, unknown: pytest.MonkeyPatch, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown.setenv("PREFECT_API_URL", api_url())
    code, shown = typed([str(APP_ID), str(key_file)], *GITHUB)

    assert code == 0, shown
    assert "knows us as dabflow[bot] (the App 4711)" in shown
    assert "workflows: write is missing, for releases that change a file" in shown
    assert "github-connection/default: made" in shown
    assert "PRIVATE KEY" not in shown
    for name in ("DABFLOW_GITHUB_API_URL", "DABFLOW_GITHUB_URL"):
        unknown.delenv(name)
    assert GitHubRepo(SLUG).me == "dabflow[bot]", "the block alone is enough now, addresses included"
    before = stored()
    assert main(GITHUB) == 0
    assert "is stored, nothing to change" in capsys.readouterr().out
    assert stored() == before


def test_a_secret_is_typed_unseen(world: World, unknown: pytest.MonkeyPatch) -> None:
    unknown.setenv("PREFECT_API_URL", api_url())
    unknown.setenv("DABFLOW_GITHUB_TOKEN", world.github.accounts["dabflow-bot"].token)
    principal = world.workspaces["staging"].principal

    code, shown = typed([principal.application_id, principal.client_secret], *STAGING)

    assert code == 0, shown
    assert principal.client_secret not in shown
    assert "the OAuth secret of the target staging" in shown
    assert f"{world.workspace_urls['staging']} knows us as {principal.application_id}" in shown, (
        "the host was not asked for: databricks.yml says it"
    )
    assert Workspace(target_of("staging")).preflight() == principal.application_id


def test_everything_that_the_repository_names(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What a laptop has in its environment is stored without a question; nothing secret is shown."""
    assert main(["connect", "--repository", SLUG]) == 0

    said = capsys.readouterr().out
    assert set(stored()) == {
        "github-connection/default",
        "databricks-target/staging",
        "databricks-target/prod",
    }
    assert "a token may do is not listed by GitHub" in said
    assert "the environment here holds a whole connection too" in said
    for secret in (secret_of(world, "prod"), secret_of(world, "staging"), os.environ["DABFLOW_GITHUB_TOKEN"]):
        assert secret not in said
    before = stored()
    assert main(["connect", "--repository", SLUG]) == 0
    assert stored() == before
    assert capsys.readouterr().out.count("nothing to change") == 3
    assert main(["connect", "--repository", SLUG, "--check"]) == 0
    assert "GitHub, from the environment" in capsys.readouterr().out


def test_what_differs_is_shown_and_asked_about(
    world: World,
    unknown: pytest.MonkeyPatch,
    key_file: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    token = tmp_path / "token"
    token.write_text(world.github.accounts["dabflow-bot"].token + "\n")
    assert main([*GITHUB, "--token-file", str(token)]) == 0
    app = [*GITHUB, "--app-id", str(APP_ID), "--private-key-file", str(key_file)]
    before = stored()

    assert main([*app, "--dry-run"]) == 0
    assert "github-connection/default: would be changed" in capsys.readouterr().out
    assert main(app) == 1, "nobody is here to say yes"
    assert "give it: --yes" in capsys.readouterr().err
    assert stored() == before
    assert main([*app, "--yes"]) == 0

    said = capsys.readouterr().out
    assert "differs: app_id '' -> '4711'" in said
    assert "differs: private_key is another one" in said
    assert "differs: token is another one" in said
    found = read_block(GitHubConnection, "default")
    assert found is not None
    assert (found.app_id, found.token) == (str(APP_ID), None)


def test_for_one_owner_and_with_the_key_left_in_its_file(
    world: World, unknown: pytest.MonkeyPatch, key_file: Path
) -> None:
    words = ["--app-id", str(APP_ID), "--private-key-file", str(key_file), "--keep-key-in-file", "--owner"]
    assert main([*GITHUB, *words]) == 0

    found = read_block(GitHubConnection, "acme")
    assert found is not None
    assert (found.private_key, found.private_key_file) == (None, str(key_file))
    assert main([*GITHUB, "--check"]) == 0


def test_a_right_that_is_missing_is_named_and_nothing_is_stored(
    world: World, unknown: pytest.MonkeyPatch, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    permissions = dict(world.github.hub.state.app.permissions) | {"pull_requests": "read"}
    world.github.change_app(permissions=permissions)

    assert main([*GITHUB, "--app-id", str(APP_ID), "--private-key-file", str(key_file)]) == 1

    assert "no   pull_requests: write is missing, for the release's pull request" in capsys.readouterr().out
    assert stored() == {}


def test_a_secret_that_is_refused_is_not_stored(
    world: World, unknown: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("wrong-secret-0815")
    who = world.workspaces["prod"].principal.application_id
    words = ["--host", world.workspace_urls["prod"], "--client-id", who]

    assert main(["connect", "target", "prod", *words, "--client-secret-file", str(tmp_path / "secret")]) == 1

    said = capsys.readouterr()
    assert "did not let" in said.err
    assert "wrong-secret-0815" not in said.out + said.err
    assert stored() == {}


def test_a_command_that_prints_a_token(world: World, unknown: pytest.MonkeyPatch) -> None:
    command = world.federate("prod")
    who = world.workspaces["prod"].principal.application_id
    words = ["--host", world.workspace_urls["prod"], "--client-id", who, "--oidc-token-command", command]

    assert main(["connect", "target", "prod", *words]) == 0

    found = read_block(DatabricksTarget, "prod")
    assert found is not None
    assert (found.client_secret, found.oidc_token_command) == (None, command)
    assert Workspace(target_of("prod")).preflight() == who


def test_where_nobody_sits_the_option_is_named(
    world: World, unknown: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["connect", "target", "prod"]) == 1

    assert "give it: --host" in capsys.readouterr().err


def api_url() -> str:
    from prefect.settings import get_current_settings

    return str(get_current_settings().api.url)
