"""A workspace of the sandbox on a loopback port, and what it takes to talk to it."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import httpx
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.serving import Served, listening_socket
from sandbox.workspace.server import Principal, Workspace

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

DEPLOYER = Principal("3f1c9a52-7d0e-4b1a-9a55-0c6a3f1e8d01", "a-secret-of-the-test", "deployer")
HOME = f"/Workspace/Users/{DEPLOYER.application_id}"
ROOT = f"{HOME}/.bundle/lakehouse/staging"

Json = dict[str, Any]


@dataclass
class Site:
    """A running workspace; `api` is a client with the deployer's rights."""

    home: Path
    workspace: Workspace
    url: str
    clients: list[httpx.Client] = field(default_factory=list)
    api: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.api = self.client(self.workspace.people.personal_token(DEPLOYER.application_id))

    def client(self, token: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Loopback only: loading certificates would be the most expensive part of a test.
        self.clients.append(httpx.Client(base_url=self.url, headers=headers, timeout=20, verify=False))
        return self.clients[-1]

    def sdk(self) -> "WorkspaceClient":
        """databricks-sdk, logged in as the service principal; it gives up soon."""
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.config import Config

        config = Config(
            host=self.url,
            client_id=DEPLOYER.application_id,
            client_secret=DEPLOYER.client_secret,
            retry_timeout_seconds=3,
        )
        return WorkspaceClient(config=config)

    def get(self, route: str, **query: object) -> Json:
        return _json(self.api.get(route, params={k: _text(v) for k, v in query.items()}))

    def post(self, path: str, body: Json) -> Json:
        return _json(self.api.post(path, json=body))

    def put_file(self, path: str, content: str | bytes) -> None:
        """Store a file, with the folders above it."""
        self.post("/api/2.0/workspace/mkdirs", {"path": path.rpartition("/")[0]})
        answer = self.api.post(
            f"/api/2.0/workspace-files/import-file{path}", params={"overwrite": "true"}, content=content
        )
        assert answer.status_code == 200, answer.text

    def create_job(self, *tasks: Json, **settings: object) -> int:
        body = {"name": "a job", "tasks": list(tasks), **settings}
        return int(self.post("/api/2.2/jobs/create", body)["job_id"])

    def start(self, job_id: int, **asked: object) -> int:
        return int(self.post("/api/2.2/jobs/run-now", {"job_id": job_id, **asked})["run_id"])

    def run(self, run_id: int) -> Json:
        return self.get("/api/2.2/jobs/runs/get", run_id=run_id)

    def finish(self, run_id: int) -> Json:
        """The run once it is over."""
        over = {"TERMINATED", "SKIPPED", "INTERNAL_ERROR"}
        return until(lambda: self.run(run_id), lambda run: run["state"]["life_cycle_state"] in over)

    def run_job(self, *tasks: Json, **settings: object) -> Json:
        """The finished run of a new job of these tasks."""
        return self.finish(self.start(self.create_job(*tasks, **settings)))

    def output(self, run: Json, key: str) -> Json:
        task = next(t for t in run["tasks"] if t["task_key"] == key)
        return self.get("/api/2.2/jobs/runs/get-output", run_id=task["run_id"])

    def close(self) -> None:
        for client in self.clients:
            client.close()


def _json(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    body = answer.json()
    assert isinstance(body, dict)
    return body


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def until(look: Callable[[], Json], enough: Callable[[Json], bool], *, within_seconds: float = 20) -> Json:
    """What `look` returns as soon as it is `enough`."""
    deadline = time.monotonic() + within_seconds
    while not enough(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.02)
    return seen


class Switchboard:
    """One server for many tests: passes every request on to `app`, which each test sets anew."""

    def __init__(self) -> None:
        self.app: ASGIApp = Response("nobody is here", 503)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Open(Protocol):
    """Opens the workspace in a folder and serves it, on a server of its own, until the block is left."""

    def __call__(self, home: Path) -> "Opened": ...


class Opened:
    """A workspace on a server of its own: a `with` block, after which nothing of it runs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.stack = ExitStack()

    def __enter__(self) -> Site:
        workspace = Workspace.open(self.home, name="staging", principal=DEPLOYER)
        served = Served(workspace.app, listening_socket()).start()
        self.stack.callback(served.stop)
        return self.stack.enter_context(closing(Site(self.home, workspace, served.url)))

    def __exit__(self, *_: object) -> None:
        self.stack.close()
