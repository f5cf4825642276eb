"""A bundle repository's workflow that wakes a release by ours, really run by `act` against a real Prefect server."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from acting import Acting, acting_in, needs_act
from waiting_runs import REPOSITORY, Gated

WORKFLOW = "wake.yml"

pytestmark = needs_act


@dataclass(frozen=True)
class Actions:
    """GitHub Actions of acme/gated."""

    acting: Acting
    api: str

    def on(self, event: str, **payload: Any) -> str:
        return self.acting.on(event, REPOSITORY, "--var", f"PREFECT_API_URL={self.api}", **payload)


@pytest.fixture(scope="module")
def acting(tmp_path_factory: pytest.TempPathFactory) -> Acting:
    return acting_in(tmp_path_factory.mktemp("actions"), REPOSITORY, WORKFLOW)


@pytest.fixture
def actions(prefect_server: str, acting: Acting) -> Actions:
    return Actions(acting, prefect_server)


@pytest.fixture
def waiting(prefect_server: str) -> Iterator[list[Gated]]:
    """Two releases that wait."""
    found = [Gated().go(), Gated().go()]
    yield found
    for one in found:
        one.drop()


def pull_request(run: Gated, *, head: str | None = None, origin: str = REPOSITORY) -> dict[str, Any]:
    ref = head or f"release/{run.version}"
    return {"number": run.number, "head": {"ref": ref, "sha": "a" * 40, "repo": {"full_name": origin}}}


def woken(runs: list[Gated]) -> list[bool]:
    return [not run.state.is_paused() for run in runs]


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ("pull_request_review", "submitted"),
        ("pull_request_review", "dismissed"),
        ("pull_request", "closed"),
    ],
)
def test_what_happens_to_a_pull_request_wakes_its_release(
    actions: Actions, waiting: list[Gated], event: str, action: str
) -> None:
    said = actions.on(event, action=action, pull_request=pull_request(waiting[1]))

    assert woken(waiting) == [False, True], said
    assert f"woke {REPOSITORY} {waiting[1].version}" in said


def test_a_push_to_the_branch_wakes_its_release(actions: Actions, waiting: list[Gated]) -> None:
    said = actions.on("push", ref=f"refs/heads/release/{waiting[0].version}")

    assert woken(waiting) == [True, False], said


def test_a_branch_name_is_never_a_command(actions: Actions, waiting: list[Gated]) -> None:
    said = actions.on("push", ref='refs/heads/release/$(touch${IFS}owned)";touch owned;"')

    assert woken(waiting) == [False, False], said
    assert "nothing to wake" in said
    assert not (actions.acting.checkout / "owned").exists()


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param({"origin": "mallory/gated"}, id="a fork"),
        pytest.param({"head": "feature/orders"}, id="another branch"),
    ],
)
def test_pull_requests_that_release_nothing_wake_nobody(
    actions: Actions, waiting: list[Gated], elsewhere: dict[str, str]
) -> None:
    opened = pull_request(waiting[0], **elsewhere)

    said = actions.on("pull_request_review", action="submitted", pull_request=opened)

    assert woken(waiting) == [False, False], said
    assert "to wake" not in said, "the job did not even begin"


def test_nothing_that_waits_is_no_failure(actions: Actions) -> None:
    said = actions.on("push", ref="refs/heads/release/99.0.0")

    assert "nothing to wake: no release waits for release/99.0.0 of acme/gated" in said
    assert '"jobResult":"success"' in said
