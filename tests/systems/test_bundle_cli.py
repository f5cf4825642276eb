"""How the `databricks` command is called and understood; a script plays it, to see what it is given.

The command itself is driven in test_bundle_cli_deploys.py.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workspace_box import CLIENT_ID, SECRET, Box

from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.systems.bundle_cli import BundleCli, Limits
from tasks.systems.bundle_errors import first_error, remedy_for
from tasks.systems.databricks_command import program, version_of
from tasks.systems.targets import Target

pytest_plugins = ["workspace_fixtures"]

Play = Callable[..., Path]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Makes a `databricks` that answers `version`, writes down how it was called, then runs some lines of sh."""
    record = tmp_path / "calls.jsonl"

    def made(script: str = "echo '{}'", version: str = 'echo \'{"Version": "1.14.0-dev"}\'') -> Path:
        program = tmp_path / "program" / "databricks"
        program.parent.mkdir(exist_ok=True)
        note = "import json,os,sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"
        program.write_text(
            f'#!/bin/sh\nif [ "$1" = version ]; then {version}; exit; fi\n'
            f'{sys.executable} -c "{note}" "$@" >> {record}\n{script}\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", str(program))
        return record

    return made


def calls(record: Path) -> list[tuple[list[str], dict[str, str]]]:
    return [tuple(json.loads(line)) for line in record.read_text().splitlines()] if record.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of one commit with a bundle that leaves the host to the environment."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "databricks.yml").write_text("{bundle: {name: lakehouse}, targets: {prod: {}}}")
    commit(folder)
    return folder


def commit(folder: Path, at: int = 1_700_000_000) -> None:
    environment = os.environ | {"GIT_COMMITTER_DATE": f"{at} +0000", "GIT_AUTHOR_DATE": f"{at} +0000"}
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=x", "-c", "user.email=x@x.example", "commit", "-q", "-m", "one"],
    ):
        subprocess.run(["git", *command], cwd=folder, env=environment, check=True)


@pytest.fixture
def cli(box: Box, checkout: Path, tmp_path: Path) -> BundleCli:
    return BundleCli(box.target, checkout, journal_home=tmp_path / "journals")


class TestVersion:
    @pytest.mark.parametrize("version", ["1.13.0", "1.14.0-dev+b7b1a0", "1.14.0-sandbox", "v1.99.1"])
    def test_a_version_that_we_know_is_told(self, cli: BundleCli, play: Play, version: str) -> None:
        play(version=f'echo \'{{"Version": "{version}"}}\'')

        assert cli.cli_version() == version.removeprefix("v")

    @pytest.mark.parametrize("version", ["0.299.0", "1.12.9", "2.0.0", "", "unknown"])
    def test_another_version_is_a_stop_before_anything_is_sent(
        self, cli: BundleCli, box: Box, play: Play, version: str
    ) -> None:
        record = play(version=f'echo \'{{"Version": "{version}"}}\'')

        for call in (cli.validate, cli.plan, cli.deploy, cli.summary):
            with pytest.raises(NeedsHuman, match="which dabflow does not know") as stop:
                call()
            assert "from 1.13 on, before 2" in stop.value.remedy

        assert calls(record) == []
        assert box.asked() == []

    def test_another_program_of_that_name_is_a_stop(self, cli: BundleCli, play: Play) -> None:
        play(version="echo Usage: databricks COMMAND")

        with pytest.raises(NeedsHuman, match="printed no JSON: Usage: databricks COMMAND"):
            cli.cli_version()

    def test_no_command_is_a_stop(self, cli: BundleCli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DABFLOW_DATABRICKS_CLI", raising=False)
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(NeedsHuman, match="`databricks` is not on PATH"):
            cli.cli_version()

        monkeypatch.setenv("DABFLOW_DATABRICKS_CLI", "/nowhere/databricks")
        with pytest.raises(NeedsHuman, match="/nowhere/databricks"):
            cli.cli_version()

    def test_it_is_asked_once_without_credentials(self, cli: BundleCli, play: Play, tmp_path: Path) -> None:
        asked = tmp_path / "asked"
        play(version=f'env >> {asked}; echo \'{{"Version": "1.14.0"}}\'')

        assert cli.cli_version() == cli.cli_version() == "1.14.0"

        assert asked.read_text().count("HOME=") == 1
        assert "CLIENT" not in asked.read_text()

    def test_an_update_of_the_command_is_noticed(self, cli: BundleCli, play: Play) -> None:
        play(version='echo \'{"Version": "1.14.0"}\'')
        assert version_of(program(), within_seconds=5) == "1.14.0"

        play(version='echo \'{"Version": "1.14.1"}\'')

        assert version_of(program(), within_seconds=5) == "1.14.1"


class TestHost:
    """`workspace.host` in databricks.yml beats DATABRICKS_HOST without a word."""

    def named(self, cli: BundleCli, host: str) -> BundleCli:
        (cli.root / "databricks.yml").write_text(
            json.dumps({"bundle": {"name": "x"}, "targets": {"prod": {"workspace": {"host": host}}}})
        )
        return cli

    def test_our_host_in_another_spelling_is_ours(self, cli: BundleCli) -> None:
        host = cli.target.host.upper() + "/"

        assert self.named(cli, host).host_in_bundle() == host

    def test_no_host_is_ours(self, cli: BundleCli) -> None:
        assert cli.host_in_bundle() is None

    @pytest.mark.parametrize("host", ["https://elsewhere.example", "${var.host}"])
    def test_another_host_stops_before_anything_is_sent(
        self, cli: BundleCli, box: Box, play: Play, host: str
    ) -> None:
        record = play()
        cli = self.named(cli, host)

        for call in (cli.validate, cli.plan, cli.deploy, cli.summary):
            with pytest.raises(NeedsHuman) as stop:
                call()
            assert host in stop.value.problem

        assert calls(record) == []
        assert box.asked() == []


class TestChild:
    def test_it_gets_what_it_needs_and_nothing_else(
        self, cli: BundleCli, play: Play, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DABFLOW_TARGET_STAGING_CLIENT_SECRET", "secret of another target")
        monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", "ghp_token")
        record = play()

        cli.validate()

        [(arguments, environment)] = calls(record)
        assert arguments == ["bundle", "validate", "--target", "prod", "--output", "json"]
        assert environment["DATABRICKS_HOST"] == cli.target.host
        assert environment["DATABRICKS_CLIENT_ID"] == CLIENT_ID
        assert environment["DATABRICKS_CLIENT_SECRET"] == SECRET
        assert environment["DATABRICKS_AUTH_TYPE"] == "oauth-m2m"
        assert environment["DATABRICKS_CACHE_ENABLED"] == "false"
        assert environment["DATABRICKS_CLI_DISABLE_TELEMETRY"] == "1"
        assert environment["SOURCE_DATE_EPOCH"] == "1700000000"
        assert not [name for name in environment if name.startswith("DABFLOW")]
        assert not Path(environment["HOME"]).exists()

    def test_no_secret_is_an_argument(self, cli: BundleCli, play: Play) -> None:
        record = play("echo '{\"plan_version\": 2}'")

        cli.validate()
        cli.plan()
        cli.summary()
        cli.deploy(auto_approve=True, fail_on_active_runs=True)

        for arguments, _ in calls(record):
            assert SECRET not in str(arguments)
        assert calls(record)[-1][0] == [
            *["bundle", "deploy", "--target", "prod"],
            *["--auto-approve", "--fail-on-active-runs"],
        ]

    def test_no_secret_is_logged_or_shown(
        self, cli: BundleCli, play: Play, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG", logger="tasks")
        play(
            'echo "Error: $DATABRICKS_CLIENT_SECRET is wrong" >&2; echo "Bearer $RANDOM-abcdefgh" >&2; exit 1'
        )

        with pytest.raises(NeedsHuman, match=r"failed: \*\*\* is wrong") as stop:
            cli.validate()

        ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("tasks"))
        assert "*** is wrong" in ours
        assert SECRET not in ours + str(stop.value)
        assert "abcdefgh" not in ours

    def test_a_bundle_in_a_folder_runs_there(
        self, box: Box, checkout: Path, play: Play, tmp_path: Path
    ) -> None:
        (checkout / "lake").mkdir()
        (checkout / "databricks.yml").rename(checkout / "lake" / "databricks.yml")
        play('pwd >&2; printf \'{"at": "%s"}\' "$(pwd)"')

        cli = BundleCli(box.target, checkout, bundle="lake", journal_home=tmp_path / "journals")

        assert cli.validate() == {"at": str(checkout / "lake")}

    def test_a_folder_without_git_builds_reproducibly_too(self, cli: BundleCli, play: Play) -> None:
        (cli.folder / ".git").rename(cli.folder / "no-git")
        record = play()

        cli.validate()

        assert calls(record)[0][1]["SOURCE_DATE_EPOCH"] == "315532800"

    def test_the_workspace_is_asked_before_the_command_would_wait(
        self, cli: BundleCli, box: Box, play: Play
    ) -> None:
        record = play()
        box.goes_wrong("refuse", ".*/scim/v2/Me", status=401, times=9)

        with pytest.raises(NeedsHuman, match="refused the name of its deployer"):
            cli.plan()

        assert calls(record) == []


class TestJournal:
    def kept(self, record: Path) -> list[str]:
        return [environment["DATABRICKS_BUNDLE_TMP"] for _, environment in calls(record)]

    def test_deploys_of_every_checkout_share_one_journal_that_lasts(
        self, box: Box, cli: BundleCli, play: Play, tmp_path: Path
    ) -> None:
        record = play()
        again = tmp_path / "again"
        again.mkdir()
        (again / "databricks.yml").write_text((cli.root / "databricks.yml").read_text())

        cli.deploy()
        BundleCli(box.target, again, journal_home=cli.journal_home).deploy()

        first, second = self.kept(record)
        assert first == second
        assert Path(first).is_dir()
        assert Path(first).parent == cli.journal_home
        assert Path(first).name.startswith("lakehouse-prod-")

    def test_another_deployer_host_or_bundle_has_another_journal(
        self, box: Box, cli: BundleCli, play: Play, known_at: Callable[[str], Target]
    ) -> None:
        record = play()
        cli.deploy()
        elsewhere = known_at(box.url.replace("127.0.0.1", "localhost"))
        BundleCli(elsewhere, cli.folder, journal_home=cli.journal_home).deploy()
        known_at(box.url)
        (cli.root / "databricks.yml").write_text("{bundle: {name: warehouse}, targets: {prod: {}}}")
        BundleCli(box.target, cli.folder, journal_home=cli.journal_home).deploy()

        assert len(set(self.kept(record))) == 3

    def test_looks_do_not_touch_it(self, cli: BundleCli, play: Play) -> None:
        """`plan` would replay, and remove, the journal of a deploy that is under way."""
        record = play("echo '{\"plan_version\": 2}'")

        cli.validate()
        cli.plan()
        cli.summary()

        assert len(set(self.kept(record))) == 3
        assert not any(Path(folder).exists() for folder in self.kept(record))
        assert not cli.journal_home.exists()

    def test_which_files_were_sent_before_is_forgotten(self, cli: BundleCli, play: Play) -> None:
        """Kept by time: files of a checkout that is older than the last deploy would not be sent."""
        record = play()
        cli.deploy()
        kept = Path(self.kept(record)[0]) / "prod"
        (kept / "sync-snapshots").mkdir(parents=True)
        (kept / "sync-snapshots" / "x.json").write_text("{}")
        for name in ("deployment.json", "resources.json", "resources.json.wal"):
            (kept / name).write_text("{}")
        play("exit 1")

        with pytest.raises(NeedsHuman):
            cli.deploy()

        assert sorted(path.name for path in kept.iterdir()) == ["resources.json", "resources.json.wal"]

    def test_of_a_deploy_that_ended_well_nothing_is_kept(self, cli: BundleCli, play: Play) -> None:
        """The state holds what variables are set to; it is in the workspace by now."""
        play('mkdir -p "$DATABRICKS_BUNDLE_TMP/prod"; echo {} > "$DATABRICKS_BUNDLE_TMP/prod/resources.json"')

        cli.deploy()

        assert list((cli.journal.folder / "prod").iterdir()) == []


class TestOutcome:
    @pytest.mark.parametrize(
        ("printed", "problem"),
        [
            ("", "printed no JSON: nothing"),
            ("Usage: databricks bundle", "printed no JSON: Usage"),
            ("[]", "printed no JSON"),
            ('{"plan_version": 3}', "gave a plan of version 3, not 2"),
            ('{"plan": {}}', "gave a plan of version None, not 2"),
        ],
    )
    def test_what_is_no_plan_is_a_stop_though_it_exits_with_0(
        self, cli: BundleCli, play: Play, printed: str, problem: str
    ) -> None:
        play(f"echo '{printed}'")

        with pytest.raises(NeedsHuman, match=problem):
            cli.plan()

    def test_a_failure_that_is_the_bundles_is_a_stop_with_the_place(self, cli: BundleCli, play: Play) -> None:
        play(
            "printf 'Error: file src/gone.py not found\\n  at resources.jobs.x\\n  in x.yml:9:3\\n' >&2; exit 1"
        )

        with pytest.raises(NeedsHuman) as stop:
            cli.validate()

        assert stop.value.problem == (
            "`databricks bundle validate` for prod failed: file src/gone.py not found\n"
            "  at resources.jobs.x\n  in x.yml:9:3"
        )
        assert "correct the bundle where the message points" in stop.value.remedy

    @pytest.mark.parametrize(("status", "error"), [(500, TryAgain), (403, NeedsHuman)])
    def test_whether_a_failure_may_pass_is_asked_of_the_workspace(
        self, cli: BundleCli, box: Box, play: Play, status: int, error: type[ReleaseError]
    ) -> None:
        """The first look is answered, the one after the failure is not."""
        play("echo 'Error: something' >&2; exit 1")
        box.goes_wrong("refuse", ".*/scim/v2/Me", status=status, nth=2, times=9)

        with pytest.raises(error, match=r"failed: something\n  and now prod at .* refused"):
            cli.plan()

    @pytest.mark.parametrize("what", ["validate", "plan", "summary"])
    def test_a_look_that_takes_too_long_is_ended_and_may_pass(
        self, box: Box, cli: BundleCli, play: Play, what: str
    ) -> None:
        play("sleep 60")
        cli.limits = Limits(look=0.3)
        started = time.monotonic()

        with pytest.raises(TryAgain, match=r"had not ended after \d s and was ended"):
            getattr(cli, what)()

        assert time.monotonic() - started < 10

    def test_a_deploy_that_takes_too_long_is_a_stop_to_look_at_the_state(
        self, cli: BundleCli, play: Play
    ) -> None:
        play("sleep 60")
        cli.limits = Limits(deploy=0.3)

        with pytest.raises(
            NeedsHuman, match="things may exist that the bundle's state does not know"
        ) as stop:
            cli.deploy()

        assert "look at the state before anything is deployed again" in stop.value.remedy

    @pytest.mark.parametrize(("what", "error"), [("plan", TryAgain), ("deploy", NeedsHuman)])
    def test_killed_by_somebody_else(
        self, cli: BundleCli, play: Play, what: str, error: type[ReleaseError]
    ) -> None:
        play("kill -9 $$")

        with pytest.raises(error, match="was killed by signal 9"):
            getattr(cli, what)()


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("", "it said nothing"),
        ("Building x...\nboom\n\n", "boom"),
        ("Warning: a\n  in x.yml:1:1\n\nError: b\n  at c\n\nError: d\n", "b\n  at c"),
        ("Error: not on the right Git branch:\n  expected: main\n  actual: develop\nUse --force\n", None),
    ],
)
def test_first_error(stderr: str, expected: str | None) -> None:
    wanted = expected or "not on the right Git branch:\n  expected: main\n  actual: develop"

    assert first_error(stderr) == wanted


@pytest.mark.parametrize(
    ("command", "error", "remedy"),
    [
        (
            "deploy",
            (
                "Failed to acquire deployment lock: deploy lock acquired by rita@acme.example at 2026-08-21"
                " 10:00:00 +0000 UTC. Use --force-lock to override"
            ),
            "find out whether rita@acme.example still deploys since 2026-08-21 10:00:00 +0000 UTC. If not",
        ),
        ("deploy", "Failed to acquire deployment lock: access denied: /x", "let the service principal write"),
        ("plan", "not on the right Git branch:\n  actual: develop", "deploy a commit or a tag"),
        ("validate", "cannot resolve bundle auth configuration: cannot parse config file", "take `profile`"),
        ("deploy", "job 12 is running", "wait until the run has ended"),
        (
            "deploy",
            "the deployment requires destructive actions, but",
            "approve the plan with what it deletes",
        ),
        ("deploy", "resources.pipelines.x has lifecycle.prevent_destroy set", "the resource is protected"),
        ("validate", "reference does not exist: ${var.nope}", "correct the bundle where the message points"),
        ("deploy", "something", "do not rely on what the target runs"),
        ("nosuch", "something", "nothing was changed"),
    ],
)
def test_every_error_has_a_remedy(command: str, error: str, remedy: str) -> None:
    assert remedy in remedy_for(command, error)


def test_types_of_a_plan_are_kept(cli: BundleCli, play: Play) -> None:
    plan: dict[str, Any] = {"plan_version": 2, "plan": {"resources.jobs.x": {"action": "create", "n": 2**60}}}
    play(f"echo '{json.dumps(plan)}'")

    assert cli.plan() == plan
