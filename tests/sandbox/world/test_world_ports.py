"""Ports of a sandbox: free once, the same ever after."""

from pathlib import Path

from sandbox.ports import is_free, keep_ports, known_ports
from sandbox.serving import listening_socket


def test_ports_are_chosen_once(tmp_path: Path) -> None:
    first = keep_ports(tmp_path, "github", "dev")

    assert keep_ports(tmp_path, "github", "dev") == first == known_ports(tmp_path)
    assert first["github"] != first["dev"]


def test_a_later_name_gets_a_port_of_its_own(tmp_path: Path) -> None:
    first = keep_ports(tmp_path, "github")

    assert keep_ports(tmp_path, "prefect")["github"] == first["github"]
    assert set(known_ports(tmp_path)) == {"github", "prefect"}


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with listening_socket() as taken:
        taken.listen()

        assert not is_free(taken.getsockname()[1])
