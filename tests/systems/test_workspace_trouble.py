"""What goes wrong on the way to a workspace ends in time, in the right kind of error, without a secret."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from workspace_box import CLIENT_ID, SECRET, Box

from sandbox.serving import Served, listening_socket
from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.systems import workspace_client
from tasks.systems.one_step import one_step
from tasks.systems.targets import Target
from tasks.systems.workspace import Workspace

pytest_plugins = ["workspace_fixtures"]

ME = "/api/2.0/preview/scim/v2/Me"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, ten times shorter."""
    monkeypatch.setattr(workspace_client, "_ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(workspace_client, "_SIGN_IN_SECONDS", 0.5)
    monkeypatch.setattr(workspace_client, "_REPEAT_SECONDS", 1)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (400, NeedsHuman, "correct what the message names"),
        (401, NeedsHuman, "DABFLOW_TARGET_PROD_CLIENT_SECRET"),
        (403, NeedsHuman, f"give the service principal {CLIENT_ID} the right"),
        (404, NeedsHuman, "nobody removed it"),
        (429, TryAgain, "looks again by itself"),
        (500, TryAgain, "looks again by itself"),
        (501, NeedsHuman, "correct what the message names"),
        (502, TryAgain, "looks again by itself"),
        (503, TryAgain, "looks again by itself"),
        (504, TryAgain, "looks again by itself"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_each_status_is_one_of_two_kinds(
    box: Box, status: int, error: type[ReleaseError], words: str
) -> None:
    box.goes_wrong("refuse", ME, status=status, times=9, body={"error_code": "X", "message": "because"})

    with pytest.raises(error) as stop:
        box.workspace().preflight()

    assert type(stop.value) is error
    assert words in stop.value.remedy
    assert f"prod at {box.url} " in stop.value.problem
    assert stop.value.__cause__ is not None


@pytest.fixture
def cutting() -> Iterator[str]:
    """A server that takes each request and closes the connection without a word."""
    listening = socket.create_server(("127.0.0.1", 0))

    def cut() -> None:
        with contextlib.suppress(OSError):
            while True:
                with listening.accept()[0] as connection:
                    connection.recv(65_536)

    thread = threading.Thread(target=cut, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)


@pytest.mark.usefixtures("impatient")
def test_a_cut_connection_may_pass(cutting: str, known_at: Callable[[str], Target]) -> None:
    with pytest.raises(TryAgain, match="did not answer when asked for the name of its deployer: "):
        Workspace(known_at(cutting)).preflight()


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_breaks_off_may_pass(box: Box) -> None:
    """The connection ends in the middle of the answer: what was asked for may have been done."""
    box.goes_wrong("after", ME, status=0)

    with pytest.raises(TryAgain, match="did not answer when asked for the name of its deployer"):
        box.workspace().preflight()


def test_nothing_listening_is_known_within_ten_seconds(known_at: Callable[[str], Target]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused, and nobody else gets it
        target = known_at(f"http://127.0.0.1:{taken.getsockname()[1]}")
        started = time.monotonic()

        with pytest.raises(TryAgain, match="did not answer"):
            Workspace(target).preflight()

    assert time.monotonic() - started < 11


@pytest.mark.usefixtures("impatient")
def test_a_server_that_says_nothing_is_left_in_time(known_at: Callable[[str], Target]) -> None:
    """It takes the connection and never answers; the SDK would wait for a token without end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = known_at(f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()

        with pytest.raises(TryAgain, match="did not answer"):
            Workspace(target).preflight()

    assert time.monotonic() - started < 10


class TestSigningIn:
    def test_a_wrong_secret_is_a_stop_that_names_the_variable(
        self, box: Box, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DABFLOW_TARGET_PROD_CLIENT_SECRET", "wrong-secret-000000000000")

        with pytest.raises(NeedsHuman, match=f"did not let {CLIENT_ID} sign in: it answered 4") as stop:
            box.workspace().preflight()

        assert "DABFLOW_TARGET_PROD_CLIENT_SECRET" in stop.value.remedy
        assert "wrong-secret" not in texts(stop.value)
        # The request that failed carries the secret in its headers; it does not travel with the error.
        assert [vars(stop.value.__cause__)[name] for name in ("request", "response")] == [None, None]

    @pytest.mark.parametrize(("status", "error"), [(429, TryAgain), (503, TryAgain), (404, NeedsHuman)])
    def test_a_busy_token_server_is_not_a_wrong_secret(
        self, box: Box, status: int, error: type[ReleaseError]
    ) -> None:
        box.goes_wrong("refuse", "/oidc/v1/token", status=status)

        with pytest.raises(error, match=f"it answered {status}"):
            box.workspace().preflight()

    def test_a_workspace_that_publishes_no_configuration_is_asked_where_the_cli_asks(self, box: Box) -> None:
        box.goes_wrong("refuse", "/.well-known/databricks-config", status=404)

        assert box.workspace().preflight() == CLIENT_ID

    def test_what_is_not_a_workspace_is_named(self, box: Box) -> None:
        box.goes_wrong("refuse", "/oidc/v1/token", status=200, body={"hello": "world"})

        with pytest.raises(NeedsHuman, match="answered something that is not Databricks") as stop:
            box.workspace().preflight()
        assert "DABFLOW_TARGET_PROD_HOST" in stop.value.remedy

    def test_what_the_worker_was_started_with_does_not_matter(
        self, box: Box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Each of these would take the SDK to another workspace or another identity."""
        profile = tmp_path / "databrickscfg"
        profile.write_text(
            "[DEFAULT]\nhost = https://other.example\ntoken = dapi0\n[other]\nhost = https://x\n"
        )
        for name, value in {
            "DATABRICKS_HOST": "https://other.example",
            "DATABRICKS_TOKEN": "dapi1",
            "DATABRICKS_CLIENT_ID": "somebody",
            "DATABRICKS_CONFIG_FILE": str(profile),
            "DATABRICKS_CONFIG_PROFILE": "other",
            "DATABRICKS_AUTH_TYPE": "pat",
            "DATABRICKS_DISCOVERY_URL": "https://other.example/oidc",
            "ARM_CLIENT_ID": "azure",
            "ARM_CLIENT_SECRET": "azure",
        }.items():
            monkeypatch.setenv(name, value)

        assert box.workspace().preflight() == CLIENT_ID


@pytest.fixture
def federation() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that takes a federated token in exchange for its own, and remembers what it was sent."""
    sent: list[dict[str, str]] = []

    async def token(request: Request) -> Response:
        sent.append(dict(parse_qsl((await request.body()).decode())) | dict(request.headers))
        return JSONResponse({"access_token": f"own-{len(sent)}", "token_type": "Bearer", "expires_in": 300})

    async def endpoints(request: Request) -> Response:
        return JSONResponse({"token_endpoint": str(request.base_url) + "oidc/v1/token"})

    async def me(request: Request) -> Response:
        return JSONResponse({"userName": f"who sent {request.headers['authorization']}"})

    routes = [
        Route("/oidc/.well-known/oauth-authorization-server", endpoints),
        Route("/oidc/v1/token", token, methods=["POST"]),
        Route(ME, me),
    ]
    served = Served(Starlette(routes=routes), listening_socket()).start()
    yield served.url, sent
    served.stop()


def test_a_step_signs_in_once(box: Box) -> None:
    with one_step():
        assert box.workspace().preflight() == box.workspace().preflight() == CLIENT_ID
    assert len(box.asked("/oidc/v1/token")) == 1

    assert box.workspace().preflight() == CLIENT_ID
    assert len(box.asked("/oidc/v1/token")) == 2, "what is done outside of that step signs in by itself"


def test_a_token_file_is_exchanged_and_no_secret_is_sent(
    federation: tuple[str, list[dict[str, str]]],
    known_at: Callable[[str], Target],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    url, sent = federation
    (tmp_path / "token").write_text("minted-by-the-ci\n")
    monkeypatch.setenv("DABFLOW_TARGET_PROD_OIDC_TOKEN_FILEPATH", str(tmp_path / "token"))

    assert Workspace(known_at(url)).preflight() == "who sent Bearer own-1"
    assert sent[0]["subject_token"] == "minted-by-the-ci"
    assert sent[0]["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
    assert sent[0]["client_id"] == CLIENT_ID
    assert "authorization" not in sent[0]
    assert SECRET not in str(sent)


def texts(error: BaseException | None) -> str:
    """Everything that a traceback, a log or a database would hold of an error."""
    seen = []
    while error is not None:
        seen += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(seen)


def test_no_secret_in_errors_or_logs_even_if_the_server_repeats_it(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    box.goes_wrong("refuse", ME, status=403, body={"error_code": "X", "message": f"{SECRET} may not do this"})

    with pytest.raises(NeedsHuman, match=r"\*\*\* may not do this") as stop:
        box.workspace().preflight()

    assert SECRET not in texts(stop.value)
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("tasks"))
    assert SECRET not in ours
