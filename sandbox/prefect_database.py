"""The database of a new Prefect server, without its migrations: they take longer than the start itself.

What a server has made of its new database is kept, before anybody uses it, in the cache of this machine's user
(`~/.cache/dabflow`, `XDG_CACHE_HOME`). The next new server of that very version begins with a copy. Without it, or
where it is broken, a server makes its own; it may be deleted at any time.
"""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

FILE = "prefect.db"  # in PREFECT_HOME
_NOT_KEPT_YET = "new-database"


def begin(home: Path, *, file: str = FILE) -> None:
    """A server that starts in `home` for the first time finds a database there, if one was kept."""
    home.mkdir(parents=True, exist_ok=True)
    database, mark = home / file, home / _NOT_KEPT_YET
    mark.unlink(missing_ok=True)
    if database.exists():
        return
    if not _is_whole(kept()):
        mark.touch()
        return
    copy = home / f"{file}.copied"  # killed in the middle, the next start copies it again
    shutil.copyfile(kept(), copy)
    copy.replace(database)


def keep(home: Path, *, file: str = FILE) -> None:
    """Keep what the server in `home`, which answers and has not been used yet, has made; if it is new."""
    mark = home / _NOT_KEPT_YET
    if not mark.exists():
        return
    mark.unlink()
    with suppress(OSError, sqlite3.Error):  # only time is lost
        kept().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept().parent) as beside:
            copy = Path(beside) / FILE
            with closing(sqlite3.connect(home / file)) as made, closing(sqlite3.connect(copy)) as written:
                made.backup(written)
                written.execute("PRAGMA journal_mode=DELETE")  # one file, also when it is looked at
            copy.replace(kept())


def kept() -> Path:
    """Where the database of a new server of this version of Prefect is kept."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    cache = named if named.is_absolute() else Path.home() / ".cache"
    return cache / "dabflow" / f"prefect-{version('prefect')}.db"


def _is_whole(database: Path) -> bool:
    try:
        if not database.is_file():
            return False
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
            migrated = opened.execute("SELECT version_num FROM alembic_version").fetchone()
            return migrated is not None and opened.execute("PRAGMA quick_check").fetchone() == ("ok",)
    except (OSError, sqlite3.Error):
        return False
