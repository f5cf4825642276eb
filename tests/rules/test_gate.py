"""Whether a candidate may go to production."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from golden_files import Golden

from tasks.rules.evidence import Block
from tasks.rules.freezes import Frozen
from tasks.rules.gate import Against, Asked, Judgement, People, Policy, Proposed, Said, Verdict, judge
from tasks.rules.outcomes import Hold, Stopped
from tasks.rules.overrides import Override
from tasks.rules.places import Place
from tasks.rules.reviews import Review, Reviewed

HEAD, OTHER = "a" * 40, "b" * 40
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, tzinfo=UTC)

PLAIN = Asked(HEAD, "main")
DESTROYS = replace(PLAIN, destructive=("resources.jobs.legacy", "resources.pipelines.orders"))
PROTECTED = replace(DESTROYS, protected=("resources.pipelines.orders",))

OPEN = Proposed("open", HEAD, "main")
CLOSED = Proposed("closed", HEAD, "main")
MOVED = Proposed("open", OTHER, "main")
OVERTAKEN = Proposed("open", HEAD, "main", overtaken=True)
ELSEWHERE = Proposed("open", HEAD, "develop")
OURS = Proposed("merged", HEAD, "main", approved_before=True)
OURS_NOT_APPROVED = Proposed("merged", HEAD, "main")
BY_HAND = Proposed("merged", HEAD, "main", merged_by="rosa")


def by(*logins: str, blocked: tuple[str, ...] = (), ignored: tuple[str, ...] = ()) -> People:
    approved = tuple(
        Review(number, login, person=True, state="APPROVED", commit=HEAD, at=NOON, body="")
        for number, login in enumerate(logins)
    )
    return People(Reviewed(approved, blocked, ignored))


NOBODY, RAVI = by(), by("ravi")
BLOCKED_BY_ROSA = by("ravi", blocked=("rosa",))
YES, NO, LOOK = Said("approve"), Said("reject", "too late today"), Said("recheck")
BY_NAME = Said("approve", "cleared with sales", "pipelines.orders, `resources.jobs.legacy`")
WAITING, APPROVED, REJECTED = Verdict.WAITING, Verdict.APPROVED, Verdict.REJECTED

TWO_TEAMS = Policy("both", (Place("data-platform", 1), Place("release-managers", 1)), "release-managers")
MEMBERS = {"data-platform": frozenset({"ravi", "rosa"}), "release-managers": frozenset({"rita", "rosa"})}
FROZEN = Against(frozen=Frozen("weekend", MONDAY))
SOAKING = Against(soak_until=datetime(2026, 11, 28, 20, tzinfo=UTC))
HALF_BACK = Against(half_way=Stopped("rollback-1.5.0-to-1.4.0", HEAD, "the smoke job failed", NOON))
HELD = Against(holds=(Hold("1.5.0", "1.4.0", "rita", "wrong\nfigures", NOON),))
BLOCKED = Against(block=Block("rosa", "the supplier's files are wrong", NOON))


def judged(
    kind: str | Policy, asked: Asked, proposed: Proposed, people: People, *said: Said, **more: Any
) -> Judgement:
    policy = Policy(kind) if isinstance(kind, str) else kind
    return judge(asked, policy, proposed, people=people, said=said, **more)


@pytest.mark.parametrize(
    ("kind", "people", "said", "expected"),
    [
        ("github", NOBODY, [], WAITING),
        ("github", RAVI, [], APPROVED),
        ("github", NOBODY, [YES], WAITING),
        ("github", BLOCKED_BY_ROSA, [], WAITING),
        ("prefect", NOBODY, [], WAITING),
        ("prefect", RAVI, [], WAITING),
        ("prefect", NOBODY, [YES], APPROVED),
        ("prefect", NOBODY, [LOOK], WAITING),
        ("both", NOBODY, [], WAITING),
        ("both", RAVI, [], WAITING),
        ("both", NOBODY, [YES], WAITING),
        ("both", RAVI, [YES], APPROVED),
        ("both", RAVI, [LOOK, YES], APPROVED),
        ("both", BLOCKED_BY_ROSA, [YES], WAITING),
        ("both", by(ignored=("rita (asked for the release)",)), [YES], WAITING),
        ("github", RAVI, [NO], REJECTED),
        ("both", RAVI, [YES, NO], REJECTED),
        ("prefect", NOBODY, [NO], REJECTED),
    ],
)
def test_each_policy_on_an_open_pull_request(
    kind: str, people: People, said: list[Said], expected: Verdict
) -> None:
    assert judged(kind, PLAIN, OPEN, people, *said).verdict is expected


@pytest.mark.parametrize(
    ("kind", "proposed", "people", "said", "expected"),
    [
        pytest.param("both", CLOSED, RAVI, [YES], REJECTED, id="closed by hand"),
        pytest.param("both", MOVED, RAVI, [YES], Verdict.MOVED, id="a new head"),
        pytest.param("prefect", MOVED, NOBODY, [YES], Verdict.MOVED, id="the form approved the old head"),
        pytest.param("both", OVERTAKEN, RAVI, [YES], Verdict.MOVED, id="a hotfix was shipped meanwhile"),
        pytest.param("both", ELSEWHERE, RAVI, [YES], WAITING, id="it would be merged into something else"),
        pytest.param("both", OURS, NOBODY, [], APPROVED, id="merged by dabflow before the database was lost"),
        pytest.param(
            "both", OURS_NOT_APPROVED, NOBODY, [], WAITING, id="merged, but this plan was never approved"
        ),
        pytest.param("github", BY_HAND, by("rosa"), [], APPROVED, id="merging by hand is a review"),
        pytest.param("both", BY_HAND, by("rosa"), [], WAITING, id="merging by hand is no answer in the form"),
        pytest.param("both", BY_HAND, by("rosa"), [YES], APPROVED, id="merged by hand, approved in the form"),
        pytest.param(
            "github", BY_HAND, NOBODY, [], Verdict.STOPPED, id="merged by somebody who does not count"
        ),
        pytest.param("both", BY_HAND, NOBODY, [YES], Verdict.STOPPED, id="the form does not heal that"),
        pytest.param("github", BY_HAND, RAVI, [], APPROVED, id="reviewed, then merged by anybody"),
        pytest.param(
            "github", Proposed("merged", OTHER, "main"), RAVI, [], Verdict.MOVED, id="merged at another head"
        ),
        pytest.param("prefect", BY_HAND, NOBODY, [YES], APPROVED, id="under prefect only the form decides"),
        pytest.param("both", OURS, NOBODY, [NO], APPROVED, id="too late to reject: it is merged"),
    ],
)
def test_what_became_of_the_pull_request(
    kind: str, proposed: Proposed, people: People, said: list[Said], expected: Verdict
) -> None:
    assert judged(kind, PLAIN, proposed, people, *said).verdict is expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("resources.jobs.legacy resources.pipelines.orders", APPROVED),
        ("jobs.legacy\npipelines.orders\n", APPROVED),
        ('"pipelines.orders", `jobs.legacy`', APPROVED),
        ("", WAITING),
        ("jobs.legacy", WAITING),
        ("jobs.legacy pipelines.order", WAITING),
        ("jobs.legacy pipelines.orders jobs.report", WAITING),
        ("yes", WAITING),
    ],
)
@pytest.mark.parametrize("kind", ["github", "prefect", "both"])
def test_what_is_destroyed_is_confirmed_by_name_under_each_policy(
    kind: str, typed: str, expected: Verdict
) -> None:
    assert judged(kind, DESTROYS, OPEN, RAVI, Said("approve", "", typed)).verdict is expected


def test_of_several_bundles_a_key_has_its_bundle_before_it() -> None:
    asked = replace(PLAIN, destructive=("ingest:resources.jobs.legacy", "reports:resources.jobs.legacy"))
    both = Said("approve", "", "ingest:jobs.legacy reports:resources.jobs.legacy")

    assert judged("both", asked, OPEN, RAVI, both).verdict is APPROVED
    assert judged("both", asked, OPEN, RAVI, Said("approve", "", "jobs.legacy")).verdict is WAITING


def test_naming_something_that_is_not_destroyed_asks_again() -> None:
    assert judged("both", PLAIN, OPEN, RAVI, Said("approve", "", "jobs.legacy")).verdict is WAITING


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (by("ravi", "rosa"), APPROVED),
        (by("rosa"), WAITING),
        (by("ravi"), WAITING),
        (by("rosa", "rita"), APPROVED),
    ],
)
def test_one_person_never_fills_two_places(people: People, expected: Verdict) -> None:
    assert judged(TWO_TEAMS, PLAIN, OPEN, replace(people, members=MEMBERS), YES).verdict is expected


def test_a_freeze_alone_says_when_to_look_again() -> None:
    frozen = judged("both", PLAIN, OPEN, RAVI, YES, against=FROZEN)
    more = judged("both", PLAIN, OPEN, NOBODY, YES, against=FROZEN)

    assert (frozen.verdict, frozen.wake_at) == (WAITING, MONDAY)
    assert (more.verdict, more.wake_at) == (WAITING, None), "its end would change nothing"


def test_both_soak_and_freeze_are_over_at_the_later_of_the_two() -> None:
    both = Against(frozen=FROZEN.frozen, soak_until=SOAKING.soak_until)

    assert judged("both", PLAIN, OPEN, RAVI, YES, against=both).wake_at == MONDAY
    overridden = replace(RAVI, overrides=(Override("freeze", "rosa", "agreed with sales", 7),))
    assert judged("both", PLAIN, OPEN, overridden, YES, against=both).wake_at == SOAKING.soak_until


@pytest.mark.parametrize("proposed", [OPEN, OURS, BY_HAND], ids=["open", "merged by us", "merged by hand"])
@pytest.mark.parametrize(
    "more",
    [{"against": FROZEN}, {"against": SOAKING}, {"against": BLOCKED}, {"against": HELD}],
    ids=["frozen", "soaking", "blocked", "held"],
)
def test_time_and_block_hold_whatever_people_said_and_after_the_merge(
    proposed: Proposed, more: dict[str, Any]
) -> None:
    assert judged("both", PLAIN, proposed, RAVI, YES, **more).verdict is WAITING


@pytest.mark.parametrize(
    ("retried", "because"),
    [
        (False, "first somebody decides to retry, roll back or abandon it (`dabflow decide 1.5.0`)"),
        (True, "and is tried again: that has to end first"),
    ],
)
def test_production_that_another_release_left_half_way_is_not_touched(*, retried: bool, because: str) -> None:
    half_way = Stopped("1.5.0", OTHER, "the smoke job failed", NOON, retried=retried)
    for proposed in (OPEN, OURS):
        judgement = judged("both", PLAIN, proposed, RAVI, YES, against=Against(half_way=half_way))

        assert judgement.verdict is WAITING
        assert because in judgement.because


def test_what_was_given_up_meanwhile_is_over_for_a_run_that_does_not_know_it() -> None:
    for proposed in (OPEN, OURS):
        judgement = judged("both", PLAIN, proposed, RAVI, YES, against=Against(over="abandoned"))

        assert judgement.verdict is Verdict.STOPPED
        assert judgement.because.startswith("this version was abandoned by now")


def test_an_override_is_for_what_it_names() -> None:
    wrong = replace(RAVI, overrides=(Override("soak", "rosa", "urgent", 7),))
    right = replace(RAVI, overrides=(Override("freeze", "rosa", "urgent", 7),))

    assert judged(TWO_TEAMS, PLAIN, OPEN, wrong, YES, against=FROZEN).verdict is WAITING
    assert judged("both", PLAIN, OPEN, right, YES, against=FROZEN).verdict is APPROVED


def test_what_every_refusal_says(golden: Golden) -> None:
    """What people read when the gate stays shut."""
    by_teams = replace(by("rosa"), members=MEMBERS)
    refusals = {
        "nobody yet": judged("both", PLAIN, OPEN, NOBODY),
        "not counted": judged("both", PLAIN, OPEN, by(ignored=("rita (asked for the release)",)), YES),
        "asked for changes": judged("both", PLAIN, OPEN, BLOCKED_BY_ROSA, YES),
        "one person in two teams": judged(TWO_TEAMS, PLAIN, OPEN, by_teams, YES),
        "destroys, nobody yet": judged("both", DESTROYS, OPEN, RAVI),
        "one left out": judged("both", DESTROYS, OPEN, RAVI, Said("approve", "", "jobs.legacy")),
        "one misspelt": judged(
            "both", DESTROYS, OPEN, RAVI, Said("approve", "", "jobs.legacy pipelines.order")
        ),
        "one too much": judged("both", PLAIN, OPEN, RAVI, Said("approve", "", "jobs.legacy")),
        "protected": judged("both", PROTECTED, OPEN, RAVI, BY_NAME),
        "elsewhere": judged("both", PLAIN, ELSEWHERE, RAVI, YES),
        "frozen": judged("both", PLAIN, OPEN, RAVI, YES, against=FROZEN),
        "frozen, may be overridden": judged(
            TWO_TEAMS, PLAIN, OPEN, replace(by("ravi", "rosa"), members=MEMBERS), YES, against=FROZEN
        ),
        "soaking": judged("both", PLAIN, OPEN, RAVI, YES, against=SOAKING),
        "blocked": judged("both", PLAIN, OPEN, RAVI, YES, against=BLOCKED),
        "a rollback half way": judged("both", PLAIN, OPEN, RAVI, YES, against=HALF_BACK),
        "held": judged("both", PLAIN, OPEN, RAVI, YES, against=HELD),
        "merged by hand": judged("github", PLAIN, BY_HAND, NOBODY),
        "moved": judged("both", PLAIN, MOVED, RAVI, YES),
        "rejected": judged("both", PLAIN, OPEN, RAVI, NO),
        "closed": judged("both", PLAIN, CLOSED, RAVI, YES),
    }

    golden.check(
        "texts/refusals.txt", "".join(_told(name, judgement) for name, judgement in refusals.items())
    )
    assert all(judgement.verdict is not APPROVED for judgement in refusals.values())


def _told(name: str, judgement: Judgement) -> str:
    lines = [f"# {name}: {judgement.verdict.value}", *(judgement.missing or [judgement.because])]
    if judgement.remedy:
        lines += [judgement.because, f"what to do: {judgement.remedy}"]
    return "\n".join(lines) + "\n\n"


def test_who_approved_is_said() -> None:
    assert judged("both", PLAIN, OPEN, by("ravi", "rosa"), YES).because == "approved by ravi, rosa"
    assert judged("prefect", PLAIN, OPEN, NOBODY, YES).because == "approved by the form"
