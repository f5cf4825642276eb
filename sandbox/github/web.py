"""The pages people click."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.github.hub import Hub


def page(hub: Hub, request: Request, body: bytes) -> Response:
    return PlainTextResponse("no page", 404)
