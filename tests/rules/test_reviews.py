"""Which reviews count as an approval of one commit."""

import pytest

from tasks.rules.reviews import Review, Reviewed, latest_per_person, reviewed

HEAD, OLD = "a" * 40, "b" * 40
PERMISSIONS = {
    "ravi": "write",
    "rosa": "admin",
    "rita": "write",
    "oskar": "read",
    "dabflow-bot": "write",
    "Ravi": "write",
}


def said(login: str, state: str = "APPROVED", commit: str = HEAD, *, person: bool = True) -> Review:
    return Review(login, person, state, commit)


def result(*reviews: Review, requester: str = "rita") -> Reviewed:
    return reviewed(reviews, head=HEAD, requester=requester, ourselves="dabflow-bot", permissions=PERMISSIONS)


@pytest.mark.parametrize(
    ("reviews", "approved"),
    [
        pytest.param([], (), id="nobody"),
        pytest.param([said("ravi")], ("ravi",), id="a person with write access"),
        pytest.param([said("ravi"), said("rosa")], ("ravi", "rosa"), id="two people"),
        pytest.param([said("ravi"), said("ravi")], ("ravi",), id="twice the same person"),
        pytest.param([said("ravi"), said("ravi", "COMMENTED")], ("ravi",), id="a comment changes nothing"),
        pytest.param([said("ravi"), said("ravi", "PENDING")], ("ravi",), id="nor does a review not sent yet"),
        pytest.param([said("ravi"), said("ravi", "DISMISSED")], (), id="dismissed"),
        pytest.param([said("ravi"), said("ravi", "CHANGES_REQUESTED")], (), id="changed their mind"),
        pytest.param([said("ravi", "CHANGES_REQUESTED"), said("ravi")], ("ravi",), id="satisfied later"),
        pytest.param([said("ravi", commit=OLD)], (), id="an older commit"),
        pytest.param([said("ravi", commit=OLD), said("ravi")], ("ravi",), id="the older commit, then this"),
        pytest.param(
            [said("ravi"), said("ravi", commit=OLD)], (), id="their last word is about another commit"
        ),
        pytest.param([said("ravi", commit="")], (), id="a commit that GitHub no longer has"),
        pytest.param([said("oskar")], (), id="read access only"),
        pytest.param([said("stranger")], (), id="nobody we know the rights of"),
        pytest.param([said("rita")], (), id="the requester"),
        pytest.param([said("dabflow-bot")], (), id="dabflow itself"),
        pytest.param([said("ravi", person=False)], (), id="a bot"),
        pytest.param([said("Ravi"), said("ravi", "DISMISSED")], (), id="logins know no capitals"),
    ],
)
def test_who_approves(reviews: list[Review], approved: tuple[str, ...]) -> None:
    assert result(*reviews).approved_by == approved


@pytest.mark.parametrize("requester", ["ravi", "RAVI"])
def test_the_requester_does_not_count_however_written(requester: str) -> None:
    assert result(said("ravi"), requester=requester).approved_by == ()


def test_without_a_requester_no_approval_can_be_verified() -> None:
    """Anybody could be the one who asked, so the gate stays shut."""
    assert result(said("ravi"), requester="") == Reviewed(
        (), (), ("ravi (nobody knows who asked for the release)",)
    )


@pytest.mark.parametrize(
    ("review", "blocks"),
    [
        pytest.param(said("ravi", "CHANGES_REQUESTED"), True, id="with write access"),
        pytest.param(said("ravi", "CHANGES_REQUESTED", OLD), True, id="about an older commit, as on GitHub"),
        pytest.param(said("rita", "CHANGES_REQUESTED"), True, id="the requester may have second thoughts"),
        pytest.param(said("oskar", "CHANGES_REQUESTED"), False, id="read access only"),
        pytest.param(said("ravi", "CHANGES_REQUESTED", person=False), False, id="a bot"),
    ],
)
def test_who_stands_against_it(review: Review, *, blocks: bool) -> None:
    assert bool(result(review, said("rosa")).blocked_by) is blocks


def test_what_is_not_counted_is_explained() -> None:
    found = result(said("rita"), said("oskar"), said("dabflow-bot"), said("ravi", commit=OLD))

    assert found.ignored == (
        "rita (asked for the release)",
        "oskar (has no write access)",
        "dabflow-bot (is dabflow itself)",
        "ravi (approved bbbbbbbbbbbb, not aaaaaaaaaaaa)",
    )


def test_latest_per_person_keeps_the_order_of_first_words() -> None:
    reviews = [said("ravi", "CHANGES_REQUESTED"), said("rosa"), said("ravi")]

    assert [(r.login, r.state) for r in latest_per_person(reviews)] == [
        ("ravi", "APPROVED"),
        ("rosa", "APPROVED"),
    ]
