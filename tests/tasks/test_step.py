"""How a step is run, repeated and remembered, in a real Prefect."""

import logging
import time
from collections import Counter

import pytest
from in_prefect import Run
from prefect import flow
from prefect.exceptions import Pause
from prefect.states import Crashed

from tasks.ask import GateAnswer, ask
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.step import RETRY_AFTER_SECONDS, ensure, evidence, run_url, show, stop_if_cancelled

pytestmark = pytest.mark.usefixtures("prefect_server")

SECRET = "ghs_never0to1be2seen3"
calls: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def _nothing_called_yet() -> None:
    calls.clear()


@evidence("look at {commit}")
def looked(what: object, *, commit: str, target: str = "", look: int = 1) -> str:
    calls[f"looked {commit} {target} {look}"] += 1
    return f"looked {commit} {target} {look}"


@evidence("look at {commit}")
def looked_otherwise(what: object, *, commit: str, target: str = "") -> str:
    calls[f"otherwise {commit} {target}"] += 1
    return f"otherwise {commit} {target}"


@ensure("make it so")
def made(commit: str) -> str:
    calls[f"made {commit}"] += 1
    return f"made {commit}"


@flow(persist_result=True)
def asking() -> list[str]:
    found = [
        looked(object(), commit="aaa"),
        looked(object(), commit="bbb"),
        looked(object(), commit="aaa", target="staging"),
        looked(object(), commit="aaa", target="prod"),
        looked(object(), commit="aaa", target="prod", look=2),
        looked_otherwise(object(), commit="aaa", target="prod"),
        made("aaa"),
        made("aaa"),
    ]
    ask("question", GateAnswer, "go on?")
    return found


EVIDENCE = [
    "looked aaa  1",
    "looked bbb  1",
    "looked aaa staging 1",
    "looked aaa prod 1",
    "looked aaa prod 2",
    "otherwise aaa prod",
]


def test_evidence_is_kept_over_a_resume_and_never_mixed_up() -> None:
    run = Run(asking)
    assert run.go().is_paused()
    assert calls == Counter(dict.fromkeys(EVIDENCE, 1) | {"made aaa": 2})

    run.resume({"decision": "approve"})
    done = run.go()

    assert done.is_completed()
    assert calls == Counter(dict.fromkeys(EVIDENCE, 1) | {"made aaa": 4})
    assert done.result() == [*EVIDENCE, "made aaa", "made aaa"]


def test_evidence_is_kept_over_a_crash() -> None:
    run = Run(asking)
    run.go()
    run.set(Crashed())
    run.send_on()
    run.go()

    assert {calls[name] for name in EVIDENCE} == {1}


def test_evidence_of_another_run_does_not_count() -> None:
    Run(asking).go()
    Run(asking).go()

    assert {calls[name] for name in EVIDENCE} == {2}


@ensure("fail twice")
def fails_twice() -> str:
    calls["tries"] += 1
    if calls["tries"] < 3:
        raise TryAgain("GitHub answered 502", "retry")
    return "done"


@ensure("fail")
def fails_always() -> str:
    calls["tries"] += 1
    raise TryAgain("GitHub answered 502", "retry")


@ensure("stop")
def stops() -> str:
    calls["tries"] += 1
    raise NeedsHuman("the tag is on another commit", "delete it")


@ensure("break")
def breaks() -> str:
    calls["tries"] += 1
    raise KeyError("no such thing")


AT_ONCE = [0.0] * len(RETRY_AFTER_SECONDS)


def test_what_may_pass_by_itself_is_tried_again() -> None:
    @flow
    def once() -> str:
        return fails_twice.with_options(retry_delay_seconds=AT_ONCE)()

    assert once() == "done"
    assert calls["tries"] == 3


def test_it_is_given_up_in_the_end() -> None:
    @flow
    def once() -> str:
        return fails_always.with_options(retry_delay_seconds=AT_ONCE)()

    with pytest.raises(TryAgain, match="GitHub answered 502"):
        once()
    assert calls["tries"] == 1 + len(RETRY_AFTER_SECONDS)


@ensure("be left alone")
def wants_to_be_left_alone() -> str:
    calls["tries"] += 1
    if calls["tries"] == 1:
        raise TryAgain("GitHub answered 429", "wait", after_seconds=1.5)
    return "done"


def test_a_server_is_left_alone_as_long_as_it_wants() -> None:
    @flow
    def once() -> str:
        return wants_to_be_left_alone.with_options(retry_delay_seconds=AT_ONCE)()

    started = time.monotonic()

    assert once() == "done"
    assert time.monotonic() - started > 1.5


def test_the_waits_grow() -> None:
    assert sorted(RETRY_AFTER_SECONDS) == RETRY_AFTER_SECONDS
    assert fails_always.retry_delay_seconds == RETRY_AFTER_SECONDS
    assert fails_always.retry_jitter_factor


def test_what_needs_people_is_not_tried_again() -> None:
    @flow
    def stopped() -> str:
        return stops()

    with pytest.raises(NeedsHuman, match="what to do: delete it"):
        stopped()
    assert calls["tries"] == 1


def test_a_fault_of_ours_is_not_tried_again() -> None:
    @flow
    def broken() -> str:
        return breaks()

    with pytest.raises(KeyError):
        broken()
    assert calls["tries"] == 1


@ensure("leak")
def leaks(kind: str) -> None:
    match kind:
        case "foreign":
            raise ValueError(f"GET https://x:{SECRET}@github.example")
        case "our own":
            raise NeedsHuman(f"refused {SECRET}", f"give it something else than {SECRET}")
        case "came from":
            raise NeedsHuman("refused", "look") from ValueError(SECRET)
        case "on the way":
            try:
                int(SECRET)
            except ValueError:
                raise TypeError("unlucky")  # noqa: B904 - that is how it happens
        case _:
            raise Stubborn


class Stubborn(Exception):
    """An error that makes its text anew each time."""

    def __str__(self) -> str:
        return f"it was {SECRET}"


@pytest.mark.parametrize("kind", ["foreign", "our own", "came from", "on the way", "stubborn"])
def test_no_secret_leaves_a_step(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", SECRET)

    @flow
    def leaking() -> None:
        leaks(kind)

    with caplog.at_level(logging.DEBUG):
        state = leaking(return_state=True)

    assert state.is_failed()
    assert SECRET not in f"{state.message}{state.result(raise_on_failure=False)!r}"
    assert "Finished in state Failed" in caplog.text
    assert SECRET not in caplog.text


def test_an_error_without_a_secret_stays_what_it_is() -> None:
    with pytest.raises(KeyError, match="no such thing"):
        breaks.fn()


def test_a_suspension_is_no_error() -> None:
    """A step that is interrupted by Prefect's own signals passes them on."""

    @ensure("pause")
    def pauses() -> None:
        raise Pause

    with pytest.raises(Pause):
        pauses.fn()


def test_outside_of_a_run_nothing_is_shown_or_asked() -> None:
    assert run_url() == ""
    show("The plan!", "# plan", description="what")
    stop_if_cancelled()


def test_inside_of_a_run_its_page_is_known(prefect_server: str) -> None:
    @flow(persist_result=True)
    def where() -> str:
        show("Plan of acme/lakehouse 1.4.0", "# plan", description="what production would get")
        stop_if_cancelled()
        return run_url()

    run = Run(where)

    assert run.go().result() == f"{prefect_server.removesuffix('/api')}/runs/flow-run/{run.id}"
