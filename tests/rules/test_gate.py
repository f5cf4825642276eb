"""Whether a candidate may go to production."""

from datetime import UTC, datetime

import pytest

from tasks.rules.gate import Judgement, Policy, Proposed, Said, Verdict, judge
from tasks.rules.reviews import Review, Reviewed

HEAD, OTHER = "a" * 40, "b" * 40
OPEN = Proposed("open", HEAD)
CLOSED = Proposed("closed", HEAD)
MOVED = Proposed("open", OTHER)
OURS = Proposed("merged", HEAD, merged_by_us=True)
BY_HAND = Proposed("merged", HEAD, merger_approves="rosa")
BY_SOMEBODY = Proposed("merged", HEAD)


def approvals(*logins: str) -> tuple[Review, ...]:
    at = datetime(2026, 11, 2, 9, tzinfo=UTC)
    return tuple(Review(i, login, True, "APPROVED", HEAD, at) for i, login in enumerate(logins))


NOBODY = Reviewed()
RAVI = Reviewed(approvals("ravi"))
BOTH_OF_THEM = Reviewed(approvals("ravi", "rosa"))
BLOCKED = Reviewed(approvals("ravi"), blocked_by=("rosa",))
NOT_COUNTED = Reviewed(ignored=("rita (asked for the release)",))

YES, NO, LOOK = Said("approve"), Said("reject", "too late today"), Said("recheck")
WAITING, APPROVED, REJECTED = Verdict.WAITING, Verdict.APPROVED, Verdict.REJECTED


def judged(
    kind: str, proposed: Proposed, reviewed: Reviewed, *said: Said, count: int = 1, commit: str = HEAD
) -> Judgement:
    return judge(Policy(kind, count), commit=commit, proposed=proposed, reviewed=reviewed, said=said)


@pytest.mark.parametrize(
    ("kind", "reviewed", "said", "expected"),
    [
        ("github", NOBODY, [], WAITING),
        ("github", RAVI, [], APPROVED),
        ("github", NOBODY, [YES], WAITING),
        ("github", BLOCKED, [], WAITING),
        ("prefect", NOBODY, [], WAITING),
        ("prefect", RAVI, [], WAITING),
        ("prefect", NOBODY, [YES], APPROVED),
        ("prefect", NOBODY, [LOOK], WAITING),
        ("both", NOBODY, [], WAITING),
        ("both", RAVI, [], WAITING),
        ("both", NOBODY, [YES], WAITING),
        ("both", RAVI, [YES], APPROVED),
        ("both", RAVI, [LOOK, YES], APPROVED),
        ("both", BLOCKED, [YES], WAITING),
        ("both", NOT_COUNTED, [YES], WAITING),
        ("github", RAVI, [NO], REJECTED),
        ("both", RAVI, [YES, NO], REJECTED),
        ("prefect", NOBODY, [NO], REJECTED),
    ],
)
def test_each_policy_on_an_open_pull_request(
    kind: str, reviewed: Reviewed, said: list[Said], expected: Verdict
) -> None:
    assert judged(kind, OPEN, reviewed, *said).verdict is expected


@pytest.mark.parametrize(
    ("kind", "proposed", "reviewed", "said", "expected"),
    [
        pytest.param("both", CLOSED, RAVI, [YES], REJECTED, id="closed by hand"),
        pytest.param("both", MOVED, RAVI, [YES], Verdict.MOVED, id="a new head"),
        pytest.param("prefect", MOVED, NOBODY, [YES], Verdict.MOVED, id="the form approved the old head"),
        pytest.param("both", OURS, NOBODY, [], APPROVED, id="merged by dabflow before the database was lost"),
        pytest.param("github", BY_HAND, NOBODY, [], APPROVED, id="merging by hand is a review"),
        pytest.param("both", BY_HAND, NOBODY, [], WAITING, id="merging by hand is no answer in the form"),
        pytest.param("both", BY_HAND, NOBODY, [YES], APPROVED, id="merged by hand, approved in the form"),
        pytest.param("github", BY_SOMEBODY, NOBODY, [], WAITING, id="merged by somebody who does not count"),
        pytest.param("github", BY_SOMEBODY, RAVI, [], APPROVED, id="reviewed, then merged by anybody"),
        pytest.param(
            "github", Proposed("merged", OTHER), RAVI, [], Verdict.MOVED, id="merged at another head"
        ),
    ],
)
def test_what_became_of_the_pull_request(
    kind: str, proposed: Proposed, reviewed: Reviewed, said: list[Said], expected: Verdict
) -> None:
    assert judged(kind, proposed, reviewed, *said).verdict is expected


@pytest.mark.parametrize(
    ("reviewed", "proposed", "expected"),
    [
        pytest.param(RAVI, OPEN, WAITING, id="one of two"),
        pytest.param(BOTH_OF_THEM, OPEN, APPROVED, id="two of two"),
        pytest.param(RAVI, BY_HAND, APPROVED, id="one review and the merger"),
        pytest.param(Reviewed(approvals("rosa")), BY_HAND, WAITING, id="nobody counts twice"),
    ],
)
def test_two_reviews_are_needed(reviewed: Reviewed, proposed: Proposed, expected: Verdict) -> None:
    assert judged("github", proposed, reviewed, count=2).verdict is expected


@pytest.mark.parametrize(
    ("judgement", "because"),
    [
        (judged("both", OPEN, RAVI, YES), "approved by ravi"),
        (judged("prefect", OPEN, NOBODY, YES), "approved by the form"),
        (
            judged("both", OPEN, NOT_COUNTED),
            (
                "0 of 1 approving reviews of this commit (not counted: rita (asked for the release));"
                " nobody has approved in the form yet"
            ),
        ),
        (judged("github", OPEN, BLOCKED), "rosa asked for changes"),
        (judged("both", OPEN, RAVI, NO), "too late today"),
        (judged("both", OPEN, RAVI, Said("reject")), "rejected in the form, without a reason"),
        (judged("both", MOVED, RAVI), "the release branch moved on to bbbbbbbbbbbb"),
    ],
)
def test_a_judgement_explains_itself(judgement: Judgement, because: str) -> None:
    assert judgement.because == because
