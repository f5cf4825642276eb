"""What becomes a hotfix, and what is refused: against a served GitHub and real git."""

import re

import pytest
from fix_place import SLUG, FixPlace, cut, plan
from golden_files import Golden

from tasks.evidence import note
from tasks.rules.errors import NeedsHuman
from tasks.rules.phases import Phase
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror

pytest_plugins = ["fix_fixtures"]


def test_an_open_one_into_develop(fixes: FixPlace) -> None:
    """Exactly its commit, as the next patch of what production runs, on top of that."""
    number = fixes.fixed()

    release = plan(number)

    assert (str(release.version), release.phase, release.kind) == ("1.3.1", Phase.PLANNED, "hotfix")
    assert release.branch == "hotfix/1.3.1"
    assert release.previous == Version(1, 3, 0)
    assert release.source == Mirror(SLUG).tags()["1.3.0"]
    assert release.fix is not None
    assert release.fix.commits == (fixes.tips()["fix"],)
    head = cut(number)
    assert fixes.changed(head) == ["fixed"]
    assert Mirror(SLUG).read(head, "currencies.txt") is None


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_one_that_is_merged_into_develop_already(fixes: FixPlace, how: str) -> None:
    """However it was merged, and also where its branch is gone: its own commits count."""
    fixes.commit(line=10)
    fixes.commit(line=12, text="fixed, too")
    number = fixes.pull()
    fixes.merge(number, how)
    fixes.api("DELETE", "/git/refs/heads/fix")

    head = cut(number)

    assert fixes.changed(head) == ["fixed", "fixed, too"]
    assert [c.author for c in Mirror(SLUG).first_parent_commits(after="1.3.0", upto=head)] == ["Ravi", "Ravi"]


def test_one_of_a_fork(fixes: FixPlace) -> None:
    fixes.commit()
    number = fixes.fork()
    assert "fix" not in fixes.tips()

    head = cut(number)

    assert fixes.changed(head) == ["fixed"]
    fixes.place.hub.delete_repository("oskar/lakehouse")
    assert plan(number).version == Version(1, 3, 1), "the fork is gone, and it goes on"


def test_one_that_was_branched_from_production_is_merged(fixes: FixPlace) -> None:
    commit = fixes.commit(start="main")
    number = fixes.pull("fix", "main")

    head = cut(number)

    made = Mirror(SLUG).commit(head)
    assert made.parents == (Mirror(SLUG).tags()["1.3.0"], commit)
    assert made.message == f"Merge pull request #{number} from fix\n\nfix: line 10"


def test_the_base_that_was_merged_into_it_is_left_out(fixes: FixPlace) -> None:
    fixes.commit()
    fixes.commit("other", line=15, text="unreleased")
    fixes.merge(fixes.pull("other"))
    fixes.place.git("fetch", "--quiet", *_from_server(fixes), "develop")
    fixes.place.git("checkout", "--quiet", "fix")
    fixes.place.git("merge", "--quiet", "--no-edit", "FETCH_HEAD")
    fixes.commit("fix", line=12, text="fixed, too")

    head = cut(fixes.pull())

    assert fixes.changed(head) == ["fixed", "fixed, too"]


def test_a_merge_that_changes_something_itself(fixes: FixPlace) -> None:
    """Picked without its merges, that change would be lost: refused by name."""
    fixes.commit()
    place = fixes.place
    place.git("checkout", "--quiet", "-b", "other", "develop")
    place.git("commit", "--quiet", "--allow-empty", "--message", "chore: other")
    place.git("checkout", "--quiet", "fix")
    place.git("merge", "--quiet", "--no-commit", "--no-ff", "other")
    (place.work / "README.md").write_text("changed in the merge\n")
    place.git("commit", "--quiet", "--all", "--message", "Merge other")
    place.push("HEAD")
    number = fixes.pull()

    with pytest.raises(NeedsHuman, match=rf"#{number} holds the merge commit .*README\.md"):
        plan(number)


def test_a_conflict_is_told_with_the_way_to_do_it_by_hand(fixes: FixPlace, golden: Golden) -> None:
    """Nothing is pushed; and when somebody has done it by hand, dabflow goes on with that branch."""
    commit = fixes.commit(line=0, text="order 0 EUR, mended")
    number, before = fixes.pull(), fixes.tips()

    with pytest.raises(NeedsHuman) as stopped:
        plan(number)

    golden.check(
        "texts/hotfix_conflict.txt", str(stopped.value).replace(commit, "SHA").replace(commit[:12], "SHA")
    )
    assert fixes.tips() == before
    fixes.place.git("checkout", "--quiet", "-b", "hotfix/1.3.1", "1.3.0")
    (fixes.place.work / "orders.txt").write_text("order 0, mended\n")
    fixes.place.git(
        "commit", "--quiet", "--all", "-m", f"fix: line 0\n\n(cherry picked from commit {commit})"
    )
    fixes.place.push("hotfix/1.3.1")
    release = plan(number)
    assert (str(release.version), release.phase) == ("1.3.1", Phase.CUT)
    assert cut(number) == fixes.tips()["hotfix/1.3.1"]
    assert plan(number).fix == release.fix


def test_a_hotfix_branch_that_was_opened_by_hand(fixes: FixPlace) -> None:
    """GitFlow by hand: the branch has the right name and a pull request into main. It is gone on with."""
    number = fixes.fixed("hotfix/1.3.1", "main", start="main")

    release = plan(number)

    assert (str(release.version), release.phase) == ("1.3.1", Phase.CUT)
    assert cut(number) == fixes.tips()["hotfix/1.3.1"]


def test_one_into_a_release_that_waits(fixes: FixPlace) -> None:
    """What was mended on the release branch is picked from there."""
    fixes.place.push("develop:release/1.4.0")
    number = fixes.fixed(base="release/1.4.0")
    fixes.merge(number)

    assert fixes.changed(cut(number)) == ["fixed"]


def test_a_branch_made_by_hand_without_the_fix(fixes: FixPlace) -> None:
    number = fixes.fixed()
    fixes.commit("hotfix/1.3.1", start="main", line=3)

    with pytest.raises(NeedsHuman, match=r"the hotfix 1\.3\.1 is not finished") as stopped:
        plan(number)

    assert "look whose hotfix/1.3.1 is" in stopped.value.remedy


def test_another_hotfix_while_one_is_unfinished(fixes: FixPlace) -> None:
    """The same one goes on, whoever starts it; another one is told which it is."""
    first, other = fixes.fixed(), fixes.fixed("other", line=12)
    cut(first)

    assert plan(first).phase is Phase.CUT
    with pytest.raises(NeedsHuman, match=rf"1\.3\.1 \(of #{first}\) is not finished, and one of #{other}"):
        plan(other)
    fixes.api("DELETE", "/git/refs/heads/hotfix/1.3.1")
    assert str(plan(other).version) == "1.3.1"


def test_a_run_whose_branch_was_deleted_is_given_up(fixes: FixPlace) -> None:
    number = fixes.fixed()

    with pytest.raises(NeedsHuman, match="the hotfix was given up"):
        plan(number, pinned="1.3.1")


@pytest.mark.parametrize("base", ["main", "develop"])
def test_what_production_has_already(fixes: FixPlace, base: str) -> None:
    """Merged, or picked by somebody without saying so: nothing is left to do."""
    number = fixes.fixed()
    if base == "main":
        fixes.release("1.4.0", start="fix")
    else:
        fixes.commit("other", start="main", line=10)
        fixes.release("1.4.0", start="other")

    release = plan(number)

    assert release.already_released
    assert str(release.version) == "1.4.0"


def test_part_of_it_is_in_production(fixes: FixPlace) -> None:
    """What was picked before is not picked again; what came later is a hotfix of its own."""
    first = fixes.commit(line=10)
    number = fixes.pull()
    fixes.place.git("checkout", "--quiet", "-b", "by-hand", "main")
    fixes.place.git("cherry-pick", "-x", first)
    fixes.place.push("by-hand")
    fixes.release("1.3.1", start="by-hand")
    assert plan(number).already_released
    fixes.commit(line=12, text="later")

    release = plan(number)

    assert str(release.version) == "1.3.2"
    assert fixes.changed(cut(number), since="1.3.1") == ["later"]


@pytest.mark.parametrize(
    ("head", "base"), [("develop", "main"), ("release/1.4.0", "main"), ("main", "develop")]
)
def test_a_branch_that_would_release_everything(fixes: FixPlace, head: str, base: str) -> None:
    if head == "main":
        fixes.release("1.4.0")
    else:
        fixes.place.push(f"develop:{head}")
    number = fixes.pull(head, base)

    with pytest.raises(NeedsHuman, match=rf"#{number} comes from {head}: that would release everything"):
        plan(number)


def test_one_into_main_that_was_cut_from_develop(fixes: FixPlace) -> None:
    """It would carry what nobody has released; aimed at develop, its own commit is picked."""
    number = fixes.fixed(base="main")

    with pytest.raises(NeedsHuman, match=rf"#{number} brings along 2 commits of develop") as stopped:
        plan(number)

    assert "aim at develop" in stopped.value.remedy
    fixes.api("PATCH", f"/pulls/{number}", base="develop")
    assert fixes.changed(cut(number)) == ["fixed"]


def test_one_into_main_that_was_merged_into_develop_before(fixes: FixPlace) -> None:
    """It begins at production, so it carries nothing else, although develop has all of it."""
    fixes.commit(start="main")
    fixes.merge(fixes.pull("fix", "develop"))

    assert fixes.changed(cut(fixes.pull("fix", "main"))) == ["fixed"]


def test_one_that_was_closed(fixes: FixPlace) -> None:
    number = fixes.fixed()
    fixes.api("PATCH", f"/pulls/{number}", state="closed")

    with pytest.raises(NeedsHuman, match="closed without being merged"):
        plan(number)


def test_one_into_an_older_line(fixes: FixPlace) -> None:
    fixes.place.push("main:support/1.x")
    number = fixes.fixed(base="support/1.x", start="main")

    with pytest.raises(NeedsHuman, match=r"about support/1\.x, an older line"):
        plan(number)


@pytest.mark.parametrize("count", [130, 251])
def test_many_commits(fixes: FixPlace, count: int) -> None:
    """More than a page of them are all read; more than GitHub lists are too many."""
    head = "commit refs/heads/fix\ncommitter Ravi <ravi@acme.example> 1700000000 +0000\ndata 4\nfix\n"
    begin = "from main^0\n"
    file = "M 100644 inline many/{n}.txt\ndata 1\nx\n"
    stream = "".join(f"{head}{'' if n else begin}{file.format(n=n)}" for n in range(count))
    (fixes.place.work / ".stream").write_text(stream)
    fixes.place.git("-c", "alias.load=!git fast-import --quiet < .stream", "load")
    fixes.place.push("fix")
    number = fixes.pull()

    if count > 250:
        with pytest.raises(NeedsHuman, match="has 251 commits, of which GitHub lists 250"):
            plan(number)
    else:
        release = plan(number)
        assert release.fix is not None
        assert len(release.fix.commits) == count


def test_a_branch_without_a_pull_request(fixes: FixPlace) -> None:
    """By ancestry: what develop lacks of it, or production where it begins there."""
    fixes.commit()
    fixes.commit("hot", start="main", line=12, text="hot")

    picked = plan(branch="fix")
    merged = plan(branch="hot")

    assert picked.fix is not None
    assert merged.fix is not None
    assert (picked.fix.title, picked.fix.commits) == ("the branch fix", (fixes.tips()["fix"],))
    assert (merged.fix.key, merged.fix.commits) == ("hot", (fixes.tips()["hot"],))
    assert fixes.changed(cut(branch="hot")) == ["hot"]
    with pytest.raises(NeedsHuman, match=r"1\.3\.1 \(of the branch hot\) is not finished"):
        plan(branch="fix")


def test_a_branch_that_is_not_there_or_all_in_develop(fixes: FixPlace) -> None:
    fixes.place.push("develop:feature")

    with pytest.raises(NeedsHuman, match="no branch gone"):
        plan(branch="gone")
    with pytest.raises(NeedsHuman, match="the branch feature holds no commits of its own"):
        plan(branch="feature")
    with pytest.raises(NeedsHuman, match="comes from develop"):
        plan(branch="develop")


def test_after_a_rollback_it_is_said_what_a_hotfix_would_bring_back(fixes: FixPlace) -> None:
    """Production runs 1.3.0 again, main still holds 1.4.0: only somebody who says so mends that."""
    fixes.release("1.4.0")
    note(SLUG, "1.4.0", "withdrawn", {"to": "1.3.0", "by": "rita", "reason": "slow"})
    number = fixes.fixed()

    with pytest.raises(NeedsHuman, match=r"production runs 1\.3\.0, but main still holds 1\.4\.0"):
        plan(number)

    release = plan(number, mend_withdrawn=True)
    assert (str(release.version), str(release.previous)) == ("1.4.1", "1.3.0")
    assert release.source == Mirror(SLUG).tags()["1.4.0"]


def test_while_a_release_is_on_its_way(fixes: FixPlace) -> None:
    fixes.place.push("develop:release/1.4.0")
    merged = fixes.merge(fixes.pull("release/1.4.0", "main"))
    number = fixes.fixed()

    with pytest.raises(NeedsHuman, match=r"came after 1\.3\.0 and have no version yet"):
        plan(number)
    fixes.api("POST", "/git/refs", ref="refs/tags/1.4.0", sha=merged)
    with pytest.raises(NeedsHuman, match=r"1\.4\.0 is on its way to production"):
        plan(number)
    assert str(plan(number, overtakes=True).version) == "1.4.1"


def test_nobody_knows_who_asks(fixes: FixPlace) -> None:
    number = fixes.fixed()
    from tasks.plan_hotfix import plan_hotfix
    from tasks.rules.fixes import WantedFix

    with pytest.raises(NeedsHuman, match=re.escape("GitHub knows nobody called nobody")):
        plan_hotfix.fn(SLUG, WantedFix(number), requested_by="nobody", reason="")


def _from_server(fixes: FixPlace) -> list[str]:
    """The server's repository, as git fetches from it here."""
    return [str(fixes.place.work.parent / "github" / "repositories" / f"{SLUG}.git")]
