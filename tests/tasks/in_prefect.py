"""Flow runs of a deployment, run in this process as often as a test wants: suspended, resumed, retried."""

import contextlib
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Scheduled


class Run:
    """One flow run in a real server."""

    def __init__(self, flow: Flow[..., Any]) -> None:
        self.flow = flow
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(client.create_flow(flow), name="test")
            self.id = client.create_flow_run_from_deployment(deployment).id

    def go(self) -> State[Any]:
        """Run it as a worker would, until it ends or is suspended; its state then."""
        with contextlib.suppress(Pause):
            run_flow(self.flow, flow_run=self.read(), return_type="state")
        state = self.read().state
        if state is None:
            raise AssertionError("a run has a state")
        return state

    def read(self) -> FlowRun:
        with get_client(sync_client=True) as client:
            return client.read_flow_run(self.id)

    def resume(self, answer: dict[str, Any]) -> None:
        with get_client(sync_client=True) as client:
            client.resume_flow_run(self.id, run_input=answer)

    def send_on(self) -> None:
        """What a person's "retry", or a program, does: the run is scheduled, nothing is answered."""
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(self.id, Scheduled(name="AwaitingRetry"))

    def set(self, state: State[Any]) -> None:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(self.id, state)
