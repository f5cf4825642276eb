"""One request as the API's functions see it, and the errors they may answer with."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.workspace.people import Person
from sandbox.workspace.shelf import Json


class ApiError(Exception):
    """The workspace refuses: `status`, and a JSON of `error_code` and `message`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message

    def answer(self) -> Response:
        return JSONResponse({"error_code": self.code, "message": self.message}, self.status)


def not_found(message: str) -> ApiError:
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def invalid(message: str) -> ApiError:
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


@dataclass(frozen=True)
class Call:
    """A request after authentication, with its body already read."""

    person: Person
    request: Request
    raw: bytes

    @property
    def base_url(self) -> str:
        return str(self.request.base_url).rstrip("/")

    @property
    def path(self) -> dict[str, Any]:
        """The parameters in the path of the route."""
        return self.request.path_params

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def flag(self, name: str) -> bool:
        return self.query(name).lower() == "true"

    def number(self, name: str, default: int) -> int:
        """A number of the query; raises ApiError (400) when it is none."""
        text = self.query(name)
        if not text:
            return default
        if not text.lstrip("-").isdigit():
            raise invalid(f"{name} must be a number, not '{text}'.")
        return int(text)

    @property
    def body(self) -> Json:
        """The JSON object of the body; raises ApiError (400) for anything else."""
        try:
            body = json.loads(self.raw or b"{}")
        except ValueError as error:
            raise ApiError(400, "MALFORMED_REQUEST", f"Could not parse request object: {error}") from error
        if not isinstance(body, dict):
            raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: expected an object.")
        return body

    def form(self) -> dict[str, bytes]:
        """The parts of a multipart body by name."""
        marker = self.request.headers.get("content-type", "").partition("boundary=")[2].strip('"')
        parts = {}
        for part in self.raw.split(b"--" + marker.encode())[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            name = head.decode("utf-8", "replace").partition('name="')[2].partition('"')[0]
            parts[unquote(name)] = content.removesuffix(b"\r\n")
        return parts


Answer = Json | Response
Handler = Callable[[Call], Answer]
Identify = Callable[[Request], Person]


def route(method: str, path: str, handler: Handler, identify: Identify) -> Route:
    """A route whose handler gets a `Call` and returns JSON, a response, or raises ApiError."""

    async def endpoint(request: Request) -> Response:
        try:
            person = identify(request)
            answer = handler(Call(person, request, await request.body()))
        except ApiError as error:
            return error.answer()
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    handle: Callable[[Request], Awaitable[Response]] = endpoint
    return Route(path, handle, methods=[method])
