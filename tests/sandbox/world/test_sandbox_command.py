"""`sandbox up`, `down`, `reset`, `status`, as a person types them."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.command import sandbox_app
from sandbox.lifecycle import Project
from sandbox.processes import remembered
from sandbox.world import copy_world

ROOT = Path(__file__).resolve().parents[3]

# What `dabflow sandbox` does, with a project of the test's own: for commands that stay until a signal comes.
PROGRAM = """
import json, sys
from pathlib import Path
from sandbox.command import sandbox_app
from sandbox.lifecycle import Project
project = json.loads(sys.argv[1])
setup = tuple(tuple(command) for command in project["setup"])
sandbox_app(Project(Path(project["folder"]), pool="hello", setup=setup, hints=("say hello",)))(sys.argv[2:])
"""


class Shell:
    """Runs sandbox commands about one folder; those that end do so in this process, which saves its start."""

    def __init__(self, folder: Path, project: Path, setup: list[list[str]]) -> None:
        self.folder = folder
        self.project = json.dumps({"folder": str(project), "setup": setup})
        commands = tuple(tuple(command) for command in setup)
        self.app = sandbox_app(Project(project, pool="hello", setup=commands, hints=("say hello",)))

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", PROGRAM, self.project, *words, "--folder", str(self.folder)]

    def run(self, *words: str, code: int = 0) -> str:
        told = io.StringIO()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with contextlib.redirect_stdout(told):
                ended = self.app([*words, "--folder", str(self.folder)], result_action="return_value")
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        assert ended == code, told.getvalue()
        return told.getvalue()

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(self.command(*words), env=environment, stdout=subprocess.PIPE, text=True)

    def status(self, *, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json", code=code))
        return found


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def shell(tmp_path: Path, seeded: Path) -> Iterator[Shell]:
    """A sandbox that is not up, with the history made already."""
    shell = Shell(copy_world(seeded, tmp_path / "sandbox"), ROOT, [])
    yield shell
    shell.run("down")


def soon(true: Callable[[], bool], seconds: float = 20) -> bool:
    for _ in range(int(seconds * 20)):
        if true():
            return True
        time.sleep(0.05)
    return False


def answers(url: str) -> bool:
    return httpx.get(url).status_code < 500


def up(shell: Shell) -> str:
    return shell.run("up", "--detach", "--without-prefect")


def test_up_tells_where_everything_is(shell: Shell) -> None:
    told = up(shell)

    status = shell.status()
    assert status["running"]
    assert list(status["parts"]) == ["world"]
    assert answers(status["repository"])
    for url in [status["repository"], *status["workspaces"].values()]:
        assert url in told
    assert {account["login"] for account in status["accounts"]} >= {"dabflow-bot", "rita", "ravi", "rosa"}


def test_a_second_up_changes_nothing(shell: Shell) -> None:
    up(shell)
    before = shell.status()

    assert "runs already" in up(shell)

    assert shell.status() == before


def test_the_state_survives_down_and_up(shell: Shell) -> None:
    up(shell)
    first = shell.status()
    tokens = (shell.folder / "github" / "tokens.json").read_text()

    assert "stopped: world" in shell.run("down")
    assert not shell.status(code=1)["running"]
    up(shell)

    second = shell.status()
    assert (second["github"], second["workspaces"]) == (first["github"], first["workspaces"])
    assert second["pid"] != first["pid"]
    assert (shell.folder / "github" / "tokens.json").read_text() == tokens


def test_down_without_up_is_fine(shell: Shell) -> None:
    assert "Nothing runs here" in shell.run("down")


def test_reset_begins_anew(shell: Shell) -> None:
    up(shell)
    principals = (shell.folder / "principals.json").read_text()

    shell.run("reset")

    assert not [path for path in shell.folder.iterdir() if path.name != "lock"]
    up(shell)
    assert (shell.folder / "principals.json").read_text() != principals


def test_reset_leaves_a_folder_of_somebody_else_alone(shell: Shell) -> None:
    (shell.folder / "addresses.json").unlink()

    shell.run("reset", code=1)

    assert (shell.folder / "github").is_dir()


def test_two_sandboxes_side_by_side(shell: Shell, tmp_path: Path) -> None:
    other = Shell(tmp_path / "other", ROOT, [])
    up(shell)
    up(other)
    try:
        urls = [{s["github"], *s["workspaces"].values()} for s in (shell.status(), other.status())]
        assert not urls[0] & urls[1]

        other.run("down")

        assert shell.status()["running"]
        assert answers(shell.status()["repository"])
    finally:
        other.run("down")


def test_a_crashed_world_is_reported_and_started_again(shell: Shell) -> None:
    up(shell)
    first = shell.status()
    os.kill(first["pid"], signal.SIGKILL)
    world = remembered(shell.folder, "world")
    assert soon(lambda: world is not None and not world.alive)

    assert "ended by themselves: world" in shell.run("status", code=1)
    up(shell)

    assert shell.status()["github"] == first["github"]


def test_a_taken_port_is_named_with_what_to_do(shell: Shell) -> None:
    from sandbox.serving import listening_socket

    up(shell)
    shell.run("down")
    port = json.loads((shell.folder / "addresses.json").read_text())["staging"]
    with listening_socket(port) as taken:
        taken.listen()

        told = shell.run("up", "--detach", "--without-prefect", code=1)

    assert f"port {port}, where staging of this sandbox answers, is in use" in told
    assert "what to do" in told


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_a_signal_stops_everything(shell: Shell, sign: signal.Signals) -> None:
    with shell.start("up", "--without-prefect") as running:
        assert running.stdout is not None
        assert any("Ctrl-C stops" in line for line in running.stdout)
        world = remembered(shell.folder, "world")

        running.send_signal(sign)

        assert running.wait(20) == 0
    assert world is not None
    assert not world.alive


def test_in_the_foreground_down_from_elsewhere_is_no_failure(shell: Shell) -> None:
    with shell.start("up", "--without-prefect") as running:
        assert running.stdout is not None
        assert any("Ctrl-C stops" in line for line in running.stdout)

        shell.run("down")

        assert running.wait(20) == 0


FLOW = """
from prefect import flow

@flow
def hello(name: str) -> str:
    import os
    print(f"hello {name}, {os.environ['DABFLOW_GITHUB_URL']}")
    return name
"""
DEPLOYMENTS = """
pull:
  - prefect.deployments.steps.set_working_directory: {directory: DIRECTORY}
deployments:
  - name: hello
    entrypoint: hello.py:hello
    work_pool: {name: hello}
"""


def test_with_prefect_a_deployment_of_the_project_runs(tmp_path: Path, seeded: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "hello.py").write_text(FLOW)
    (project / "prefect.yaml").write_text(DEPLOYMENTS.replace("DIRECTORY", str(project)))
    prefect = str(Path(sys.executable).parent / "prefect")
    copy_world(seeded, tmp_path / "sandbox")
    shell = Shell(tmp_path / "sandbox", project, [[prefect, "--no-prompt", "deploy", "--all"]])
    try:
        told = shell.run("up", "--detach")
        status = shell.status()
        assert status["prefect"] in told
        assert "say hello" in told
        assert list(status["parts"]) == ["world", "prefect-server", "prefect-worker"]

        api = f"{status['prefect']}/api"
        deployment = httpx.get(f"{api}/deployments/name/hello/hello").json()["id"]
        answers: list[httpx.Response] = []

        def made() -> bool:
            """A server on SQLite refuses (503) while it writes something else."""
            started = f"{api}/deployments/{deployment}/create_flow_run"
            answers.append(httpx.post(started, json={"parameters": {"name": "you"}}))
            return answers[-1].is_success

        assert soon(made, 30), answers[-1].text
        run = answers[-1].json()["id"]
        assert soon(lambda: httpx.get(f"{api}/flow_runs/{run}").json()["state"]["type"] == "COMPLETED", 60)
        log = shell.folder / "logs" / "prefect-worker.log"  # gets what a run printed when its process ends
        assert soon(lambda: f"hello you, {status['github']}" in log.read_text(), 30)
    finally:
        assert "prefect-worker, prefect-server, world" in shell.run("down")
