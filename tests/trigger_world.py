"""What the tests of the trigger stand on: the flow's deployment, and a front of the server that can go wrong."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import cast
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control import Control
from sandbox.serving import Served, listening_socket


@dataclass
class Front:
    """A server in front of Prefect's: passes everything on, unless a fault is armed."""

    url: str
    authorizations: list[str] = field(default_factory=list)

    def arm(self, **fault: object) -> None:
        httpx.post(f"{self.url}/_sandbox/faults", json=fault).raise_for_status()

    @property
    def asked(self) -> list[str]:
        """Every request so far: method, path and status."""
        requests = httpx.get(f"{self.url}/_sandbox/requests").json()
        return [f"{r['method']} {r['path'].rsplit('/', 1)[-1]} {r['status']}" for r in requests]


@contextmanager
def front(api: str, home: Path) -> Iterator[Front]:
    """Serve a front of the Prefect server at `api`."""
    authorizations: list[str] = []
    behind = api.removesuffix("/api")

    async def pass_on(request: Request) -> Response:
        authorizations.append(request.headers.get("authorization", ""))
        async with httpx.AsyncClient(timeout=30) as client:
            answer = await client.request(
                request.method,
                f"{behind}{request.url.path}",
                content=await request.body(),
                headers={"content-type": "application/json"},
            )
        return Response(answer.content, answer.status_code, {"content-type": "application/json"})

    app = Starlette(routes=[Route("/{path:path}", pass_on, methods=["GET", "POST"])])
    served = Served(Control(app, home, lambda: app), listening_socket()).start()
    try:
        yield Front(served.url, authorizations)
    finally:
        served.stop()


def deploy(name: str = "standard_release") -> UUID:
    """One of our flows is deployed as `prefect.yaml` names it, parameters checked by the server."""
    flow = getattr(import_module(f"flows.{name}"), name)
    made = RunnerDeployment.from_flow(flow, name="default", enforce_parameter_schema=True)
    return cast("UUID", made.apply())


def forget(deployment: str) -> None:
    """There is no deployment called flow/name."""
    with get_client(sync_client=True) as client, suppress(ObjectNotFound):
        client.delete_deployment(client.read_deployment_by_name(deployment).id)


def started_runs(run_id: str, *, attempts: int = 1) -> list[FlowRun]:
    """The flow runs that the attempts of one Actions run have started."""
    keys = [f"github-actions:acme/lakehouse:{run_id}:{n + 1}" for n in range(attempts)]
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(
            flow_run_filter=FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=keys))
        )
