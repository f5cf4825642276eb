"""Evidence on GitHub: noted once, by however many writers, over answers that are lost."""

import hashlib
import json
import subprocess
import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playing import SLUG, arm, writes

from sandbox.world import World
from tasks.evidence import chain_of, note, page_url
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.evidence import Chain
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror

pytestmark = pytest.mark.timeout(240)

VERSION = Version(1, 4, 0)
REF = "refs/dabflow/evidence/1.4.0"
PUSH = f"/{SLUG}.git/git-receive-pack"
ASKED = {"requested_by": "rita", "reason": "weekly", "bump": "minor"}
PROJECT = Path(__file__).parents[2]


def kinds() -> list[str]:
    return [entry.kind for entry in chain_of(SLUG, VERSION).entries]


def pushes(world: World) -> int:
    return writes(world).count(f"POST {PUSH}")


def on_server(world: World, *command: str) -> str:
    folder = next(world.folder.rglob("repositories")) / f"{SLUG}.git"
    done = subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def push_by_hand(world: World, folder: Path, content: str, *, file: str = "evidence.json") -> None:
    """Somebody who may write puts something of his own where the evidence belongs."""
    token = b64encode(f"x:{world.github.accounts['ravi'].token}".encode()).decode()
    options = [
        "-c",
        f"http.extraHeader=Authorization: Basic {token}",
        "-c",
        "user.name=r",
        "-c",
        "user.email=r",
    ]

    def git(*command: str) -> None:
        subprocess.run(["git", *options, *command], cwd=folder, check=True, capture_output=True)

    folder.mkdir()
    git("init", "--quiet", ".")
    (folder / file).write_text(content, encoding="utf-8")
    git("add", file)
    git("commit", "--quiet", "--message", "by hand")
    git("push", "--force", f"{world.github_url}/{SLUG}.git", f"HEAD:{REF}")


def test_nothing_is_noted_at_first(world: World) -> None:
    assert chain_of(SLUG, VERSION) == Chain(SLUG, "1.4.0")
    assert pushes(world) == 0


def test_the_first_note_is_on_github_and_the_second_writes_nothing(world: World) -> None:
    chain = note(SLUG, VERSION, "asked", ASKED)

    assert [entry.facts for entry in chain.entries] == [ASKED]
    assert json.loads(on_server(world, "show", f"{REF}:evidence.json")) == json.loads(chain.to_bytes())
    before = writes(world)

    assert note(SLUG, VERSION, "asked", ASKED) == chain

    assert writes(world) == before


def test_entries_follow_one_another_each_in_its_commit(world: World) -> None:
    note(SLUG, VERSION, "asked", ASKED)
    note(SLUG, VERSION, "shown", {"digest": "a"}, files={"plan-a.md": b"# plan a"})
    note(SLUG, VERSION, "shown", {"digest": "b"}, files={"plan-b.md": b"# plan b"})

    assert kinds() == ["asked", "shown", "shown"]
    assert on_server(world, "log", "--reverse", "--format=%an %cn %s", REF).splitlines() == [
        "dabflow dabflow evidence: 1.4.0 asked",
        "dabflow dabflow evidence: 1.4.0 shown",
        "dabflow dabflow evidence: 1.4.0 shown",
    ]
    assert on_server(world, "ls-tree", "--name-only", REF).splitlines() == [
        "evidence.json",
        "plan-a.md",
        "plan-b.md",
    ]
    newest = chain_of(SLUG, VERSION).entries[-1]
    assert int(on_server(world, "log", "-1", "--format=%ct", REF)) == newest.at.timestamp()
    assert newest.facts["files"] == {"plan-b.md": hashlib.sha256(b"# plan b").hexdigest()}


def test_a_file_that_shows_the_moment_is_no_new_entry(world: World) -> None:
    """The page of a plan tells what is running now; the plan that was shown is the same."""
    note(SLUG, VERSION, "shown", {"digest": "a"}, files={"plan-a.md": b"2 runs are active"})
    note(SLUG, VERSION, "shown", {"digest": "a"}, files={"plan-a.md": b"3 runs are active"})

    assert kinds() == ["shown"]
    assert on_server(world, "show", f"{REF}:plan-a.md") == "2 runs are active"


def test_the_page_of_a_file_stays_where_it_is(world: World) -> None:
    assert page_url(SLUG, VERSION, "plan-a.md") == ""
    note(
        SLUG,
        VERSION,
        "shown",
        {"digest": "a"},
        files={"plan-a.md": b"# Plan\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"},
    )
    url = page_url(SLUG, VERSION, "plan-a.md")
    note(SLUG, VERSION, "approved", {"digest": "a"})

    assert page_url(SLUG, VERSION, "plan-a.md") == url
    page = httpx.get(url)
    assert page.status_code == 200
    assert "<td>1</td>" in page.text


@pytest.mark.parametrize("status", [502, 0], ids=["answered with an error", "cut"])
def test_a_lost_answer_is_not_noted_twice(world: World, status: int) -> None:
    arm(world, kind="after", path=PUSH, status=status)

    note(SLUG, VERSION, "asked", ASKED)

    assert kinds() == ["asked"]
    assert pushes(world) == 1


def test_a_failed_push_is_tried_again(world: World) -> None:
    arm(world, kind="before", path=PUSH)

    note(SLUG, VERSION, "asked", ASKED)

    assert kinds() == ["asked"]
    assert pushes(world) == 2


def test_no_answer_at_all_may_pass(world: World) -> None:
    arm(world, kind="before", path=PUSH, times=50)

    with pytest.raises(TryAgain, match="git could not push"):
        note(SLUG, VERSION, "asked", ASKED)

    assert kinds() == []


def test_no_answer_is_not_an_empty_chain(world: World) -> None:
    note(SLUG, VERSION, "asked", ASKED)
    arm(world, kind="before", path=f"/{SLUG}.git/.*", times=50)

    with pytest.raises(TryAgain):
        chain_of(SLUG, VERSION)


def test_writers_at_once_all_end_in_the_chain(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes with a mirror each; one writes three entries while the other does."""
    code = (
        "import sys; from tasks.evidence import note; from tasks.rules.versions import Version\n"
        f"for n in range(3): note({SLUG!r}, Version(1, 4, 0), sys.argv[1], {{'n': n}})"
    )
    workers = []
    for name in ("one", "two"):
        monkeypatch.setenv("DABFLOW_HOME", str(tmp_path / name))
        Mirror(SLUG).fetch()
        command = [sys.executable, "-c", code, name]
        workers.append(subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True))

    errors = [worker.communicate(timeout=120)[1] for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0], errors
    assert sorted(kinds()) == ["one"] * 3 + ["two"] * 3


def test_a_mirror_that_lags_behind_writes_nothing_twice(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another worker has noted meanwhile is found by the push that is not taken."""

    def at(worker: str, kind: str, facts: dict[str, str]) -> None:
        monkeypatch.setenv("DABFLOW_HOME", str(tmp_path / worker))
        note(SLUG, VERSION, kind, facts)

    at("one", "asked", ASKED)
    at("two", "blocked", {"by": "rosa"})
    at("one", "blocked", {"by": "rosa"})
    at("two", "shown", {"digest": "a"})
    at("one", "shown", {"digest": "b"})
    at("two", "asked", ASKED)

    assert kinds() == ["asked", "blocked", "shown", "shown"]
    assert [entry.facts["digest"] for entry in chain_of(SLUG, VERSION).entries[2:]] == ["a", "b"]


def test_the_same_fact_noted_by_two_at_once_is_one_entry(world: World) -> None:
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda _: note(SLUG, VERSION, "asked", ASKED), range(2)))

    assert kinds() == ["asked"]


OTHER = Chain("acme/other", "1.4.0").to_bytes().decode()


@pytest.mark.parametrize(
    ("content", "file", "says"),
    [
        (OTHER, "evidence.json", "it is about acme/other 1.4.0"),
        ("{}", "evidence.json", "not a chain"),
        ("hello", "README.md", "it has no evidence.json"),
    ],
)
def test_what_somebody_else_keeps_there_is_left_alone(
    world: World, tmp_path: Path, content: str, file: str, says: str
) -> None:
    push_by_hand(world, tmp_path / "hand", content, file=file)
    before = on_server(world, "rev-parse", REF)

    with pytest.raises(NeedsHuman, match=says):
        note(SLUG, VERSION, "asked", ASKED)

    assert on_server(world, "rev-parse", REF) == before


def test_a_ref_that_is_no_commit_is_left_alone(world: World) -> None:
    blob = on_server(world, "rev-parse", "main:release.yaml")
    on_server(world, "update-ref", REF, blob)

    with pytest.raises(NeedsHuman):
        note(SLUG, VERSION, "asked", ASKED)

    assert on_server(world, "rev-parse", REF) == blob


def test_who_may_only_read_notes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", world.github.accounts["oskar"].token)

    with pytest.raises(NeedsHuman, match="may not write"):
        note(SLUG, VERSION, "asked", ASKED)

    assert chain_of(SLUG, VERSION).entries == ()


def test_no_secret_is_noted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "a-very-secret-thing")
    facts = {"reason": "the token is a-very-secret-thing", "runs": [{"log": "a-very-secret-thing"}]}

    note(SLUG, VERSION, "asked", facts, files={"plan-a.md": b"a-very-secret-thing"})

    assert chain_of(SLUG, VERSION).entries[0].facts["runs"] == [{"log": "***"}]
    assert "secret" not in on_server(world, "log", "-p", REF)
    note(SLUG, VERSION, "asked", facts)
    assert kinds() == ["asked"]
