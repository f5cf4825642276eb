"""Clone, fetch and push: `git http-backend` behind token authentication.

Source: git-http-backend(1), gitprotocol-http(5), gitprotocol-v2(5).
"""

import asyncio
import base64
import binascii
import gzip
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from sandbox.github.authentication import account_of_token
from sandbox.github.bare import environment
from sandbox.github.following import follow
from sandbox.github.hook import handed_over
from sandbox.github.hub import Hub
from sandbox.github.records import ROLES, Account, InstallationToken, Repository
from sandbox.github.rules import guards

PATH = re.compile(
    r"/(?P<slug>[\w.-]+/[\w.-]+?)(?:\.git)?/(?P<what>info/refs|git-upload-pack|git-receive-pack)"
)
_CHUNK_BYTES = 65536
_LENGTH_DIGITS = 4


@cache
def _program() -> str:
    """The program itself: `git http-backend` is one process more for each request."""
    folder = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    return str(Path(folder, "git-http-backend"))


class Backend:
    """One run of `git http-backend`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.status = 200
        self.headers: dict[str, str] = {}

    @classmethod
    async def start(cls, variables: dict[str, str]) -> "Backend":
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(_program(), stdin=pipe, stdout=pipe, env=variables))

    async def feed(self, chunks: AsyncIterator[bytes]) -> None:
        assert self.process.stdin is not None
        try:
            async for chunk in chunks:
                self.process.stdin.write(chunk)
                await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.process.stdin.close()

    async def read_headers(self) -> None:
        assert self.process.stdout is not None
        while line := (await self.process.stdout.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "status":
                self.status = int(value.split()[0])
            else:
                self.headers[name] = value.strip()

    async def body(self) -> AsyncIterator[bytes]:
        assert self.process.stdout is not None
        try:
            while chunk := await self.process.stdout.read(_CHUNK_BYTES):
                yield chunk
        finally:
            if self.process.returncode is None and not self.process.stdout.at_eof():
                self.process.kill()
            await self.process.wait()


async def serve(hub: Hub, request: Request) -> Response:
    """Answer a request of a git client.

    401 without a valid token, 404 for a repository the caller may not see, 403 for a push of one who may only read.
    """
    account, limits = _caller(hub, request)
    if account is None:
        return PlainTextResponse(
            "Authentication required.", 401, {"WWW-Authenticate": 'Basic realm="GitHub"'}
        )
    request.scope["sandbox"].caller = account.login
    found = PATH.fullmatch(request.url.path)
    repository = hub.state.repositories.get(found["slug"]) if found else None
    if found is None or repository is None or hub.role(repository, account.login) == "none":
        return PlainTextResponse("Repository not found.", 404)
    pushes = "git-receive-pack" in {found["what"], request.query_params.get("service")}
    granted = "write" if limits is None else limits.permissions.get("contents", "none")
    if granted == "none":
        return PlainTextResponse("Repository not found.", 404)
    may_write = granted == "write" and ROLES.index(hub.role(repository, account.login)) >= ROLES.index(
        "write"
    )
    if pushes and not may_write:
        text = f"Permission to {repository.slug}.git denied to {account.login}."
        return PlainTextResponse(text, 403)
    if found["what"] == "git-receive-pack":
        return await _push(hub, request, repository, account)
    if found["what"] == "info/refs" and not pushes and request.headers.get("git-protocol") == "version=2":
        return await _abilities(hub, request, repository, account)
    backend = await Backend.start(_variables(hub, request, repository, account, found["what"]))
    await asyncio.gather(backend.feed(request.stream()), backend.read_headers())
    return StreamingResponse(backend.body(), backend.status, backend.headers)


async def _abilities(hub: Hub, request: Request, repository: Repository, account: Account) -> Response:
    """What this git can do. In protocol 2 a fetch begins with that, and no ref is in it: it is found out once."""
    if repository.slug not in hub.abilities:
        backend = await Backend.start(_variables(hub, request, repository, account, "info/refs"))
        await asyncio.gather(backend.feed(request.stream()), backend.read_headers())
        said = b"".join([chunk async for chunk in backend.body()])
        if backend.status != HTTPStatus.OK:
            return Response(said, backend.status, backend.headers)
        hub.abilities[repository.slug] = said, backend.headers
    said, headers = hub.abilities[repository.slug]
    return Response(said, headers=headers)


def _caller(hub: Hub, request: Request) -> tuple[Account | None, InstallationToken | None]:
    """The account whose token came as the password, or as the user name, and what that token is limited to."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return account_of_token(hub, value)
    try:
        user, _, password = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    found = account_of_token(hub, password)
    return found if found[0] is not None else account_of_token(hub, user)


def _variables(
    hub: Hub, request: Request, repository: Repository, account: Account, what: str
) -> dict[str, str]:
    variables = {
        "GIT_PROJECT_ROOT": str(hub.repository_path(repository.slug)),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": account.login,
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": f"/{what}",
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
    }
    if "content-length" in request.headers:
        variables["CONTENT_LENGTH"] = request.headers["content-length"]
    return environment(hub.home) | variables


async def _push(hub: Hub, request: Request, repository: Repository, account: Account) -> Response:
    """Receive a push under the rules that bind this account; pull requests have followed when it is answered."""
    sent = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        sent = gzip.decompress(sent)
    against = [g for ref in pushed_refs(sent) for g in guards(hub, repository, ref, account.login)]
    variables = _variables(hub, request, repository, account, "git-receive-pack") | handed_over(against)
    variables |= {"CONTENT_LENGTH": str(len(sent)), "HTTP_CONTENT_ENCODING": ""}

    async def whole() -> AsyncIterator[bytes]:
        yield sent

    backend = await Backend.start(variables)
    await asyncio.gather(backend.feed(whole()), backend.read_headers())
    answer = b"".join([chunk async for chunk in backend.body()])
    with hub.lock:
        follow(hub, repository, account.login)
        hub.save()
    return Response(answer, backend.status, backend.headers)


def pushed_refs(sent: bytes) -> Iterator[str]:
    """The refs that a push wants to change, read from the commands in front of its pack."""
    at = 0
    while length := int(sent[at : at + _LENGTH_DIGITS] or b"0", 16):
        line = sent[at + _LENGTH_DIGITS : at + length].partition(b"\0")[0].decode().strip()
        words = line.split(" ")
        if len(words) == 3:  # noqa: PLR2004 - old, new, name
            yield words[2]
        at += length
