"""Where a release stands, read off the facts."""

import itertools

import pytest

from tasks.rules.phases import Facts, Phase, phase_of

SHA = "1" * 40


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(Facts(), Phase.PLANNED, id="nothing is there"),
        pytest.param(Facts(branch=SHA), Phase.CUT, id="a branch"),
        pytest.param(Facts(branch=SHA, pull="open"), Phase.CUT, id="a new head that nobody rehearsed"),
        pytest.param(Facts(branch=SHA, rehearsed=True), Phase.REHEARSED, id="rehearsed"),
        pytest.param(Facts(branch=SHA, rehearsed=True, pull="open"), Phase.PROPOSED, id="proposed"),
        pytest.param(Facts(branch=SHA, rehearsed=True, pull="closed"), Phase.REJECTED, id="closed"),
        pytest.param(Facts(branch=SHA, pull="closed"), Phase.REJECTED, id="closed before it was rehearsed"),
        pytest.param(Facts(branch=SHA, rehearsed=True, pull="merged"), Phase.MERGED, id="merged"),
        pytest.param(Facts(pull="merged"), Phase.MERGED, id="merged, its branch deleted"),
        pytest.param(Facts(pull="merged", tag=SHA), Phase.TAGGED, id="tagged"),
        pytest.param(Facts(tag=SHA), Phase.TAGGED, id="only the tag is left"),
        pytest.param(Facts(pull="merged", tag=SHA, deployed=True), Phase.DEPLOYED, id="deployed"),
        pytest.param(Facts(deployed=True), Phase.PLANNED, id="a deployment without a tag proves nothing"),
        pytest.param(Facts(tag=SHA, published=True), Phase.PUBLISHED, id="published implies deployed"),
        pytest.param(
            Facts(tag=SHA, deployed=True, published=True, back_merged=True), Phase.BACK_MERGED, id="finished"
        ),
        pytest.param(Facts(branch=SHA, back_merged=True), Phase.CUT, id="in develop, as every branch begins"),
    ],
)
def test_phase_of(facts: Facts, expected: Phase) -> None:
    assert phase_of(facts) is expected


def test_one_more_fact_never_takes_a_release_back() -> None:
    """Each fact that a release makes true moves it on, or leaves it where it is."""
    steps: list[dict[str, object]] = [
        {"branch": SHA},
        {"rehearsed": True},
        {"pull": "open"},
        {"pull": "merged"},
        {"tag": SHA},
        {"deployed": True},
        {"published": True},
        {"back_merged": True},
    ]
    facts = [Facts()]
    for step in steps:
        facts.append(Facts(**{**vars(facts[-1]), **step}))

    phases = [phase_of(one) for one in facts]

    assert all(before < after for before, after in itertools.pairwise(phases))
    assert set(Phase) - set(phases) == {Phase.REJECTED}


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_has_words_and_a_next_step(phase: Phase) -> None:
    assert phase.words
    assert phase.next_step
