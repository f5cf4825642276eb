"""Who lets a release pass a freeze or its soak time, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasks.rules.overrides import Override, overrides, overrides_ignored
from tasks.rules.reviews import Review, Terms

HEAD, OLD = "a" * 40, "b" * 40
SHOWN = datetime(2026, 11, 2, 9, tzinfo=UTC)
TERMS = Terms(
    head=HEAD, shown_at=SHOWN, requester="rita", ourselves="dabflow-bot", permissions={"rosa": "read"}
)
ROLE = frozenset({"Rosa", "rita", "dabflow-bot", "ci[bot]"})
LINE = "/override freeze the shop is down"


def said(body: str = LINE, login: str = "rosa", *, number: int = 1, minute: int = 5) -> Review:
    return Review(number, login, True, "COMMENTED", HEAD, SHOWN + timedelta(minutes=minute), body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(LINE, [("freeze", "the shop is down")], id="alone"),
        pytest.param(
            f"Looks good.\r\n\r\n{LINE} \r\nBye", [("freeze", "the shop is down")], id="among others"
        ),
        pytest.param("  /Override  SOAK\tseen enough", [("soak", "seen enough")], id="however it is typed"),
        pytest.param(
            "/override freeze a\n/override soak b", [("freeze", "a"), ("soak", "b")], id="both at once"
        ),
        pytest.param("please do not /override freeze for me", [], id="not a line of its own"),
        pytest.param(f"> {LINE}", [], id="a quotation"),
        pytest.param(f"    {LINE}", [], id="code, indented"),
        pytest.param(f"write\n```\n{LINE}\n```\nfor that", [], id="code, fenced"),
        pytest.param(f"~~~\nx\n~~~\n{LINE}", [("freeze", "the shop is down")], id="after code"),
        pytest.param("/override freeze", [], id="no reason"),
        pytest.param("/override freeze   ", [], id="blanks are no reason"),
        pytest.param("/override everything now", [], id="something else"),
        pytest.param("/override", [], id="nothing"),
        pytest.param("/overrides freeze x", [], id="another word"),
        pytest.param("", [], id="no text"),
    ],
)
def test_what_is_read(body: str, expected: list[tuple[str, str]]) -> None:
    found = overrides([said(body)], TERMS, ROLE)

    assert [(o.what, o.reason) for o in found] == expected
    assert {(o.login, o.review_id) for o in found} <= {("rosa", 1)}


@pytest.mark.parametrize(
    ("review", "why_not"),
    [
        pytest.param(said(login="ravi"), "may not override", id="not in the role"),
        pytest.param(said(login="Rita"), "asked for the release", id="the requester"),
        pytest.param(said(login="dabflow-bot"), "is dabflow itself", id="dabflow"),
        pytest.param(replace(said(login="ci[bot]"), person=False), "is a bot", id="a bot"),
        pytest.param(replace(said(), state="DISMISSED"), "that review was dismissed", id="dismissed"),
        pytest.param(
            replace(said(), commit=OLD), "reviewed bbbbbbbbbbbb, not aaaaaaaaaaaa", id="an older commit"
        ),
        pytest.param(
            replace(said(), commit=""), "reviewed a commit that is gone, not aaaaaaaaaaaa", id="a lost one"
        ),
        pytest.param(said(minute=-1), "reviewed before this plan was shown", id="before the plan was shown"),
    ],
)
def test_what_does_not_count_is_explained(review: Review, why_not: str) -> None:
    assert overrides([review], TERMS, ROLE) == ()
    assert overrides_ignored([review], TERMS, ROLE) == (f"{review.login}: /override freeze ({why_not})",)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("/override freeze", "rosa: /override freeze (say why, on the same line)"),
        ("/override everything now", "rosa: /override everything (say freeze or soak)"),
        ("/override", "rosa: /override (say freeze or soak)"),
    ],
)
def test_what_is_not_understood_is_explained(body: str, expected: str) -> None:
    assert overrides_ignored([said(body)], TERMS, ROLE) == (expected,)


def test_a_deleted_account_overrides_nothing() -> None:
    review = replace(said(), login="", person=False)

    assert overrides([review], TERMS, ROLE) == ()
    assert overrides_ignored([review], TERMS, ROLE) == (
        "a deleted account: /override freeze (nobody knows who that was)",
    )


@pytest.mark.parametrize("state", ["APPROVED", "CHANGES_REQUESTED", "COMMENTED"])
def test_any_kind_of_review_will_do(state: str) -> None:
    assert overrides([replace(said(), state=state)], TERMS, ROLE) == (
        Override("freeze", "rosa", "the shop is down", 1),
    )


def test_a_review_that_was_not_sent_says_nothing() -> None:
    review = replace(said(), state="PENDING")

    assert (overrides([review], TERMS, ROLE), overrides_ignored([review], TERMS, ROLE)) == ((), ())


def test_several_count_in_their_order() -> None:
    later, sooner = said("/override soak seen enough", number=2, minute=9), said(number=1)

    assert [o.review_id for o in overrides([later, sooner], TERMS, ROLE)] == [1, 2]
    assert overrides_ignored([later, sooner], TERMS, ROLE) == ()


def test_nobody_may_override_without_a_role_or_a_known_requester() -> None:
    assert overrides([said()], TERMS, frozenset()) == ()
    assert overrides([said()], replace(TERMS, requester=""), ROLE) == ()
