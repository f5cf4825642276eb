"""What the commands ask Prefect for, and which question an answer is for."""

from datetime import UTC, datetime
from typing import Any

import pytest
from prefect import Flow

from deployments.answering import AfterStop, Answer, Said, insist_on_fitting
from deployments.prefect_api import HOTFIX, RELEASE, ROLLBACK
from deployments.runs import Question
from deployments.starting import Hotfix, Order, Rollback, StandardRelease
from flows.hotfix import hotfix
from flows.rollback import rollback
from flows.standard_release import standard_release
from tasks.rules.errors import NeedsHuman
from tasks.rules.waiting import Waiting

ORDERS: list[Order] = [
    StandardRelease("acme/lakehouse", "rita", bump="minor"),
    StandardRelease("acme/lakehouse", "rita", version="1.4.0"),
    Hotfix("acme/lakehouse", "rita", pull_request=7, reason="paid orders are open", overtakes=True),
    Hotfix("acme/lakehouse", "rita", branch="fix/rounding", mend_withdrawn=True),
    Rollback("acme/lakehouse", "rita", to="1.3.1", reason="alarms for nothing"),
]
FLOWS: dict[str, Flow[Any, Any]] = {RELEASE: standard_release, HOTFIX: hotfix, ROLLBACK: rollback}
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_the_flow_takes_what_is_ordered(order: Order) -> None:
    FLOWS[order.deployment].validate_parameters(order.parameters())


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (Hotfix("acme/lakehouse", "rita"), "give --pr NUMBER or --branch NAME"),
        (Hotfix("acme/lakehouse", "rita", pull_request=7, branch="x"), "give --pr NUMBER or --branch NAME"),
        (Hotfix("acme/lakehouse", "rita", pull_request=0), "there is no pull request #0"),
        (Rollback("acme/lakehouse", "rita", to="1.3", reason="x"), "'1.3' is not a version"),
        (Rollback("acme/lakehouse", "rita", to="1.3.0", reason=" "), "a rollback needs a reason"),
        (StandardRelease("acme/lakehouse", "rita", version="v1"), "'v1' is not a version"),
    ],
)
def test_what_makes_no_sense_is_not_sent(order: Order, says: str) -> None:
    with pytest.raises(NeedsHuman, match=says):
        order.parameters()


@pytest.mark.parametrize(
    ("answer", "question", "how"),
    [
        (Answer("approve"), "approve-1-2-1", ""),
        (Answer("recheck"), "stopped-1-1-1", ""),
        (Answer("recheck"), "back-merge-1", ""),
        (AfterStop("retry"), "stopped-1-1-1", ""),
        (Answer("approve"), "stopped-1-1-1", "dabflow decide 1.4.0"),
        (Answer("reject", "no"), "back-merge-1", "dabflow recheck 1.4.0"),
        (AfterStop("abandon", "why"), "approve-1-2-1", "dabflow approve 1.4.0"),
    ],
)
def test_an_answer_is_for_the_question_that_is_asked(answer: Said, question: str, how: str) -> None:
    waiting = Waiting(
        repository="acme/lakehouse",
        version="1.4.0",
        branch="release/1.4.0",
        number=7,
        question=question,
        missing="what is missing",
        deadline=NOW,
        remind_at=NOW,
        seen="",
    )
    if not how:
        insist_on_fitting(answer, Question(question, ""), waiting, "1.4.0")
        return
    with pytest.raises(NeedsHuman, match="it waits for this: what is missing") as refused:
        insist_on_fitting(answer, Question(question, ""), waiting, "1.4.0")
    assert refused.value.remedy == how
