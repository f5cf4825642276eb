"""The ASGI application: git, REST and pages at one address."""

import hashlib
import json
import re
from email.utils import format_datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

import sandbox.github.routes  # noqa: F401 - fills the route table
from sandbox.github import smart_http, web
from sandbox.github.authentication import authenticate, authorize
from sandbox.github.exchange import Answer, Call, Refused, Route, find_route
from sandbox.github.hub import Hub

# The first segments under which GitHub's API lives; everything else is a page.
API = re.compile(
    r"/(repos|user|users|orgs|app|apps|rate_limit|graphql|search|meta|zen|gists|installation)(/.*)?"
)
VERSIONS = ("2022-11-28", "2026-03-10")
# What version 2026-03-10 took out of pull requests.
_DROPPED = {"merge_commit_sha", "assignee"}


class Application:
    """Answers from one hub. A hub of the past answers in the same way, and keeps nothing."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.used: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if smart_http.PATH.fullmatch(scope["path"]):
            response = await smart_http.serve(self.hub, request)
        else:
            body = await request.body()
            response = await run_in_threadpool(self.answer, request, body)
        await response(scope, receive, send)

    def answer(self, request: Request, body: bytes) -> Response:
        with self.hub.lock:
            if API.fullmatch(request.url.path):
                return self.rest(request, body)
            return web.page(self.hub, request, body)

    # -- REST

    def rest(self, request: Request, body: bytes) -> Response:
        call = Call(
            hub=self.hub,
            base=f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}",
            method=request.method,
            path=request.scope["path"],
            query=request.query_params,
            headers=request.headers,
            raw=body,
        )
        route = find_route(call.method, call.path)
        try:
            answer = self.handle(call, route)
        except Refused as refused:
            answer = refused.answer()
            if call.method != "GET":
                self.hub.restore()
        if call.account is not None and "sandbox" in request.scope:
            request.scope["sandbox"].caller = call.login
        return self.response(call, route, answer)

    def handle(self, call: Call, route: Route | None) -> Answer:
        if route is None:
            raise Refused(501, f"The sandbox has no route {call.method} {call.path}")
        if (version := call.headers.get("x-github-api-version", VERSIONS[0])) not in VERSIONS:
            raise Refused(400, f"Invalid API version: {version}")
        found = route.pattern.fullmatch(call.path)
        call.parts = found.groupdict() if found else {}
        authenticate(call, route)
        authorize(call, route)
        answer = route.handler(call)
        if call.method != "GET":
            self.hub.save()
        return answer

    def response(self, call: Call, route: Route | None, answer: Answer) -> Response:
        headers = answer.headers | self.usual_headers(call, route)
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        if headers["x-github-api-version-selected"] != VERSIONS[0] and "/pulls" in call.path:
            answer.body = _without(answer.body, _DROPPED)
        content = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode()
        if call.method == "GET" and answer.status == 200:  # noqa: PLR2004 - OK
            headers["etag"] = f'W/"{hashlib.sha256(content).hexdigest()}"'
            if headers["etag"] in call.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
        return Response(content, answer.status, headers, "application/json; charset=utf-8")

    def usual_headers(self, call: Call, route: Route | None) -> dict[str, str]:
        login = call.account.login if call.account else ""
        self.used[login] = self.used.get(login, 0) + 1
        limit, reset = 5000, int(call.hub.now().timestamp()) // 3600 * 3600 + 3600
        headers = {
            "date": format_datetime(call.hub.now(), usegmt=True),
            "x-github-media-type": "github.v3; format=json",
            "x-github-api-version-selected": call.headers.get("x-github-api-version", VERSIONS[0]),
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-used": str(self.used[login] % limit),
            "x-ratelimit-remaining": str(limit - self.used[login] % limit),
            "x-ratelimit-reset": str(reset),
            "x-ratelimit-resource": "core",
        }
        if call.links:
            headers["link"] = call.links
        if route is not None and route.needs != "app":
            headers["x-accepted-github-permissions"] = route.needs
        return headers


def _without(body: Any, names: set[str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(body, list):
        return [_without(item, names) for item in body]
    if isinstance(body, dict):
        return {key: value for key, value in body.items() if key not in names}
    return body
