"""Tokens that a command prints: minted when they are wanted, seen by one child only, renewed, and gone afterwards."""

import json
import shlex
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from workspace_box import CLIENT_ID, Box

from sandbox.databricks_cli.launcher import write_launcher
from sandbox.workspace.issuer import Issuer
from sandbox.workspace.server import Workspace as SandboxWorkspace
from tasks.rules.errors import NeedsHuman
from tasks.systems import child
from tasks.systems.one_step import one_step, secrets
from tasks.systems.target_tokens import credentials_of, secrets_in
from tasks.systems.workspace import Workspace

pytest_plugins = ["workspace_fixtures"]

COMMAND = "DABFLOW_TARGET_PROD_OIDC_TOKEN_COMMAND"
FILE = "DATABRICKS_OIDC_TOKEN_FILEPATH"


@pytest.fixture
def issuer(box: Box, sandbox_workspace: SandboxWorkspace, tmp_path: Path) -> Issuer:
    """Its tokens about `dabflow:prod` are taken by the workspace of `box`, whose client secret nobody knows."""
    issuer = Issuer(tmp_path)
    sandbox_workspace.people.trust(CLIENT_ID, issuer.public_key(), "dabflow:prod")
    return issuer


@pytest.fixture
def printing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets the command that gives `prod` its token be a shell script."""

    def printing(script: str) -> None:
        monkeypatch.setenv(COMMAND, script)

    return printing


def test_the_sdk_and_the_command_sign_in_with_it(
    box: Box, issuer: Issuer, printing: Callable[[str], None], tmp_path: Path
) -> None:
    printing(f"echo {issuer.token('dabflow:prod')}")
    databricks = write_launcher(tmp_path / "bin")

    assert Workspace(box.target).preflight() == CLIENT_ID
    with credentials_of(box.target) as credentials:
        done = child.run(
            [str(databricks), "current-user", "me", "--output", "json"],
            cwd=tmp_path,
            environment=credentials,
            within_seconds=30,
            secrets=secrets_in(credentials),
        )

    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["userName"] == CLIENT_ID


@pytest.mark.parametrize(
    "wrong", [{"subject": "dabflow:staging"}, {"audience": "another"}, {"seconds": -60}], ids=str
)
def test_a_token_that_is_not_for_us_is_refused(
    box: Box, issuer: Issuer, printing: Callable[[str], None], wrong: dict[str, str]
) -> None:
    token = issuer.token(**{"subject": "dabflow:prod", **wrong})  # type: ignore[arg-type]
    printing(f"echo {token}")

    with pytest.raises(NeedsHuman, match=r"did not let .* sign in") as stop:
        Workspace(box.target).preflight()

    assert token not in str(stop.value)


def test_the_file_is_its_owners_only_and_gone_afterwards(box: Box, printing: Callable[[str], None]) -> None:
    printing("echo minted-for-prod")
    with one_step(), credentials_of(box.target) as credentials:
        file = Path(credentials[FILE])
        assert file.read_text().strip() == "minted-for-prod"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert [path.name for path in file.parent.iterdir()] == ["token"]
        assert set(credentials) == {
            "DATABRICKS_HOST",
            "DATABRICKS_CLIENT_ID",
            "DATABRICKS_AUTH_TYPE",
            FILE,
        }
        assert "minted-for-prod" in secrets()
    assert not file.parent.exists()


def test_the_command_has_the_workers_surroundings_and_nothing_of_ours(
    box: Box, printing: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A cloud's command finds its own login in HOME; what dabflow knows is not its business."""
    for name in ("DABFLOW_GITHUB_TOKEN", "DATABRICKS_TOKEN", "PREFECT_API_KEY"):
        monkeypatch.setenv(name, "not for others")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AZURE_CONFIG_DIR", "/somewhere")
    told = tmp_path / "told"
    printing(f"env > {told}; tr '\\0' ' ' < /proc/$PPID/cmdline > {told}.line; echo minted-token")

    with credentials_of(box.target):
        pass

    environment = told.read_text()
    assert f"HOME={tmp_path}\n" in environment
    assert "AZURE_CONFIG_DIR=/somewhere" in environment
    assert "not for others" not in environment
    assert "minted-token" not in Path(f"{told}.line").read_text()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo no login >&2; exit 3", "ended with 3 and printed none: no login"),
        ("true", "ended with 0 and printed none"),
        ("echo Token:; echo two words", "ended with 0 and printed one"),
    ],
)
def test_a_command_that_prints_no_token(
    box: Box, printing: Callable[[str], None], script: str, says: str
) -> None:
    printing(script)

    with pytest.raises(NeedsHuman) as stop, credentials_of(box.target):
        pytest.fail("given out")

    assert says in stop.value.problem
    assert COMMAND in stop.value.remedy
    assert "two words" not in str(stop.value), "what it prints may be the token"


def test_a_token_that_ends_while_the_child_runs_is_written_anew(
    box: Box, issuer: Issuer, printing: Callable[[str], None]
) -> None:
    arguments = [
        sys.executable,
        "-c",
        "import sys; from pathlib import Path; from sandbox.workspace.issuer import",
    ]
    arguments[-1] += " Issuer; print(Issuer(Path(sys.argv[1])).token('dabflow:prod', seconds=2))"
    printing(f"cd {shlex.quote(str(Path.cwd()))} && {shlex.join([*arguments, str(issuer.file.parent)])}")

    with credentials_of(box.target) as credentials:
        first, deadline = Path(credentials[FILE]).read_text(), time.monotonic() + 20
        while Path(credentials[FILE]).read_text() == first and time.monotonic() < deadline:
            time.sleep(0.05)
        assert Path(credentials[FILE]).read_text() != first
