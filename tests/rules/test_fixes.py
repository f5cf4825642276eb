"""What may become a hotfix, what it is called, and what becomes of its branch."""

from dataclasses import replace
from typing import Any

import pytest
from golden_files import Golden

from tasks.rules.errors import NeedsHuman
from tasks.rules.fix_text import Told, origin_comment
from tasks.rules.fixes import (
    Base,
    Leftover,
    Offered,
    WantedFix,
    asked_facts,
    cut_from,
    does_not_go,
    insist_on_branch,
    insist_on_fix,
    kept_because,
    merge_with_changes,
    noted_fix,
    number_after,
    other_hotfix,
    wanted_fix,
)
from tasks.rules.phases import Phase
from tasks.rules.release import Fix, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.texts import control_comment, pr_body, pr_title
from tasks.rules.versions import Version

A, B, C = "a" * 40, "b" * 40, "c" * 40
FIX = Fix(7, "fix/rounding", B, (A, B))
BRANCH = Fix(0, "fix/rounding", B, (A, B))
SETTINGS = ReleaseSettings()
RELEASE = Release(
    repository="acme/lakehouse",
    version=Version(1, 3, 1),
    phase=Phase.CUT,
    settings=SETTINGS,
    source=C,
    requested_by="rita",
    reason="amounts are *wrong*",
    run_url="https://prefect.example/runs/flow-run/7",
    previous=Version(1, 3, 0),
    kind="hotfix",
    fix=FIX,
)


def v(text: str) -> Version:
    return Version.parse(text)


@pytest.mark.parametrize(
    ("pull_request", "branch", "key"),
    [(7, None, 7), (None, "fix/x", "fix/x"), (7, "", 7)],
)
def test_what_is_wanted(pull_request: int | None, branch: str | None, key: object) -> None:
    assert wanted_fix(pull_request, branch).key == key


@pytest.mark.parametrize(("pull_request", "branch"), [(7, "fix/x"), (None, None), (None, "")])
def test_exactly_one_of_both_is_named(pull_request: int | None, branch: str | None) -> None:
    with pytest.raises(NeedsHuman):
        wanted_fix(pull_request, branch)


BASES = {
    "nothing released": (Base("main", None, None), "nothing is in production yet"),
    "production is not in main": (Base("main", v("1.4.0"), v("1.3.0")), "which main does not contain"),
    "no tag in main": (Base("main", v("1.4.0"), None), "which main does not contain"),
    "main is ahead": (Base("main", v("1.3.0"), v("1.3.0"), ahead=True), "have no version yet"),
    "rolled back": (Base("main", v("1.3.0"), v("1.4.0"), out="withdrawn"), "would bring 1.4.0 back"),
    "abandoned": (Base("main", v("1.3.0"), v("1.4.0"), out="abandoned"), "which was abandoned"),
    "on its way": (Base("main", v("1.3.0"), v("1.4.0")), "1.4.0 is on its way to production"),
}


@pytest.mark.parametrize(("base", "problem"), BASES.values(), ids=BASES)
def test_production_from_which_no_hotfix_is_cut(base: Base, problem: str) -> None:
    with pytest.raises(NeedsHuman) as stopped:
        cut_from(base, WantedFix(7))

    assert problem in stopped.value.problem


@pytest.mark.parametrize(
    ("base", "wanted", "found"),
    [
        (Base("main", v("1.3.0"), v("1.3.0")), WantedFix(7), "1.3.0"),
        (Base("main", v("1.3.0"), v("1.4.0"), out="withdrawn"), WantedFix(7, mend_withdrawn=True), "1.4.0"),
        (Base("main", v("1.3.0"), v("1.4.0")), WantedFix(7, overtakes=True), "1.4.0"),
    ],
)
def test_what_a_hotfix_is_cut_from(base: Base, wanted: WantedFix, found: str) -> None:
    assert str(cut_from(base, wanted)) == found


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        (Base("main", v("1.3.0"), v("1.4.0"), out="withdrawn"), WantedFix(7, overtakes=True)),
        (Base("main", v("1.3.0"), v("1.4.0")), WantedFix(7, mend_withdrawn=True)),
        (Base("main", v("1.3.0"), v("1.3.0"), ahead=True), WantedFix(7, overtakes=True, mend_withdrawn=True)),
    ],
)
def test_what_is_said_covers_nothing_else(base: Base, wanted: WantedFix) -> None:
    with pytest.raises(NeedsHuman):
        cut_from(base, wanted)


@pytest.mark.parametrize(
    ("base", "taken", "number"),
    [
        ("1.3.0", ["1.3.0"], "1.3.1"),
        ("1.3.9", ["1.3.9", "1.4.0"], "1.3.10"),
        ("1.3.0", ["1.3.0", "1.3.1", "1.3.2", "1.4.0"], "1.3.3"),
    ],
)
def test_its_number(base: str, taken: list[str], number: str) -> None:
    assert str(number_after(v(base), {v(one) for one in taken})) == number


REFUSED = {
    "develop": ("develop", "main"),
    "production": ("main", "develop"),
    "the default branch": ("trunk", "main"),
    "a release": ("release/1.4.0", "main"),
    "a sync branch": ("sync/1.3.0", "develop"),
    "a support branch": ("support/1.x", "main"),
    "into a support branch": ("fix", "support/1.2"),
    "into maintenance": ("fix", "maint/old"),
    "into 1.2.x": ("fix", "1.2.x"),
    "into v1.x": ("fix", "lines/v1.x"),
}


@pytest.mark.parametrize(("head", "base"), REFUSED.values(), ids=REFUSED)
def test_branches_that_are_no_fix(head: str, base: str) -> None:
    with pytest.raises(NeedsHuman):
        insist_on_branch(Fix(7, head), base, SETTINGS, default="trunk")


@pytest.mark.parametrize(
    "head", ["fix", "oskar:develop", "oskar:main", "release/notes", "fix/1.x-names", "hotfix/1.3.1"]
)
def test_branches_that_may_be_one(head: str) -> None:
    insist_on_branch(Fix(7, head), "develop", SETTINGS, default="trunk")


OFFERED = Offered(FIX, "open", 2, 2)
NO_FIX: dict[str, dict[str, Any]] = {
    "too many": {"listed": 250, "total": 251},
    "closed": {"state": "closed"},
    "carries": {"carried": (A, B, C, A)},
    "empty": {"listed": 0, "total": 0},
    "empty branch": {"listed": 0, "total": 0, "fix": BRANCH, "state": "branch"},
}


def test_what_is_no_fix(golden: Golden) -> None:
    """Each says what is so, and what to do instead."""
    insist_on_fix(OFFERED, SETTINGS)
    insist_on_fix(replace(OFFERED, state="merged"), SETTINGS)
    texts = []
    for name, change in NO_FIX.items():
        with pytest.raises(NeedsHuman) as stopped:
            insist_on_fix(replace(OFFERED, **change), SETTINGS)
        texts.append(f"{name}: {stopped.value}")
    for fix in (FIX, BRANCH):
        texts.append(f"a merge: {merge_with_changes(fix, C, ['README.md', 'src/x.py'])}")
        texts.append(f"merged: {does_not_go(fix, C, ['x'], branch='hotfix/1.3.1', tag='1.3.0', picks=False)}")
        texts.append(f"another: {other_hotfix(v('1.3.1'), '#9', fix=fix.key, branch='hotfix/1.3.1')}")
    texts.append(f"by hand: {other_hotfix(v('1.3.1'), '#9', fix='', branch='hotfix/1.3.1')}")

    golden.check("texts/hotfix_refusals.txt", "\n\n".join(texts) + "\n")


LEFT = Leftover("fix/rounding", A)
KEPT: dict[str, tuple[dict[str, Any], str]] = {
    "nobody needs it": ({}, ""),
    "gone": ({"head": None, "protected": True}, ""),
    "a fork's": ({"in_fork": True}, "it is in a fork"),
    "production": ({"branch": "main"}, "releases are made of it"),
    "develop": ({"branch": "develop"}, "releases are made of it"),
    "the default branch": ({"branch": "trunk", "default": "trunk"}, "releases are made of it"),
    "a release": ({"branch": "release/1.4.0"}, "releases are made of it"),
    "a hotfix": ({"branch": "hotfix/1.3.0"}, "releases are made of it"),
    "a sync branch": ({"branch": "sync/1.3.0"}, "releases are made of it"),
    "protected": ({"protected": True}, "it is protected"),
    "used": ({"used_by": [9]}, "#9 uses it, too"),
    "used twice": ({"used_by": [9, 12]}, "#9 and #12 use it, too"),
    "ahead": ({"lacking": [A]}, "it has commits that 1.3.1 does not have (aaaaaaaaaaaa)"),
}


@pytest.mark.parametrize(("change", "why"), KEPT.values(), ids=KEPT)
def test_why_a_branch_is_kept(change: dict[str, Any], why: str) -> None:
    assert kept_because(replace(LEFT, **change), SETTINGS, v("1.3.1")) == why


@pytest.mark.parametrize("fix", [FIX, BRANCH])
def test_what_is_noted_is_read_again(fix: Fix) -> None:
    facts = asked_facts(replace(RELEASE, fix=fix))

    assert (facts["kind"], facts["fix"]) == ("hotfix", fix.number or "fix/rounding")
    assert noted_fix(facts) == fix


def test_a_release_notes_who_asked_and_nothing_else() -> None:
    assert asked_facts(replace(RELEASE, kind="release", fix=None)) == {
        "requested_by": "rita",
        "reason": "amounts are *wrong*",
    }


@pytest.mark.parametrize(
    ("message", "number"),
    [
        (f"fix: x\n\n(cherry picked from commit {A})", 7),
        (f"fix: x\n\n(cherry picked from commit {C})", None),
        ("fix: x", None),
    ],
)
def test_which_commits_come_from_the_pull_request(message: str, number: int | None) -> None:
    assert FIX.number_of(message) == number
    assert BRANCH.number_of(message) is None


def test_what_people_read(golden: Golden) -> None:
    """The hotfix's own pull request and control comment, and what the original one is told."""
    notes = "1.3.1: one change since 1.3.0."
    rejected, finished = (control_comment(RELEASE, phase) for phase in (Phase.REJECTED, Phase.BACK_MERGED))
    told = Told(12, "https://github.example/acme/lakehouse/releases/tag/1.3.1", closed=True)
    kept = replace(told, closed=False, lacking=[C], kept="#9 uses it, too")
    unknown = replace(RELEASE, requested_by="", reason="", run_url="")
    golden.check(
        "texts/hotfix.md",
        "\n----\n".join(
            [
                f"{pr_title(RELEASE)}\n\n{pr_body(RELEASE, notes)}",
                pr_body(replace(RELEASE, fix=BRANCH), notes),
                rejected,
                finished,
                origin_comment(RELEASE, told),
                origin_comment(RELEASE, kept),
                origin_comment(unknown, replace(told, closed=False)),
            ]
        ),
    )
