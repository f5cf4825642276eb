"""Which dabflow may run a run."""

import pytest

from tasks.rules.code_versions import CodeVersion, must_run
from tasks.rules.errors import NeedsHuman

A, B, NEXT = "0.1.0+aaaaaaaaaaaa", "0.1.1+bbbbbbbbbbbb", "0.2.0+cccccccccccc"


def version(text: str) -> CodeVersion:
    found = CodeVersion.parse(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("here", "installed", "made_with", "told"),
    [
        pytest.param(A, A, A, "", id="all the same"),
        pytest.param(A, B, A, "", id="an old run where its own code still is"),
        pytest.param(A, NEXT, A, "", id="also after a version with which it could not go on"),
        pytest.param(B, B, A, f"made with dabflow {A}, goes on with {B}", id="upgraded since"),
        pytest.param(A, A, B, f"made with dabflow {B}, goes on with {A}", id="and back again"),
    ],
)
def test_it_goes_on(here: str, installed: str, made_with: str, told: str) -> None:
    assert must_run(version(here), installed=installed, made_with=made_with) == told


@pytest.mark.parametrize(
    ("here", "installed", "made_with", "said"),
    [
        pytest.param(A, B, B, f"this worker has dabflow {A}, but .+ installed by", id="a worker left behind"),
        pytest.param(B, A, A, f"this worker has dabflow {B}, but .+ installed by", id="a worker ahead"),
        pytest.param(NEXT, NEXT, A, "does not go on with its runs", id="a new minor version"),
        pytest.param(A, "5c9f", "5c9f", "not made by dabflow install", id="deployed by something else"),
        pytest.param(A, A, "", "not made by dabflow install", id="a run from before"),
    ],
)
def test_it_is_refused(here: str, installed: str, made_with: str, said: str) -> None:
    with pytest.raises(NeedsHuman, match=said.replace("+", r"\+").replace(r".\+", ".+")) as refused:
        must_run(version(here), installed=installed, made_with=made_with)

    assert refused.value.remedy
