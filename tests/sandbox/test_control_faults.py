"""A lost answer is the answer to something that was done."""

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control import Control


@pytest.fixture
def busy(tmp_path: Path) -> httpx.AsyncClient:
    """A server that is busy the first time, with a fault in front that loses one answer."""
    tries = iter([503, 201, 201])

    async def answer(_: Request) -> Response:
        return Response(status_code=next(tries))

    app = Starlette(routes=[Route("/do", answer, methods=["POST"])])
    transport = httpx.ASGITransport(Control(app, tmp_path, lambda: app))
    return httpx.AsyncClient(transport=transport, base_url="http://sandbox.example")


def test_what_the_server_did_not_do_is_no_lost_answer(busy: httpx.AsyncClient) -> None:
    async def ask() -> tuple[list[int], list[tuple[int, str]]]:
        await busy.post("/_sandbox/faults", json={"kind": "after", "path": "/do", "status": 502})
        said = [(await busy.post("/do")).status_code for _ in range(3)]
        seen = (await busy.get("/_sandbox/requests")).json()
        return said, [(r["status"], r["fault"]) for r in seen]

    said, seen = asyncio.run(ask())

    assert said == [503, 502, 201]
    assert seen == [(503, ""), (502, "after"), (201, "")]
