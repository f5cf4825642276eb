"""`dabflow evidence`, `block` and `unblock`: what they say, what they write, and what they refuse."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from golden_files import Golden
from playing import SLUG, People, arm, writes
from rich.console import Console

from deployments.command import main
from deployments.commands.evidence import show_chain, tell
from deployments.standings import overview_of
from sandbox.world import World
from tasks.evidence import chain_of, note
from tasks.rules.evidence import Block, Chain, blocked
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.verify import Verified

pytestmark = pytest.mark.timeout(240)

VERSION = Version(1, 4, 0)
NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
COMMENTS = f"/repos/{SLUG}/issues/.*/comments"


def said(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of a command, and everything it printed."""
    code = main([*words, "--repository", SLUG])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.fixture
def pull(world: World) -> int:
    """1.4.0 is under way; the number of its pull request."""
    hub = GitHubRepo(SLUG)
    hub.create_branch("release/1.4.0", Mirror(SLUG).fetch().branches()["develop"])
    hub.open_pull_request("release/1.4.0", "main", title="Release 1.4.0", body="")
    return hub.pull_requests("release/1.4.0", "main")[0].number


@pytest.fixture
def as_ravi(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is called with ravi's own token."""
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", world.github.accounts["ravi"].token)


def comments(world: World, number: int) -> list[str]:
    found = People(world).api("rita", "GET", f"/issues/{number}/comments")
    return [f"{c['user']['login']}: {c['body']}" for c in found]


def kinds() -> list[str]:
    return [entry.kind for entry in chain_of(SLUG, VERSION).entries]


def printed(show: object, *arguments: object) -> str:
    out = io.StringIO()
    assert callable(show)
    show(*arguments, Console(file=out, width=100, highlight=False))
    return out.getvalue()


def test_what_show_and_verify_say(golden: Golden) -> None:
    chain = Chain(SLUG, "1.4.0").with_entry("asked", {"requested_by": "rita", "reason": "weekly"}, NOON)
    longer = chain.with_entry(
        "blocked", {"by": "rosa", "reason": "[red]an[/] incident"}, NOON + timedelta(days=1)
    )
    problem = "entry 2 (blocked): something does not fit"
    texts = [
        printed(show_chain, chain),
        printed(show_chain, longer),
        printed(tell, Verified(chain, published=False, problem="")),
        printed(tell, Verified(longer, published=True, problem="")),
        printed(tell, Verified(longer, published=True, problem=problem)),
    ]

    golden.check("evidence/commands.txt", "\n".join(texts))


def test_show_prints_the_chain_itself_for_programs(
    world: World, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    chain = note(SLUG, VERSION, "asked", {"requested_by": "rita", "reason": "Änderung"})

    assert main(["evidence", "show", "1.4.0", "--json", "--repository", SLUG]) == 0

    assert capsysbinary.readouterr().out == chain.to_bytes()


@pytest.mark.parametrize("command", ["show", "verify"])
def test_nothing_noted_is_said(world: World, capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, text = said("evidence", command, "1.4.0", capsys=capsys)

    assert code == 1
    assert "nothing is noted about" in text
    assert "dabflow status" in text


def test_verify_ends_with_1_where_something_does_not_fit(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    note(SLUG, VERSION, "asked", {"requested_by": "rita"})
    assert said("evidence", "verify", "1.4.0", capsys=capsys)[0] == 0
    note(SLUG, VERSION, "tagged", {"tag": "1.4.0", "commit": "0" * 40})

    code, text = said("evidence", "verify", "1.4.0", capsys=capsys)

    assert code == 1
    assert "entry 2 (tagged): the tag 1.4.0 does not exist" in text


@pytest.mark.usefixtures("as_ravi")
def test_a_block_is_kept_and_told(world: World, pull: int, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said("block", "1.4.0", "--reason", " an\nincident ", capsys=capsys)

    assert (code, text.strip()) == (0, "acme/lakehouse 1.4.0 is blocked: an incident")
    block = blocked(chain_of(SLUG, VERSION))
    assert block == Block("ravi", "an incident", block.at if block else NOON)
    [comment] = comments(world, pull)
    assert comment.startswith("ravi: <!-- dabflow-block:")
    assert "**1.4.0 is blocked** by @ravi: an incident" in comment
    before = writes(world)

    assert said("block", "1.4.0", "--reason", "an incident", capsys=capsys)[0] == 0

    assert writes(world) == before


@pytest.mark.usefixtures("as_ravi")
def test_a_block_is_lifted_and_may_come_again(
    world: World, pull: int, capsys: pytest.CaptureFixture[str]
) -> None:
    said("block", "1.4.0", "--reason", "an incident", capsys=capsys)
    code, text = said("unblock", "1.4.0", "--reason", "it is over", capsys=capsys)

    assert (code, text.strip()) == (0, "acme/lakehouse 1.4.0 is unblocked: it is over")
    assert blocked(chain_of(SLUG, VERSION)) is None
    assert "no longer blocked" in comments(world, pull)[1]
    before = writes(world)
    code, text = said("unblock", "1.4.0", "--reason", "it is over", capsys=capsys)
    assert (code, text.strip()) == (0, "acme/lakehouse 1.4.0 is not blocked")
    assert writes(world) == before

    said("block", "1.4.0", "--reason", "an incident", capsys=capsys)

    assert kinds() == ["blocked", "unblocked", "blocked"]
    assert len(comments(world, pull)) == 3


def test_a_lost_answer_tells_it_once(world: World, pull: int, capsys: pytest.CaptureFixture[str]) -> None:
    arm(world, kind="after", method="POST", path=COMMENTS)

    code, text = said("block", "1.4.0", "--reason", "an incident", capsys=capsys)
    assert code == 1
    assert "what to do" in text
    assert said("block", "1.4.0", "--reason", "an incident", capsys=capsys)[0] == 0

    assert kinds() == ["blocked"]
    assert len(comments(world, pull)) == 1


@pytest.mark.parametrize("command", ["block", "unblock"])
@pytest.mark.parametrize(
    ("version", "reason", "says"),
    [
        ("1.4.0", " ", "needs a reason"),
        ("1.3.0", "an incident", "released already"),
        ("1.9.0", "an incident", "there is no release 1.9.0 yet"),
        ("v1.4.0", "an incident", "'v1.4.0' is not a version"),
    ],
)
@pytest.mark.usefixtures("pull")
def test_what_is_refused(
    world: World, capsys: pytest.CaptureFixture[str], command: str, version: str, reason: str, says: str
) -> None:
    before = writes(world)

    code, text = said(command, version, "--reason", reason, capsys=capsys)

    assert code == 1
    assert says in text
    assert "what to do" in text
    assert writes(world) == before


@pytest.mark.usefixtures("pull")
def test_who_may_only_read_blocks_nothing(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", world.github.accounts["oskar"].token)

    code, text = said("block", "1.4.0", "--reason", "an incident", capsys=capsys)

    assert code == 1
    assert "oskar may not write to acme/lakehouse (GitHub says: read)" in text
    assert kinds() == []


def test_a_release_without_a_pull_request_is_blocked_all_the_same(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    GitHubRepo(SLUG).create_branch("release/1.4.0", Mirror(SLUG).fetch().branches()["develop"])

    assert said("block", "1.4.0", "--reason", "an incident", capsys=capsys)[0] == 0

    assert kinds() == ["blocked"]


@pytest.mark.usefixtures("prefect_server", "pull")
def test_status_knows_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    said("block", "1.4.0", "--reason", "an incident", capsys=capsys)

    [standing] = overview_of(SLUG).standings

    assert standing.blocked == "by dabflow-bot: an incident"
