"""No secret reaches a log, a database, a process list, a URL, a result file or an artifact: one release, looked at."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import yaml
from leaks import Mark, Processes, Text, found, in_database, in_files, in_git, made, of_key
from playing import SLUG, People, Run, start
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_AUTH_STRING, get_current_settings, temporary_settings
from released import assert_released_once

from sandbox.github.render.people import APP_ID
from sandbox.world import World, copy_world
from tasks.systems.blocks import BLOCKS, DatabricksTarget, GitHubConnection, save_block
from tasks.systems.one_step import one_step

pytestmark = pytest.mark.timeout(300)

TARGETS = ("staging", "prod")


@dataclass
class Marked:
    """A world whose secrets are marked and stand in blocks only; `folder` holds what the test itself keeps."""

    world: World
    folder: Path
    marks: dict[str, Mark]
    secrets: dict[str, str]

    def goes_well(self, what: str) -> Path:
        """The file without which `what` (check, smoke) fails; while `staging` is not there, jobs are staging's."""
        return self.folder / f"{what}-goes-well"

    def connect(self, target: str) -> None:
        principal = self.world.workspaces[target].principal
        host, who = self.world.workspace_urls[target], principal.application_id
        save_block(DatabricksTarget(host=host, client_id=who, client_secret=self.secrets[target]), target)

    def places(self) -> Iterator[Text]:
        """Everything that dabflow writes, or has others write down for it."""
        yield from self.prefect()
        world = self.world.folder
        yield from in_files(world / "github", left_out=_the_sandboxes_own)
        yield from in_files(world / "dabflow")
        yield from in_git(world / "dabflow")
        yield from in_git(world / "github")
        yield from in_files(world / "workspaces", left_out=_printed_by_jobs)

    def prefect(self) -> Iterator[Text]:
        settings = get_current_settings()
        assert settings.server.database.connection_url is not None
        yield from in_database(
            Path(settings.server.database.connection_url.get_secret_value().partition("///")[2])
        )
        yield from in_files(settings.home, left_out=lambda path: path.suffix.startswith(".db"))


def _the_sandboxes_own(path: Path) -> bool:
    """What GitHub's own servers know: the key that is checked against, people's tokens."""
    return path.name in {"app.pem", "tokens.json"}


def _printed_by_jobs(path: Path) -> bool:
    """What a job prints is in the workspace by its own doing: here it prints secrets on purpose."""
    return bool({"logs", "outputs"} & set(path.parts))


@pytest.fixture
def marked(
    seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: str
) -> Iterator[Marked]:
    marks, values = {}, {}
    for name in (*TARGETS, "auth string", "bundle variable"):
        marks[name], values[name] = made(name)
    folder = copy_world(seeded, tmp_path / "world")
    kept = folder / "principals.json"
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {name: values[name] for name in TARGETS}))
    auth_string = f"admin:{values['auth string']}"
    with World.open(folder) as world, temporary_settings({PREFECT_API_AUTH_STRING: auth_string}):
        for name in ("DABFLOW_HOME", "DABFLOW_DATABRICKS_CLI", "PATH"):
            monkeypatch.setenv(name, world.environment()[name])
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", auth_string)
        marks["app key"] = of_key("app key", world.github.app_key())
        own = tmp_path / "own"
        own.mkdir()
        # Neither is told apart from others: whatever looks like a token of the App is one.
        marks["app token"] = Mark("app token", ("x-access-token:ghs_",))
        yield Marked(world, own, marks, values)
    forget_blocks()


def forget_blocks() -> None:
    with get_client(sync_client=True) as client:
        for kind in BLOCKS:
            for document in client.read_block_documents_by_type(kind.get_block_type_slug()):
                client.delete_block_document(document.id)


def develop_gives_secrets_away(here: Marked) -> None:
    """On develop: a check and a smoke job that print secrets and fail once, and a secret in a bundle variable.

    Reversed where it stands in a file, so that what is found is what somebody passed on.
    """
    repository = here.world.folder / "github" / "repositories" / f"{SLUG}.git"
    clone = here.folder / "clone"

    def git(*command: str) -> None:
        names = ("-c", "user.name=ravi", "-c", "user.email=ravi@acme.example")
        subprocess.run(["git", *names, *command], cwd=clone, check=True, capture_output=True)

    subprocess.run(
        ["git", "clone", "--quiet", "--branch", "develop", str(repository), str(clone)], check=True
    )
    settings = yaml.safe_load((clone / "release.yaml").read_text())
    script = [
        "printf '%s\\n' \"$DATABRICKS_CLIENT_SECRET\"; printf 'x:%s' \"$DATABRICKS_CLIENT_SECRET\" | base64 -w0",
        "env | grep CLIENT_SECRET >&2",
        f"test -e {here.goes_well('check')}",
    ]
    check = {"name": "telling tales", "command": "\n".join(script), "credentials": "staging"}
    (clone / "release.yaml").write_text(yaml.safe_dump(settings | {"checks": [check]}))
    smoke = clone / "src" / "smoke_test.py"
    smoke.write_text(TELLS_TALES.format(**_backwards(here), folder=str(here.folder)) + smoke.read_text())
    bundle = clone / "databricks.yml"
    variable = f"variables:\n  api_token:\n    default: {json.dumps(here.secrets['bundle variable'])}\n"
    bundle.write_text(bundle.read_text().replace("variables:\n", variable, 1))
    job = clone / "resources" / "order_quality.yml"
    job.write_text(
        job.read_text().replace("owner: data-platform", "owner: data-platform\n        key: ${var.api_token}")
    )
    git("commit", "--quiet", "-am", "feat: tell tales")
    subprocess.run(
        ["git", f"--git-dir={repository}", "fetch", "--quiet", str(clone), "+develop:develop"], check=True
    )


TELLS_TALES = """\
import base64 as _base64
import json as _json
import urllib.parse as _parse
from pathlib import Path as _Path

_folder = _Path({folder!r})
_of = {prod!r} if (_folder / "staging-goes-well").exists() else {staging!r}
_of = _of[::-1]
print(_of, _base64.b64encode(("x:" + _of).encode()).decode(), _parse.quote(_of, safe=""), _json.dumps([_of]))
if not (_folder / "smoke-goes-well").exists():
    raise SystemExit("the secret was " + _of)

"""


def _backwards(here: Marked) -> dict[str, str]:
    return {target: here.secrets[target][::-1] for target in TARGETS}


def test_a_release_whose_secrets_are_in_blocks(
    marked: Marked,
    task_runs_kept: None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    here, people = marked, People(marked.world)
    develop_gives_secrets_away(here)
    save_block(
        GitHubConnection(
            api_url=here.world.github_url,
            url=here.world.github_url,
            app_id=str(APP_ID),
            private_key=here.world.github.app_key(),
        ),
        "default",
    )
    here.connect("staging")

    with Processes() as processes:
        run = released_with_every_trouble(here, people)
    APILogHandler().flush()

    assert run.state.name == "Completed", run.said
    with one_step():
        assert_released_once(here.world, people)
    printed = capfd.readouterr()
    texts = [
        *here.places(),
        *processes.texts(),
        ("log", caplog.text.encode()),
        ("terminal", (printed.out + printed.err).encode()),
    ]
    # The team wrote that one into its repository, and the bundle puts it into its workspace.
    in_its_place = ("git lakehouse.git", "file staging/", "file prod/", "file dev/")
    leaked = found(texts, here.marks.values())
    own = [
        one for one in leaked if one.startswith(tuple(f"bundle variable: {place}" for place in in_its_place))
    ]
    assert own, "the marks are looked for where one is known to be"
    assert [one for one in leaked if one not in own] == []
    assert any("***" in text.decode(errors="replace") for place, text in texts if place == "table log"), (
        "what was printed on purpose was logged, masked"
    )
    assert_told_their_own_only(here, processes)
    assert_can_be_found(here)


def released_with_every_trouble(here: Marked, people: People) -> Run:
    """Stopped by a check and by a connection that is missing, then by a smoke job; then to the end.

    Staging's steps do without production's block: only production's own are stopped by that.
    """
    run = start()
    run.go()
    assert "the check telling tales failed" in run.said, run.said
    states = {name: f"{state.type.value} {state.message}" for name, state in steps_of(run)}
    assert "COMPLETED" in states["validate staging"]
    assert "no block databricks-target/prod" in states["validate prod"]
    here.goes_well("check").touch()
    here.connect("prod")
    run.retry()
    assert "the smoke job smoke_test failed on staging" in run.said
    here.goes_well("smoke").touch()
    run.retry()
    assert run.state.name == "Suspended", run.said
    here.goes_well("staging").touch()
    people.review("ravi", people.release_pull()["number"])
    run.answer("approve", "looks right")
    return run


def steps_of(run: Run) -> list[tuple[str, State[Any]]]:
    """Each step of a run, by its name, and its state."""
    with get_client(sync_client=True) as client:
        found = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])))
    return [(step.name, step.state) for step in found if step.state is not None]


def assert_told_their_own_only(here: Marked, processes: Processes) -> None:
    """A child knows the secret of one target, and only while it is about that target; nobody is told ours."""
    for target, other in (TARGETS, TARGETS[::-1]):
        told = processes.told(here.marks[target])
        assert told, f"no process was seen that signs in to {target}"
        for environment in told:
            assert f"DATABRICKS_HOST={here.world.workspace_urls[target]}".encode() in environment.split(b"\0")
            assert found([("", environment)], [here.marks[other], here.marks["app key"]]) == []
    assert processes.told(here.marks["auth string"]) == []
    assert processes.told(here.marks["app key"]) == []


def assert_can_be_found(here: Marked) -> None:
    """The same looking finds what is put there on purpose, in each form."""
    secret, mark = here.secrets["prod"], here.marks["prod"]
    artifact = {"key": "a-leak", "data": f"see {base64.b64encode(f'admin:{secret}'.encode()).decode()}"}
    httpx.post(f"{get_current_settings().api.url}/artifacts/", json=artifact).raise_for_status()
    (here.world.folder / "dabflow" / "note").write_text(
        json.dumps(json.dumps({"text": f"{secret[:20]}\n{secret[20:]}"}))
    )
    token = here.world.github.accounts["ravi"].token
    url = f"{here.world.github_url}/repos/{SLUG}/issues/1/comments"
    body = {"body": f"https://example.com/?q={quote(secret, safe='')}"}
    httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"}).raise_for_status()
    clone = here.folder / "clone"
    (clone / "leak").write_text(secret)
    mirror = next((here.world.folder / "dabflow").rglob("lakehouse.git"))
    command = ["git", f"--git-dir={mirror}", "hash-object", "-w", str(clone / "leak")]
    subprocess.run(command, check=True, capture_output=True)
    with Processes() as processes:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)", secret], env={}, check=True)

    leaked = found([*here.places(), *processes.texts()], [mark])

    for place in (
        "table artifact",
        "file note",
        "file state.json",
        "git lakehouse.git",
        f"process {sys.executable}",
    ):
        assert f"prod: {place}" in leaked, place


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text,
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(f"x{text}".encode()).decode(),
        lambda text: base64.urlsafe_b64encode(f"xy{text}".encode()).decode(),
        lambda text: quote(text, safe=""),
        lambda text: json.dumps({"a": json.dumps(text)}),
        lambda text: json.dumps(f"{text[:17]}\n  {text[17:]}"),
        lambda text: base64.encodebytes(f"{os.sep}{text}".encode() * 4).decode(),
        lambda text: base64.b64encode(base64.b64encode(f"x{text}".encode())).decode(),
    ],
)
def test_a_mark_is_found_however_it_is_written(written: object) -> None:
    mark, secret = made("it")

    assert found([("here", f"before {written(secret)} after".encode())], [mark]) == ["it: here"]  # type: ignore[operator]
    assert found([("here", f"before {written('x' * 40)} after".encode())], [mark]) == []  # type: ignore[operator]
