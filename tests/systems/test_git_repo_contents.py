"""The mirror's contents: partial, incremental, in worktrees, and without the token anywhere."""

import itertools
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hub_place import SLUG, Place, git

from tasks.rules.errors import TryAgain
from tasks.systems.git_environment import credentials
from tasks.systems.git_repo import Mirror

pytest_plugins = ["hub_fixtures"]

UPLOAD_PACK = f"POST /{SLUG}.git/git-upload-pack"
BIG = "x" * 200_000
PROJECT = Path(__file__).parents[2]


def missing_objects(mirror: Mirror) -> int:
    """How many objects the mirror knows of but does not hold."""
    listed = git("rev-list", "--objects", "--all", "--missing=print", cwd=mirror.path)
    return sum(line.startswith("?") for line in listed.splitlines())


def test_contents_come_when_they_are_needed(place: Place) -> None:
    head = place.commit("big.txt", BIG)
    mirror = Mirror(SLUG).fetch()
    assert missing_objects(mirror) == 2

    assert mirror.read(head, "big.txt") == BIG
    assert missing_objects(mirror) == 1

    with mirror.worktree(head) as folder:
        assert (folder / "README.md").read_text() == "# lakehouse\n"
    assert missing_objects(mirror) == 0


def test_what_is_here_is_not_fetched_again(place: Place) -> None:
    head = place.commit("big.txt", BIG)
    with Mirror(SLUG).worktree(head):
        pass
    before = len(place.asked())

    with Mirror(SLUG).worktree(head) as folder:
        assert (folder / "big.txt").read_text() == BIG
    Mirror(SLUG).read(head, "big.txt")

    assert len(place.asked()) == before


def test_a_fetch_brings_only_what_is_new(place: Place) -> None:
    mirror = Mirror(SLUG).fetch()
    assert place.asked().count(UPLOAD_PACK) == 2  # the refs, then the pack

    mirror.fetch()
    assert place.asked().count(UPLOAD_PACK) == 3  # the refs, nothing else

    for number in range(3):
        place.commit(f"{number}.txt", "x")
    before = objects(mirror)
    mirror.fetch()
    assert objects(mirror) - before == 6  # three commits, three trees


def objects(mirror: Mirror) -> int:
    counted = dict(line.split(": ") for line in git("count-objects", "-v", cwd=mirror.path).splitlines())
    return int(counted["count"]) + int(counted["in-pack"])


def test_files_that_the_server_does_not_give_may_come_later(place: Place) -> None:
    head = place.commit("big.txt", BIG)
    mirror = Mirror(SLUG).fetch()

    place.arm("before", ".*/git-upload-pack")
    with pytest.raises(TryAgain, match="git could not read big"):
        mirror.read(head, "big.txt")
    place.arm("before", ".*/git-upload-pack")
    with pytest.raises(TryAgain, match="git could not check out"), mirror.worktree(head):
        pytest.fail("there is nothing to work with")

    assert list(mirror.path.parent.glob("lakehouse.worktrees/*")) == []
    with mirror.worktree(head) as folder:
        assert (folder / "big.txt").read_text() == BIG


def test_worktrees_come_and_go(place: Place) -> None:
    first, second = place.git("rev-parse", "HEAD"), place.commit("b.txt", "b")
    mirror = Mirror(SLUG).fetch()

    with mirror.worktree(first) as one, mirror.worktree(second) as other:
        assert [path.exists() for path in (one / "b.txt", other / "b.txt")] == [False, True]
        assert git("rev-parse", "HEAD", cwd=one) == first
        mirror.fetch()  # a branch that somebody works on may still move
        kept = (one, other)

    assert [folder.parent.exists() for folder in kept] == [False, False]
    assert git("worktree", "list", cwd=mirror.path).count("\n") == 0


def test_a_worktree_goes_with_an_error_and_a_mess_inside(place: Place) -> None:
    head = place.git("rev-parse", "HEAD")
    kept: list[Path] = []

    def work_and_fail(folder: Path) -> None:
        (folder / "made" / "by").mkdir(parents=True)
        (folder / "README.md").unlink()
        kept.append(folder)
        raise RuntimeError

    with pytest.raises(RuntimeError), Mirror(SLUG).worktree(head) as folder:
        work_and_fail(folder)

    assert not kept[0].parent.exists()


def test_what_a_killed_process_left_is_swept(place: Place) -> None:
    head = place.git("rev-parse", "HEAD")
    code = (
        "import time\nfrom tasks.systems.git_repo import Mirror\n"
        f"with Mirror({SLUG!r}).worktree({head!r}) as folder:\n"
        "    print(folder, flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    assert holder.stdout is not None
    left = Path(holder.stdout.readline().strip())

    with Mirror(SLUG).worktree(head):
        assert (left / "README.md").exists(), "somebody works in it"
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with Mirror(SLUG).worktree(head):
        assert not left.parent.exists()

    assert git("worktree", "list", cwd=Mirror(SLUG).path).count("\n") == 0


def test_many_at_once(place: Place) -> None:
    """Side by side, as the steps of one run are: fetches, reads and worktrees."""
    head = place.commit("big.txt", BIG)

    def one(number: int) -> str:
        mirror = Mirror(SLUG).fetch()
        with mirror.worktree(head) as folder:
            assert mirror.read(head, "big.txt") == (folder / "big.txt").read_text()
        return mirror.branches()["develop"]

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(one, range(12))) == {head}


def test_a_worktree_goes_while_no_other_is_made(place: Place) -> None:
    """Its folder is removed under the lock under which others look for what killed processes left."""
    head = place.commit("a.txt", "a")
    mirror, leave = Mirror(SLUG).fetch(), threading.Event()
    inside: queue.Queue[Path] = queue.Queue()

    def use() -> None:
        with mirror.worktree(head) as folder:
            inside.put(folder)
            leave.wait(30)

    user = threading.Thread(target=use)
    user.start()
    folder = inside.get(timeout=30)
    with mirror.alone():
        leave.set()
        time.sleep(0.3)
        assert folder.is_dir()
    user.join()
    assert not folder.exists()


def test_many_fetches_are_packed_in_the_background(place: Place) -> None:
    """Each fetch into a partial mirror leaves a pack; git puts them together when there are more than 50."""
    head = place.commit("big.txt", BIG)
    mirror = Mirror(SLUG).fetch()
    with mirror.worktree(head):
        packs = mirror.path / "objects" / "pack"
    for number, file in itertools.product(range(60), list(packs.iterdir())):
        shutil.copy(file, packs / f"pack-dabf1057{number:04x}{file.name[17:]}")
    assert kept_packs(mirror) > 50

    mirror.fetch()

    deadline = time.monotonic() + 60
    while kept_packs(mirror) > 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert kept_packs(mirror) <= 5
    with mirror.worktree(head) as folder:
        assert (folder / "big.txt").read_text() == BIG


def kept_packs(mirror: Mirror) -> int:
    return len(list((mirror.path / "objects" / "pack").glob("*.pack")))


def test_the_token_is_in_no_file_and_no_command_line(place: Place) -> None:
    token = place.token("dabflow-bot")
    place.commit("big.txt", BIG)
    place.arm("slow", ".*/git-upload-pack", seconds=0.5, times=9)
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.update(command_lines())
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with Mirror(SLUG).worktree("develop") as folder:
            kept = [*Mirror(SLUG).path.parent.rglob("*"), *folder.rglob("*")]
            texts = [path.read_bytes() for path in kept if path.is_file()]
    finally:
        done.set()
        watcher.join()

    encoded = credentials(place.url, token)["GIT_CONFIG_VALUE_1"].split()[-1]
    assert (
        any("git-upload-pack" in line or "remote-http" in line for line in seen) or not Path("/proc").exists()
    )
    assert not [line for line in seen if token in line or encoded in line]
    assert not [text for text in texts if token.encode() in text or encoded.encode() in text]


def command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def test_the_token_goes_to_its_own_host_only(place: Place) -> None:
    """And git is told nothing else of ours: what a user or a system configured does not count."""
    environment = credentials(f"{place.url}/{SLUG}.git", place.token("dabflow-bot"))
    settings = [
        (environment[f"GIT_CONFIG_KEY_{n}"], environment[f"GIT_CONFIG_VALUE_{n}"])
        for n in range(int(environment["GIT_CONFIG_COUNT"]))
    ]

    assert {key for key, value in settings if "Authorization" in value} == {f"http.{place.url}/.extraHeader"}
    assert ("http.followRedirects", "false") in settings
    assert ("credential.helper", "") in settings
    assert environment["GIT_CONFIG_GLOBAL"] == os.devnull


def test_git_is_told_no_other_secret(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DABFLOW_TARGET_PROD_CLIENT_SECRET", "dose-of-production")
    told = tmp_path / "told"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    wrapper.write_text(f'#!/bin/sh\nenv >> "{told}"\nexec "{real}" "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")

    Mirror(SLUG).fetch()

    assert "GIT_CONFIG_COUNT" in told.read_text()
    assert "dose-of-production" not in told.read_text()
