"""One workspace: its state on disk and the application that answers for it."""

import secrets
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.control import Control
from sandbox.workspace.access import Access
from sandbox.workspace.call import Call, route
from sandbox.workspace.deployed import Deployment, deployments
from sandbox.workspace.engine import Engine
from sandbox.workspace.files import Files
from sandbox.workspace.jobs import Jobs
from sandbox.workspace.ledger import Ledger
from sandbox.workspace.login import Login
from sandbox.workspace.pages import Pages
from sandbox.workspace.people import People, Principal
from sandbox.workspace.permissions import Permissions
from sandbox.workspace.pipelines import Pipelines
from sandbox.workspace.runs import Runs
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State
from sandbox.workspace.tree import Tree
from sandbox.workspace.updates import Updates

__all__ = ["Principal", "Workspace"]


class Workspace:
    """A Databricks workspace. `app` is to be served; `principal` is an admin of it."""

    def __init__(self, state: State, name: str, principal: Principal) -> None:
        self.state = state
        self.name = name
        self.principal = principal
        self.people = People(state)
        self.parts = Parts(state, name, self.people)
        self.app: ASGIApp = Control(self.parts.application(), state.home, self.snapshot)

    @classmethod
    def open(cls, home: Path, *, name: str, principal: Principal) -> "Workspace":
        """Load the workspace that lives in `home`, or create it there.

        What ran when it was last stopped has ended with an error that says so.
        """
        state = State.open(home)
        if "workspace" not in state.facts:
            state.facts["workspace"] = {"id": str(10**15 + secrets.randbelow(9 * 10**15))}
        workspace = cls(state, name, principal)
        workspace.admit(principal)
        for folder in ("/Users", "/Shared"):
            workspace.parts.tree.make_folders(folder)
        workspace.parts.ledger.close_abandoned()
        workspace.parts.updates.close_abandoned()
        return workspace

    def admit(self, principal: Principal, *, admin: bool = True) -> None:
        """Let a service principal log in; without `admin` it may only do what permissions allow."""
        who = principal.application_id
        self.people.admit(who, principal.display_name, admin=admin, secret=principal.client_secret)
        self.parts.tree.make_folders(f"/Users/{who}")

    def person(self, login: str, *, admin: bool = True) -> str:
        """A personal access token of `login`, who becomes a user of the workspace if need be."""
        self.people.admit(login, login.partition("@")[0].title(), admin=admin)
        self.parts.tree.make_folders(f"/Users/{login}")
        return self.people.personal_token(login)

    def deployments(self) -> list[Deployment]:
        """The bundles that are deployed here, or being deployed, latest first."""
        return deployments(self.parts.tree)

    def snapshot(self) -> ASGIApp:
        """An application that answers reads from the state as it is now."""
        past = self.state.frozen()
        return Parts(past, self.name, self.people).application()


class Parts:
    """What a workspace is made of, over one state: now, or a moment of the past."""

    def __init__(self, state: State, name: str, people: People) -> None:
        self.state = state
        self.workspace_id: str = state.facts["workspace"]["id"]
        self.login = Login(people, self.workspace_id)
        self.tree = Tree(state)
        self.access = Access(state)
        self.ledger = Ledger(state)
        self.engine = Engine(state, self.tree, self.ledger)
        self.updates = Updates(state, self.engine)
        self.jobs = Jobs(state, self.access)
        self.runs = Runs(self.jobs, self.engine, self.workspace_id)
        self.pipelines = Pipelines(state, self.access, self.updates)
        self.pages = Pages(name, self.tree, self.runs, self.pipelines)

    def application(self) -> Starlette:
        who = self.login.identify
        return Starlette(
            routes=[
                *self.login.routes(),
                *Files(self.tree, self.access).routes(who),
                *self.jobs.routes(who),
                *self.runs.routes(who),
                *self.pipelines.routes(who),
                *Permissions(self.state, self.access).routes(who),
                route("POST", "/telemetry-ext", _telemetry, who),
                route("GET", "/api/2.1/unity-catalog/current-metastore-assignment", self._metastore, who),
                *self.pages.routes(),
                Route("/{path:path}", _unknown, methods=_METHODS),
            ],
            exception_handlers={500: _broken},
        )

    def _metastore(self, _: Call) -> Json:
        return {"metastore_id": f"sandbox-{self.workspace_id}", "workspace_id": int(self.workspace_id)}


def _telemetry(call: Call) -> Json:
    return {"errors": [], "numProtoSuccess": len(call.body.get("protoLogs") or [])}


_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def _unknown(request: Request) -> Response:
    what = f"{request.method} {request.url.path}"
    message = f"The sandbox workspace does not answer {what}. Use a real workspace, or teach it this route."
    return JSONResponse({"error_code": "NOT_IMPLEMENTED", "message": message}, 501)


async def _broken(request: Request, error: Exception) -> Response:
    message = f"The sandbox failed at {request.method} {request.url.path}: {error!r}"
    return JSONResponse({"error_code": "INTERNAL_ERROR", "message": message}, 500)
