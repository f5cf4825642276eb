"""Ports of a sandbox: chosen free once, kept in `<folder>/addresses.json`, used again ever after."""

import json
import os
import random
from pathlib import Path

from sandbox.serving import listening_socket

# Below the range from which Linux (32768) and macOS (49152) take ports for outgoing connections: in there a
# kept port could be in use by anybody the next time.
_RANGE = range(20_000, 32_000)


def address_file(folder: Path) -> Path:
    return folder / "addresses.json"


def known_ports(folder: Path) -> dict[str, int]:
    """Return the ports chosen so far, by name."""
    try:
        kept: dict[str, int] = json.loads(address_file(folder).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return kept


def keep_ports(folder: Path, *names: str) -> dict[str, int]:
    """Return a port for each name: the one it had before, else one that is free now and kept from now on."""
    ports = known_ports(folder)
    for name in names:
        if name not in ports:
            ports[name] = _free_port(avoid=set(ports.values()))
    folder.mkdir(parents=True, exist_ok=True)
    new = address_file(folder).with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(ports, indent=2) + "\n", encoding="utf-8")
    new.replace(address_file(folder))
    return ports


def _free_port(avoid: set[int]) -> int:
    for port in random.SystemRandom().sample(_RANGE, len(_RANGE)):
        if port not in avoid and is_free(port):
            return port
    raise OSError(f"no port between {_RANGE.start} and {_RANGE.stop} is free")


def is_free(port: int) -> bool:
    """Say whether nobody listens on this loopback port."""
    try:
        listening_socket(port).close()
    except OSError:
        return False
    return True
