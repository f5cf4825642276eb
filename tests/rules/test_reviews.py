"""Which reviews count as an approval of one commit and its plan."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import patient

from tasks.rules.reviews import MAY_APPROVE, Review, Reviewed, Terms, last_decisions, reviewed, unqualified

HEAD, OLD = "a" * 40, "b" * 40
SHOWN = datetime(2026, 11, 2, 9, tzinfo=UTC)
TERMS = Terms(
    head=HEAD,
    shown_at=SHOWN,
    requester="rita",
    ourselves="dabflow-bot",
    permissions={
        "ravi": "write",
        "rosa": "admin",
        "rita": "write",
        "oskar": "read",
        "dabflow-bot": "write",
        "ci[bot]": "write",
        "": "write",
    },
)


def said(
    login: str, state: str = "APPROVED", commit: str = HEAD, *, person: bool = True, minute: int = 5
) -> Review:
    """A review sent so many minutes after the plan was shown."""
    return Review(0, login, person, state, commit, SHOWN + timedelta(minutes=minute))


GHOST = said("", person=False)


def result(*reviews: Review, terms: Terms = TERMS) -> Reviewed:
    return reviewed(reviews, terms)


@pytest.mark.parametrize(
    ("reviews", "approved"),
    [
        pytest.param([], (), id="nobody"),
        pytest.param([said("ravi")], ("ravi",), id="a person with write access"),
        pytest.param([said("ravi"), said("rosa")], ("ravi", "rosa"), id="two people"),
        pytest.param([said("ravi"), said("ravi")], ("ravi",), id="twice the same person"),
        pytest.param([said("ravi"), said("ravi", "COMMENTED")], ("ravi",), id="a comment changes nothing"),
        pytest.param([said("ravi"), said("ravi", "PENDING")], ("ravi",), id="nor does a review not sent yet"),
        pytest.param([said("ravi", "COMMENTED")], (), id="edited away"),
        pytest.param([said("ravi"), said("ravi", "DISMISSED")], (), id="dismissed"),
        pytest.param([said("ravi"), said("ravi", "CHANGES_REQUESTED")], (), id="changed their mind"),
        pytest.param([said("ravi", "CHANGES_REQUESTED"), said("ravi")], ("ravi",), id="satisfied later"),
        pytest.param([said("ravi", "DISMISSED"), said("ravi")], ("ravi",), id="again after a dismissal"),
        pytest.param([said("ravi", commit=OLD)], (), id="an older commit"),
        pytest.param([said("ravi", commit=OLD), said("ravi")], ("ravi",), id="the older commit, then this"),
        pytest.param([said("ravi"), said("ravi", commit=OLD)], (), id="their last word is about another"),
        pytest.param([said("ravi", commit="")], (), id="a commit that GitHub no longer has"),
        pytest.param([said("ravi", minute=-1)], (), id="before the plan was shown"),
        pytest.param([said("ravi", minute=0)], ("ravi",), id="in the second in which it was shown"),
        pytest.param([said("ravi", minute=-1), said("ravi")], ("ravi",), id="before, and again after"),
        pytest.param([said("ravi", "CHANGES_REQUESTED", minute=9), said("ravi")], (), id="time, not order"),
        pytest.param([said("oskar")], (), id="an outsider: read access only"),
        pytest.param([said("stranger")], (), id="nobody we know the rights of"),
        pytest.param([said("rita")], (), id="the requester"),
        pytest.param([said("RITA")], (), id="the requester in capitals"),
        pytest.param([said("dabflow-bot")], (), id="dabflow itself"),
        pytest.param([said("Dabflow-Bot")], (), id="dabflow itself in capitals"),
        pytest.param([said("ci[bot]", person=False)], (), id="a bot with write access"),
        pytest.param([GHOST], (), id="a deleted account"),
        pytest.param([said("Ravi")], ("Ravi",), id="logins know no capitals"),
        pytest.param([said("Ravi"), said("ravi", "DISMISSED")], (), id="whoever writes them"),
    ],
)
def test_who_approves(reviews: list[Review], approved: tuple[str, ...]) -> None:
    assert result(*reviews).approved_by == approved


def test_what_approves_is_the_review_itself() -> None:
    """Evidence keeps which review it was, and what was written with it."""
    last = replace(said("ravi"), id=7, body="looked at the plan")

    assert result(said("ravi"), last).approved == (last,)


def test_authors_count_unless_the_settings_say_otherwise() -> None:
    terms = replace(TERMS, authors=frozenset({"Ravi"}))

    assert result(said("ravi"), said("rosa")).approved_by == ("ravi", "rosa")
    assert result(said("ravi"), said("rosa"), terms=terms) == Reviewed(
        (said("rosa"),), (), ("ravi (wrote a commit of this release)",)
    )


def test_a_named_team_counts_without_write_access() -> None:
    terms = replace(TERMS, members=frozenset({"Oskar"}))

    assert result(said("oskar"), terms=terms).approved_by == ("oskar",)
    assert result(said("oskar", "CHANGES_REQUESTED"), terms=terms).blocked_by == ("oskar",)


def test_without_a_requester_no_approval_can_be_verified() -> None:
    """Anybody could be the one who asked, so the gate stays shut."""
    assert result(said("ravi"), terms=replace(TERMS, requester="")) == Reviewed(
        (), (), ("ravi (nobody knows who asked for the release)",)
    )


NO = "CHANGES_REQUESTED"


@pytest.mark.parametrize(
    ("reviews", "blocked"),
    [
        pytest.param([said("ravi", NO)], ("ravi",), id="with write access"),
        pytest.param([said("ravi", NO, OLD)], ("ravi",), id="about an older commit, as on GitHub"),
        pytest.param([said("ravi", NO, minute=-9)], ("ravi",), id="before the plan was shown"),
        pytest.param([said("rita", NO)], ("rita",), id="the requester may have second thoughts"),
        pytest.param(
            [said("ravi", NO), said("ravi", "COMMENTED")], ("ravi",), id="a comment replaces nothing"
        ),
        pytest.param([said("ravi", NO), said("rosa")], ("ravi",), id="nor does somebody else's approval"),
        pytest.param([said("ravi", NO), said("ravi")], (), id="replaced by an approval"),
        pytest.param([said("ravi", NO, OLD), said("ravi", commit=OLD)], (), id="even of an older commit"),
        pytest.param([said("ravi"), said("ravi", "DISMISSED")], (), id="dismissed"),
        pytest.param([said("oskar", NO)], (), id="read access only"),
        pytest.param([said("ci[bot]", NO, person=False)], (), id="a bot"),
        pytest.param([said("", NO, person=False)], (), id="a deleted account"),
    ],
)
def test_who_stands_against_it(reviews: list[Review], blocked: tuple[str, ...]) -> None:
    assert result(*reviews).blocked_by == blocked


def test_authors_may_stand_against_their_own_release() -> None:
    terms = replace(TERMS, authors=frozenset({"ravi"}))

    assert result(said("ravi", NO), terms=terms).blocked_by == ("ravi",)


@pytest.mark.parametrize(
    ("review", "expected"),
    [
        (said("rita"), "rita (asked for the release)"),
        (said("oskar"), "oskar (has no write access)"),
        (said("oskar", NO), "oskar (asked for changes, but has no write access)"),
        (said("dabflow-bot"), "dabflow-bot (is dabflow itself)"),
        (said("ci[bot]", person=False), "ci[bot] (is a bot)"),
        (GHOST, "a deleted account (nobody knows who that was)"),
        (said("ravi", "DISMISSED"), "ravi (that review was dismissed)"),
        (said("ravi", commit=OLD), "ravi (reviewed bbbbbbbbbbbb, not aaaaaaaaaaaa)"),
        (said("ravi", commit=""), "ravi (reviewed a commit that is gone, not aaaaaaaaaaaa)"),
        (said("ravi", minute=-1), "ravi (reviewed before this plan was shown)"),
    ],
)
def test_what_is_not_counted_is_explained(review: Review, expected: str) -> None:
    assert result(review) == Reviewed(ignored=(expected,))


@pytest.mark.parametrize(
    ("login", "expected"),
    [("ravi", ""), ("Rosa", ""), ("RITA", "asked for the release"), ("oskar", "has no write access")],
)
def test_who_may_approve_at_all(login: str, expected: str) -> None:
    """Also asked about whoever merged by hand."""
    assert unqualified(login, TERMS) == expected


def test_last_decisions_keep_the_order_of_first_words() -> None:
    reviews = [said("ravi", NO), said("rosa"), said("ravi")]

    assert [(r.login, r.state) for r in last_decisions(reviews)] == [
        ("ravi", "APPROVED"),
        ("rosa", "APPROVED"),
    ]


STATES = ["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]
ANY_REVIEW = st.builds(
    said,
    st.sampled_from([*TERMS.permissions, "Ravi", "stranger"]),
    st.sampled_from(STATES),
    st.sampled_from([HEAD, OLD, ""]),
    person=st.booleans(),
    minute=st.integers(-3, 3),
)


@patient
@given(st.lists(ANY_REVIEW, max_size=12))
def test_an_approval_is_always_somebodys_last_word_and_theirs_to_give(reviews: Iterable[Review]) -> None:
    """Whatever was said in whatever order, nothing else ever opens the gate, and nobody is forgotten."""
    reviews = list(reviews)
    found = reviewed(reviews, TERMS)

    for review in found.approved:
        assert (review.state, review.commit, review.person) == ("APPROVED", HEAD, True)
        assert review.at >= SHOWN
        assert TERMS.permissions[review.login.lower()] in MAY_APPROVE
        assert review.login.lower() not in {"rita", "dabflow-bot"}
        later = [r for r in reviews if r.login.lower() == review.login.lower() and r.at > review.at]
        assert {r.state for r in later} <= {"COMMENTED", "PENDING"}
    decided = {r.login.lower() for r in reviews if r.state not in {"COMMENTED", "PENDING"}}
    assert len(decided) == len(found.approved) + len(found.blocked_by) + len(found.ignored)
