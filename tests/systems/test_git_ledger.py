"""A ref that is only added to, against real git over HTTP."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hub_place import SLUG, Place, git

from sandbox.github.records import Protection
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.git_ledger import Addition, Ledger, NotTaken
from tasks.systems.git_repo import Mirror

pytest_plugins = ["hub_fixtures"]

REF = "refs/dabflow/evidence/1.4.0"
NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
PUSH = f"/{SLUG}.git/git-receive-pack"


def ledger() -> Ledger:
    """The ref as it is on GitHub now."""
    return Ledger(Mirror(SLUG).fetch(), REF)


def add(files: dict[str, bytes], *, after: str | None = None) -> str:
    return ledger().append(files, after=after, at=NOON, message="evidence: asked")


def on_server(place: Place, *command: str) -> str:
    return git(*command, cwd=place.work.parent / "github" / "repositories" / f"{SLUG}.git")


def test_what_was_added_is_on_the_server(place: Place) -> None:
    assert ledger().head is None

    first = add({"evidence.json": b"{}"})
    second = add({"evidence.json": b"{1}", "plan.md": b"# plan"}, after=first)

    assert ledger().head == second
    assert ledger().history(second) == [first, second]
    assert on_server(place, "rev-parse", REF) == second
    assert on_server(place, "show", f"{second}:evidence.json") == "{1}"
    assert on_server(place, "show", "-s", "--format=%an <%ae> %cn <%ce> %at %ct %B", second) == (
        "dabflow <dabflow@users.noreply.github.com> dabflow <dabflow@users.noreply.github.com>"
        f" {NOON.timestamp():.0f} {NOON.timestamp():.0f} evidence: asked"
    )


def test_bytes_are_kept_as_they_are(place: Place) -> None:
    content = b"\r\n\xff\x00 caf\xc3\xa9\n\n"
    commit = add({"evidence.json": content})

    assert ledger().mirror.read_bytes(commit, "evidence.json") == content
    assert ledger().mirror.read_bytes(commit, "plan.md") is None


def test_what_was_kept_stays_also_where_its_contents_never_were(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    first = add({"evidence.json": b"{}", "plan.md": b"# plan"})
    monkeypatch.setenv("DABFLOW_HOME", f"{tmp_path}/elsewhere")

    second = add({"evidence.json": b"{1}"}, after=first)

    assert on_server(place, "show", f"{second}:plan.md") == "# plan"


def test_the_same_arguments_make_the_same_commit(place: Place) -> None:
    first = add({"evidence.json": b"{}"})

    assert add({"evidence.json": b"{}"}, after=None) == first


@pytest.mark.parametrize("wrong", [None, "first"])
def test_a_ref_that_is_elsewhere_by_now_is_not_moved(place: Place, wrong: str | None) -> None:
    first = add({"evidence.json": b"{}"})
    second = add({"evidence.json": b"{1}"}, after=first)

    with pytest.raises(NotTaken, match="stale info"):
        add({"evidence.json": b"{2}"}, after=first if wrong else None)

    assert on_server(place, "rev-parse", REF) == second


def test_a_lost_answer_may_have_been_done(place: Place) -> None:
    place.arm("after", PUSH)

    with pytest.raises(TryAgain, match="git could not push"):
        add({"evidence.json": b"{}"})

    assert ledger().head == on_server(place, "rev-parse", REF)


def test_no_answer_is_not_done(place: Place) -> None:
    place.arm("before", PUSH)

    with pytest.raises(TryAgain, match="git could not push"):
        add({"evidence.json": b"{}"})

    assert ledger().head is None


def test_who_may_only_read_is_told_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", place.token("oskar"))

    with pytest.raises(NeedsHuman, match="may not write") as stop:
        add({"evidence.json": b"{}"})

    assert "contents: write" in stop.value.remedy
    assert place.token("oskar") not in str(stop.value)


def test_a_server_that_forbids_the_ref_is_for_people(place: Place) -> None:
    on_server(place, "config", "receive.hideRefs", "refs/dabflow")

    with pytest.raises(NotTaken, match="remote rejected") as stop:
        add({"evidence.json": b"{}"})

    assert "refs/dabflow" in stop.value.remedy


def test_rules_for_branches_do_not_bind_it(place: Place) -> None:
    place.hub.set_role(SLUG, "rita", "admin")
    place.hub.protect(SLUG, "main", Protection(reviews_required=True, approvals=2))
    ruleset = {
        "name": "all branches",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
        "rules": [{"type": "creation"}, {"type": "pull_request"}],
    }
    headers = {"authorization": f"Bearer {place.token('rita')}"}
    httpx.post(f"{place.url}/repos/{SLUG}/rulesets", json=ruleset, headers=headers).raise_for_status()

    assert add({"evidence.json": b"{}"}) == ledger().head


def test_no_branch_and_no_tag_comes_with_it(place: Place) -> None:
    before = Mirror(SLUG).fetch()
    known = before.branches(), before.tags()
    add({"evidence.json": b"{}"})

    assert (before.fetch().branches(), before.tags()) == known


# ---- ensure


class Diary:
    """A file of lines; every line is in it once."""

    def __init__(self) -> None:
        self.ledger = Ledger(Mirror(SLUG), REF)

    def lines(self, head: str | None) -> list[str]:
        data = self.ledger.mirror.read_bytes(head, "diary") if head else None
        return (data or b"").decode().splitlines()

    def ensure(self, line: str) -> list[str]:
        def added_to(head: str | None) -> tuple[list[str], Addition | None]:
            before = self.lines(head)
            if line in before:
                return before, None
            lines = [*before, line]
            return lines, Addition({"diary": "\n".join(lines).encode()}, NOON, f"diary: {line}")

        return self.ledger.ensure(added_to)


def test_what_is_ensured_is_there_and_the_second_time_writes_nothing(place: Place) -> None:
    assert Diary().ensure("one") == ["one"]
    before = place.asked(writes=True)

    assert Diary().ensure("one") == ["one"]

    assert [asked for asked in place.asked(writes=True)[len(before) :] if "receive" in asked] == []
    assert on_server(place, "show", f"{REF}:diary") == "one"


@pytest.mark.parametrize("kind", ["before", "after"])
def test_an_answer_that_was_lost_is_looked_after(place: Place, kind: str) -> None:
    place.arm(kind, PUSH)

    assert Diary().ensure("one") == ["one"]

    assert on_server(place, "rev-list", "--count", REF) == "1"


def test_what_somebody_else_added_meanwhile_stays(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The mirror of this worker does not know it yet: the push is not taken, and is made anew on top of it."""
    Diary().ensure("one")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DABFLOW_HOME", str(tmp_path / "elsewhere"))
        Diary().ensure("two")

    assert Diary().ensure("three") == ["one", "two", "three"]
    assert Diary().ensure("two") == ["one", "two", "three"]
    assert on_server(place, "rev-list", "--count", REF) == "3"


def test_no_answer_at_all_is_a_stop_after_some_tries(place: Place) -> None:
    place.arm("before", PUSH, times=99)

    with pytest.raises(TryAgain, match="git could not push"):
        Diary().ensure("one")

    assert ledger().head is None
