"""The small parts that the stand-in has instead of slower modules of the standard library."""

import hashlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from sandbox.databricks_cli.digests import md5_of, sha256_of
from sandbox.databricks_cli.http1 import BrokenOff, Connection, HungUp, NoHttp, phrase
from sandbox.databricks_cli.ids import new_id
from sandbox.databricks_cli.record import field, record
from sandbox.databricks_cli.side_by_side import each
from sandbox.databricks_cli.yaml_nodes import Unreadable, compose

OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def answering(*answers: bytes) -> Iterator[Connection]:
    """A connection to a server that says these, one for each request, and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            there, _ = server.accept()
            with there:
                for answer in answers:
                    there.recv(65_536)
                    there.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        connection = Connection(*server.getsockname(), https=False, timeout_seconds=10)
        try:
            yield connection
        finally:
            connection.close()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param(OK + b"Content-Length: 2\r\n\r\nab", b"ab", id="with its length"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1;x=y\r\nb\r\n0\r\nT: t\r\n\r\n",
            b"ab",
            id="chunked",
        ),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n", b"", id="after a 100"
        ),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", b"", id="without a body"),
    ],
)
def test_an_answer_after_which_another_may_follow(answer: bytes, body: bytes) -> None:
    with answering(answer, answer) as connection:
        for _ in range(2):
            assert connection.ask("GET", "/", None, {}).body == body
            assert connection.is_open


@pytest.mark.parametrize(
    ("answer", "body"),
    [(OK + b"\r\nab", b"ab"), (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nab", b"ab")],
)
def test_the_last_answer_of_a_connection(answer: bytes, body: bytes) -> None:
    with answering(answer) as connection:
        assert connection.ask("GET", "/", None, {}).body == body
        assert not connection.is_open


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", HungUp),
        (OK + b"Content-Length: 3\r\n\r\nab", BrokenOff),
        (OK + b"Content-Le", BrokenOff),
        (b"SSH-2.0\r\n", NoHttp),
        (OK + b"Content-Length: many\r\n\r\n", NoHttp),
    ],
)
def test_what_is_no_whole_answer(answer: bytes, error: type[NoHttp]) -> None:
    with answering(answer) as connection, pytest.raises(error):
        connection.ask("POST", "/", b"x", {})


def test_a_status_has_its_words() -> None:
    assert (phrase(404), phrase(299)) == ("Not Found", "")


def test_work_side_by_side_keeps_the_order_and_tells_the_first_failure() -> None:
    def work(number: int) -> int:
        if number < 0:
            raise ValueError(number)
        return number * 2

    assert each(work, range(20), at_once=3) == [2 * n for n in range(20)]
    assert each(work, [], at_once=3) == []
    with pytest.raises(ValueError, match="-1"):
        each(work, [1, -1, 2], at_once=1)


def test_an_identity_is_a_random_uuid() -> None:
    found = UUID(new_id())

    assert found.version == 4
    assert str(found) != new_id()


def test_a_record_takes_its_fields_and_makes_defaults_anew() -> None:
    @record
    class Pair:
        one: int
        more: list[int] = field(default_factory=list)

    first, second = Pair(1), Pair(one=1)
    assert first == second
    first.more.append(2)
    assert second.more == []
    for wrong in ({"none": 1}, {"one": 1, "none": 1}):
        with pytest.raises((TypeError, KeyError)):
            Pair(**wrong)  # type: ignore[arg-type]


def test_digests_are_those_of_hashlib() -> None:
    assert md5_of("Straße") == hashlib.md5("Straße".encode()).hexdigest()
    assert sha256_of("Straße") == hashlib.sha256("Straße".encode()).hexdigest()


_IN_PART = """
import sys
from pathlib import Path
from sandbox.databricks_cli.lean_yaml import prepare
prepare()
from sandbox.databricks_cli.yaml_nodes import Unreadable, compose
for file in sys.argv[1:]:
    assert "yaml.resolver" not in sys.modules
    try:
        compose(Path(file))
    except Unreadable as error:
        print(repr(str(error)))
"""


def test_what_is_wrong_with_a_file_is_told_the_same_without_all_of_pyyaml(tmp_path: Path) -> None:
    """The errors come from modules that are not loaded before there is one."""
    files, told = [], []
    for number, broken in enumerate(
        (b"a: [", b"a: \xff", b"a: \x01", b"a: *", b"a: 'x", b"a: *b", b"a: b: c")
    ):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_bytes(broken)
        with pytest.raises(Unreadable) as error:
            compose(files[-1])
        told.append(repr(str(error.value)))

    done = subprocess.run(
        [sys.executable, "-c", _IN_PART, *files], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == told
