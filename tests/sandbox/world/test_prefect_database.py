"""A new server's database is kept before it is used, and copied for the next new one; whatever is wrong costs only time."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sandbox import prefect_database
from sandbox.prefect_database import FILE, begin, keep


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dabflow"


def migrate(home: Path, *, runs: int = 0) -> None:
    """What a server does when it finds no database, and then what its users do."""
    with closing(sqlite3.connect(home / FILE)) as made, made:
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
        made.execute("INSERT INTO alembic_version VALUES ('newest')")
        made.execute("CREATE TABLE flow_run (id INTEGER)")
        made.executemany("INSERT INTO flow_run VALUES (?)", [(number,) for number in range(runs)])


def runs_in(database: Path) -> int:
    with closing(sqlite3.connect(database)) as opened:
        return int(opened.execute("SELECT count(*) FROM flow_run").fetchone()[0])


def test_the_second_server_begins_with_what_the_first_made(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    begin(first)
    assert not (first / FILE).exists(), "there is none yet: the server makes it"
    migrate(first)
    keep(first)

    begin(second)

    assert runs_in(second / FILE) == 0
    keep(second)
    assert sorted(path.name for path in second.iterdir()) == [FILE]


def test_it_is_kept_whole_while_the_server_has_it_open(tmp_path: Path, cache: Path) -> None:
    """As Prefect has it: what was written last is in a file beside it."""
    home = tmp_path / "home"
    begin(home)
    migrate(home)
    with closing(sqlite3.connect(home / FILE)) as server:
        server.execute("PRAGMA journal_mode=WAL")
        server.execute("INSERT INTO flow_run VALUES (1)")
        server.commit()
        assert (home / f"{FILE}-wal").stat().st_size > 0
        keep(home)

    begin(tmp_path / "next")
    assert runs_in(tmp_path / "next" / FILE) == 1
    assert [path.name for path in cache.iterdir()] == [prefect_database.kept().name]


def test_what_was_used_is_neither_kept_nor_written_over(tmp_path: Path) -> None:
    home = tmp_path / "home"
    begin(home)
    migrate(home, runs=3)  # and the server was killed before it was kept

    begin(home)
    keep(home)

    assert not prefect_database.kept().exists()
    assert runs_in(home / FILE) == 3


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(4096)])
def test_a_broken_one_is_made_anew(tmp_path: Path, content: bytes) -> None:
    prefect_database.kept().parent.mkdir(parents=True)
    prefect_database.kept().write_bytes(content)
    home = tmp_path / "home"

    begin(home)

    assert not (home / FILE).exists()
    migrate(home)
    keep(home)
    assert runs_in(prefect_database.kept()) == 0


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path, cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("a file where the folder belongs")
    home = tmp_path / "home"

    begin(home)
    migrate(home)
    keep(home)
    begin(tmp_path / "next")

    assert not (tmp_path / "next" / FILE).exists()


def test_a_copy_that_was_cut_off_is_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle: the next start finds nothing half, and copies it again."""
    first, second = tmp_path / "first", tmp_path / "second"
    begin(first)
    migrate(first)
    keep(first)

    def cut_off(_: Path, to: Path) -> None:
        to.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", cut_off)
        with pytest.raises(KeyboardInterrupt):
            begin(second)
    begin(second)

    assert runs_in(second / FILE) == 0


def test_a_cache_that_is_no_absolute_path_is_not_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the XDG base directory specification has it."""
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert prefect_database.kept().parent == tmp_path / ".cache" / "dabflow"


def test_another_version_of_prefect_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = prefect_database.kept()
    monkeypatch.setattr(prefect_database, "version", lambda _: "4.0.0")

    assert prefect_database.kept().name == "prefect-4.0.0.db" != ours.name
