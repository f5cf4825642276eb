"""Faults on demand and a record of every request, in front of any of the sandbox's servers.

GET    /_sandbox/requests[?after=N]   what was asked so far, oldest first
GET    /_sandbox/faults               the rules that are still armed
POST   /_sandbox/faults               arm a rule: the JSON of `Fault`
DELETE /_sandbox/faults               disarm all rules
"""

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/_sandbox/"
_FAILED = 500

Kind = Literal["refuse", "before", "after", "late", "slow"]


class Fault(BaseModel):
    """One rule: what happens to the n-th request that matches.

    refuse  answered with `status` (4xx), nothing done
    before  answered with `status` (5xx), nothing done
    after   done, then answered with `status` instead of the answer (0: the connection is cut); what the server
            itself failed to do (5xx) keeps its own answer, and the rule waits for the next request
    late    done and answered, but the next `reads` GET requests still see the world as it was before
    slow    done after waiting for `seconds`
    """

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    method: str = "*"
    path: Annotated[str, Field(description="a regular expression, matched against the whole path")]
    query: Annotated[str, Field(description="a regular expression, looked for in the decoded query")] = ""
    nth: Annotated[int, Field(ge=1)] = 1
    times: Annotated[int, Field(ge=1)] = 1
    status: int | None = None
    headers: dict[str, str] = {}
    body: dict[str, Any] | None = None
    seconds: Annotated[float, Field(ge=0)] = 1.0
    reads: Annotated[int, Field(ge=1)] = 1
    seen: int = 0

    def strikes(self, method: str, path: str, query: str) -> bool:
        """Count the request if it matches, and say whether this is one that goes wrong."""
        if self.method not in {"*", method} or not re.fullmatch(self.path, path):
            return False
        if not re.search(self.query, unquote_plus(query)):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    def answer(self) -> Response:
        status = self.status if self.status is not None else (403 if self.kind == "refuse" else 502)
        body = self.body or {"message": f"the sandbox was told to go wrong here ({self.kind})"}
        return JSONResponse(body, status, self.headers)


class Recorded(BaseModel):
    """One request as the server saw it. `caller` is a login or an application id, never a token."""

    number: int
    time: float
    method: str
    path: str
    query: str
    agent: str
    caller: str = ""
    status: int = 0
    fault: str = ""
    seconds: float = 0.0


class Control:
    """ASGI wrapper: arms faults, records requests, passes everything else on to `app`.

    The wrapped application names the caller by setting `scope["sandbox"].caller`. `snapshot` gives an
    application that answers reads from the state as it is at that moment; it serves `late` faults.
    """

    def __init__(self, app: ASGIApp, home: Path, snapshot: Callable[[], ASGIApp]) -> None:
        self.app = app
        self.snapshot = snapshot
        self.faults: list[Fault] = []
        self.requests: list[Recorded] = []
        self.past: ASGIApp | None = None
        self.past_reads = 0
        home.mkdir(parents=True, exist_ok=True)
        self.journal = home / "requests.jsonl"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"].startswith(PREFIX):
            response = await self.control(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self.record(scope, receive, send)

    async def control(self, request: Request) -> Response:
        match request.method, request.url.path.removeprefix(PREFIX):
            case "GET", "requests":
                after = int(request.query_params.get("after", "0"))
                return JSONResponse([r.model_dump() for r in self.requests if r.number > after])
            case "GET", "faults":
                return JSONResponse([f.model_dump() for f in self.faults])
            case "POST", "faults":
                try:
                    fault = Fault.model_validate_json(await request.body())
                except ValidationError as error:
                    return JSONResponse({"message": str(error)}, 422)
                self.faults.append(fault)
                return JSONResponse(fault.model_dump(), 201)
            case "DELETE", "faults":
                self.faults.clear()
                self.past = None
                return Response(status_code=204)
            case _:
                return JSONResponse({"message": f"no control named {request.url.path}"}, 501)

    async def record(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        entry = Recorded(
            number=len(self.requests) + 1,
            time=time.time(),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            agent=headers.get("user-agent", ""),
        )
        self.requests.append(entry)
        scope["sandbox"] = entry

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        started = time.monotonic()
        try:
            await self.misbehave(entry, scope, receive, note)
        finally:
            entry.seconds = round(time.monotonic() - started, 4)
            with self.journal.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(entry.model_dump()) + "\n")

    async def misbehave(self, entry: Recorded, scope: Scope, receive: Receive, send: Send) -> None:
        struck = [f for f in self.faults if f.strikes(entry.method, entry.path, entry.query)]
        if not struck:
            await self.reader(entry)(scope, receive, send)
            return
        fault = struck[0]
        entry.fault = fault.kind
        match fault.kind:
            case "refuse" | "before":
                await fault.answer()(scope, receive, send)
            case "after":
                answer = await self.answer_of(scope, receive)
                if answer[0]["status"] >= _FAILED:
                    fault.seen, entry.fault = fault.seen - 1, ""
                    for message in answer:
                        await send(message)
                else:
                    await (_cut if fault.status == 0 else fault.answer())(scope, receive, send)
            case "late":
                self.past, self.past_reads = self.snapshot(), fault.reads
                await self.app(scope, receive, send)
            case "slow":
                await asyncio.sleep(fault.seconds)
                await self.app(scope, receive, send)

    async def answer_of(self, scope: Scope, receive: Receive) -> list[Message]:
        """What the application answers, kept back."""
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self.app(scope, receive, keep)
        return kept

    def reader(self, entry: Recorded) -> ASGIApp:
        """The application to ask: the past one while a late write is not to be seen yet."""
        if self.past is None or entry.method not in {"GET", "HEAD"}:
            return self.app
        past = self.past
        entry.fault = "late"
        self.past_reads -= 1
        if self.past_reads == 0:
            self.past = None
        return past


async def _cut(_: Scope, __: Receive, send: Send) -> None:
    """Promise an answer and give none: the server then drops the connection."""
    headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
