"""A PostgreSQL of the tests' own, where the machine has one: in a temporary folder, on loopback, without fsync.

As root it runs as an account without rights, because initdb refuses root.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.ports import keep_ports

ABSENT = "no PostgreSQL on this machine (apt-get install postgresql, brew install postgresql)"
_WITHIN_SECONDS = "60"
_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=100"


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, of the newest version; Debian has them outside of PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def started(bin_folder: Path) -> Iterator[str]:
    """The address of an empty database, as SQLAlchemy wants it."""
    # Not pytest's folder: each above it must be open to the account.
    with tempfile.TemporaryDirectory(prefix="dabflow-pg-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        port = keep_ports(folder, "postgres")["postgres"]
        account = _account()
        if account:
            shutil.chown(folder, account)

        def run(program: str, *arguments: str) -> None:
            with (folder / f"{program}.log").open("wb") as log:
                subprocess.run(
                    [bin_folder / program, *arguments],
                    cwd=folder,
                    env={"HOME": name, "PATH": os.defpath, "LC_ALL": "C"},
                    user=account,
                    group=pwd.getpwnam(account).pw_gid if account else None,
                    extra_groups=[] if account else None,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    check=True,
                )

        data = str(folder / "data")
        run("initdb", "-D", data, "-U", "dabflow", "--auth=trust", "--no-sync", "-E", "UTF8", "--no-locale")
        where = f"-p {port} -k {folder} -h 127.0.0.1"
        run(
            "pg_ctl",
            "-D",
            data,
            "-w",
            "-t",
            _WITHIN_SECONDS,
            "-l",
            f"{data}.log",
            "start",
            "-o",
            f"{where} {_QUICK}",
        )
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "dabflow", "prefect")
            yield f"postgresql+asyncpg://dabflow@127.0.0.1:{port}/prefect"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _account() -> str | None:
    """Whom to run as; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
