"""An error says what is so and what to do, wherever it is read."""

import pickle

import pytest

from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain


@pytest.mark.parametrize("kind", [TryAgain, NeedsHuman])
def test_the_text_has_both_halves(kind: type[ReleaseError]) -> None:
    error = kind("release/1.4.0 is at 9f2c, this run is about 41be", "delete the branch")

    assert str(error) == "release/1.4.0 is at 9f2c, this run is about 41be\n  what to do: delete the branch"


@pytest.mark.parametrize("kind", [TryAgain, NeedsHuman])
def test_it_survives_the_way_between_processes(kind: type[ReleaseError]) -> None:
    error = pickle.loads(pickle.dumps(kind("what is so", "what to do")))

    assert type(error) is kind
    assert (error.problem, error.remedy) == ("what is so", "what to do")


def test_how_long_a_server_wants_to_be_left_alone_survives_as_well() -> None:
    assert pickle.loads(pickle.dumps(TryAgain("what is so", "what to do", 60))).after_seconds == 60
