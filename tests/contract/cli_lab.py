"""A lab for the `databricks` command: a bundle in a checkout, a workspace, and the command under test between them.

The same lab runs the stand-in and, where there is one, the real command.
"""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.databricks_cli.launcher import write_launcher
from sandbox.serving import Served, listening_socket
from sandbox.workspace.server import Principal, Workspace

HERE = Path(__file__).parent
SP = "aaaaaaaa-bbbb-4ccc-dddd-eeeeeeeeeeee"
SECRET = "secret-of-the-lab"
DISPLAY_NAME = "lakehouse deployer"
ROOT = f"/Workspace/Users/{SP}/.bundle/lakehouse/staging"
ORIGIN = "https://github.com/acme/lakehouse.git"

# Makes in 30 ms the wheel that `python -m build` makes in 600: same name, same entry points.
_BUILD = """\
import pathlib, re, zipfile
version = re.search(r'(?m)^version = "(.*)"', pathlib.Path("pyproject.toml").read_text())[1]
info = f"lakehouse-{version}.dist-info"
pathlib.Path("dist").mkdir(exist_ok=True)
with zipfile.ZipFile(f"dist/lakehouse-{version}-py3-none-any.whl", "w") as wheel:
    for file in sorted(pathlib.Path("src/lakehouse").glob("*.py")):
        wheel.write(file, f"lakehouse/{file.name}")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: lakehouse\\nVersion: {version}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\\nmain = lakehouse.__main__:main\\n")
    wheel.writestr(f"{info}/RECORD", "")
"""


@dataclass(frozen=True)
class Cli:
    """One command under test."""

    name: str
    path: Path


@dataclass
class Result:
    """What a command did."""

    exit_code: int
    stdout: str
    stderr: str
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


class Lab:
    """A checkout of the sample bundle and a fresh workspace that answers over HTTP."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self.cli = cli
        self.folder = folder
        self.workspace = Workspace.open(
            folder / "workspace", name="staging", principal=Principal(SP, SECRET, DISPLAY_NAME)
        )
        self.served = Served(self.workspace.app, listening_socket()).start()
        self.token = self.workspace.people.personal_token(SP)
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.home = folder / "home"
        self.home.mkdir()
        self._write_python()
        self.bundle = self.checkout("checkout")
        self.asked = 0
        self.door = ""

    @property
    def host(self) -> str:
        """The address that the command is told."""
        return self.door or self.served.url

    def stop(self) -> None:
        self.served.stop()

    def _write_python(self) -> None:
        build = self.tools / "build.py"
        build.write_text(_BUILD)
        python = self.tools / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{build}"\n')
        python.chmod(0o755)

    def checkout(self, name: str, *, git: bool = True) -> Path:
        """A fresh folder with the sample bundle, on branch main; its files are as old as the checkout."""
        folder = self.folder / name
        shutil.copytree(HERE / "bundle", folder, copy_function=shutil.copyfile)
        (folder / "gitignore").rename(folder / ".gitignore")
        if git:
            self.git(folder, "init", "-q", "-b", "main")
            self.git(folder, "remote", "add", "origin", ORIGIN)
            self.commit(folder)
        return folder

    def git(self, folder: Path, *words: str) -> str:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        who = ["-c", "user.name=lab", "-c", "user.email=lab@example.com"]
        done = subprocess.run(
            ["git", *who, *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, folder: Path | None = None) -> str:
        """Commit everything and return the commit."""
        folder = folder or self.bundle
        self.git(folder, "add", "-A")
        self.git(folder, "commit", "-q", "--allow-empty", "-m", "change")
        return self.git(folder, "rev-parse", "HEAD")

    def environment(self, **changes: str | None) -> dict[str, str]:
        """What the command gets: PATH, HOME, host and token; None takes a variable away."""
        given: dict[str, str | None] = {
            "PATH": f"{self.tools}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "DATABRICKS_HOST": self.host,
            "DATABRICKS_TOKEN": self.token,
            "DATABRICKS_BUNDLE_RETRY_INTERVAL_MS": "20",
            "DATABRICKS_RATE_LIMIT": "200",
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None}

    def run(self, words: str, *, folder: Path | None = None, **changes: str | None) -> Result:
        """Run `databricks WORDS` in the checkout and return what it did."""
        done = subprocess.run(
            [str(self.cli.path), *words.split()],
            cwd=folder or self.bundle,
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Result(done.returncode, done.stdout, done.stderr, self.new_requests())

    def run_and_kill(
        self, words: str, *, when: str, how: int = signal.SIGKILL, **changes: str | None
    ) -> Result:
        """Run a command and kill it while a request whose path contains `when` is under way.

        The request is made slow first, so that there is time to kill.
        """
        self.fault(kind="slow", method="POST", path=f".*{when}.*", seconds=1.0)
        process = subprocess.Popen(
            [str(self.cli.path), *words.split()],
            cwd=self.bundle,
            env=self.environment(**changes),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 20
        while not any(when in r["path"] for r in self.requests()) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)  # what runs beside it ends meanwhile
        process.send_signal(how)
        stdout, stderr = process.communicate(timeout=20)
        time.sleep(1.0)  # the slow request is done by then, and finds nobody
        self.calm()
        return Result(process.returncode, stdout, stderr, self.new_requests())

    def _control(self, method: str, what: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.served.url}/_sandbox/{what}", data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def fault(self, **rule: Any) -> None:
        """Arm a fault of the workspace (sandbox/control.py)."""
        self._control("POST", "faults", rule)

    def calm(self) -> None:
        self._control("DELETE", "faults")

    def requests(self) -> list[dict[str, Any]]:
        """The requests since the last `new_requests`."""
        found: list[dict[str, Any]] = self._control("GET", f"requests?after={self.asked}")
        return found

    def new_requests(self) -> list[dict[str, Any]]:
        """The requests since the last time this was asked."""
        found = self.requests()
        self.asked = max([self.asked, *(r["number"] for r in found)])
        return found

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the workspace something as the deployer; not among the recorded requests of a command."""
        content = self._ask(method, path, body)
        return json.loads(content) if content else None

    def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.served.url}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
        self.new_requests()
        return content

    def jobs(self) -> list[str]:
        """The names of all jobs in the workspace, sorted."""
        return sorted(job["settings"]["name"] for job in self._all_jobs())

    def _all_jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("GET", "/api/2.2/jobs/list?limit=100").get("jobs") or []
        return found

    def ids(self) -> dict[str, int]:
        """The id of each job by its name in the bundle."""
        return {job["settings"]["name"].removeprefix("[staging] "): job["job_id"] for job in self._all_jobs()}

    def names(self, path: str) -> list[str]:
        """The names of the files in a folder of the target, sorted."""
        query = urllib.parse.urlencode({"path": f"{ROOT}/{path}"})
        found = self.api("GET", f"/api/2.0/workspace/list?{query}").get("objects") or []
        return sorted(Path(each["path"]).name for each in found)

    def text(self, path: str, *, root: str = ROOT) -> str:
        """A file of the target's folder in the workspace."""
        query = urllib.parse.urlencode({"path": f"{root}/{path}", "direct_download": "true"})
        return self._ask("GET", f"/api/2.0/workspace/export?{query}").decode()

    def file(self, path: str, *, root: str = ROOT) -> Any:
        """A JSON file of the target's folder in the workspace."""
        return json.loads(self.text(path, root=root))

    def write(self, path: str, content: str) -> None:
        """Write a file of the target's folder in the workspace."""
        encoded = base64.b64encode(content.encode()).decode()
        body = {"path": f"{ROOT}/{path}", "content": encoded, "format": "AUTO", "overwrite": True}
        self.api("POST", "/api/2.0/workspace/import", body)

    def delete(self, path: str) -> None:
        """Delete a file of the target's folder in the workspace, or the whole folder for an empty path."""
        where = f"{ROOT}/{path}".rstrip("/")
        self.api("POST", "/api/2.0/workspace/delete", {"path": where, "recursive": True})

    def empty_workspace(self) -> None:
        """Delete everything that was deployed, as if it had never been; the checkout still knows it."""
        for job in self._all_jobs():
            self.api("POST", "/api/2.2/jobs/delete", {"job_id": job["job_id"]})
        for pipeline in self.pipelines():
            self.api("DELETE", f"/api/2.0/pipelines/{pipeline}")
        self.delete("")

    def pipelines(self) -> list[str]:
        """The ids of all pipelines in the workspace."""
        found = self.api("GET", "/api/2.0/pipelines").get("statuses") or []
        return [str(each["pipeline_id"]) for each in found]

    def forget_everything(self) -> None:
        """An empty workspace, and a checkout that knows nothing."""
        with contextlib.suppress(urllib.error.HTTPError):  # nothing there yet
            self.empty_workspace()
        shutil.rmtree(self.bundle / ".databricks", ignore_errors=True)

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a file of the checkout; its time moves on, whatever the clock's resolution."""
        path = self.bundle / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))


def standin(folder: Path) -> Cli:
    return Cli("stand-in", write_launcher(folder))


def real() -> Cli | None:
    """The real command, if there is one: DABFLOW_DATABRICKS_CLI, else `databricks` on PATH."""
    named = os.environ.get("DABFLOW_DATABRICKS_CLI") or shutil.which("databricks")
    if (
        not named
        or "sandbox" in subprocess.run([named, "version"], capture_output=True, text=True, check=False).stdout
    ):
        return None
    return Cli("real", Path(named))
