"""A sandbox workspace as the tests of systems see it: it answers, goes wrong on demand, and tells what was asked."""

from typing import Any

import httpx

from tasks.systems.targets import Target
from tasks.systems.workspace import Workspace

CLIENT_ID = "9d0e4b7c-b0f1-4f3a-9c55-0a7de11ab003"
SECRET = "sandbox-secret-5f1d0c7ae2b94d6f8a3e"


class Box:
    """A workspace of the sandbox that answers at `url`."""

    def __init__(self, url: str, target: Target) -> None:
        self.url = url
        self.target = target

    def workspace(self) -> Workspace:
        """A new connection, as each step makes one."""
        return Workspace(self.target)

    def goes_wrong(self, kind: str, path: str, **rule: Any) -> None:
        """Arm a fault of the sandbox (sandbox/control.py)."""
        answer = httpx.post(f"{self.url}/_sandbox/faults", json={"kind": kind, "path": path, **rule})
        assert answer.status_code == 201, answer.text

    def all_is_well(self) -> None:
        httpx.delete(f"{self.url}/_sandbox/faults").raise_for_status()

    def asked(self, path: str = "") -> list[str]:
        """What was asked so far, as `METHOD path`; only paths that contain `path`."""
        requests = httpx.get(f"{self.url}/_sandbox/requests").json()
        return [f"{r['method']} {r['path']}" for r in requests if path in r["path"]]
