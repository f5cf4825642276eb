"""What a watcher tells: each thing once, and what a resumed run only looks at again as such."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployments.durations import by_part, part_of
from deployments.following import Asked, Began, Changed, Ended, Follower, Repeats
from deployments.runs import Question, Run, Step

RUN = Run("1", "acme/lakehouse 1.4.0", "RUNNING", "Running", "", "http://prefect/run/1")
CUT = Step("a", "cut the release branch", "RUNNING", "Running", "")
DONE = replace(CUT, kind="COMPLETED", state="Completed")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_each_thing_is_told_once() -> None:
    follower = Follower()

    first = follower.news(RUN, [CUT])
    assert first == [Began(CUT, again=False), Changed(RUN)]
    assert follower.news(RUN, [CUT]) == []
    assert follower.news(RUN, [DONE]) == [Ended(DONE, again=False)]
    assert follower.news(RUN, [DONE]) == []


def test_a_step_that_is_tried_again_is_told_each_time() -> None:
    follower = Follower()
    waits = replace(CUT, kind="SCHEDULED", state="AwaitingRetry")

    told = [follower.news(RUN, [replace(waits, attempt=attempt)]) for attempt in (1, 1, 2)]

    assert [[type(news) for news in news] for news in told] == [[Repeats, Changed], [], [Repeats]]


def test_a_resumed_run_looks_at_its_steps_again() -> None:
    follower = Follower()
    follower.news(RUN, [DONE])
    second = replace(DONE, id="b")

    assert follower.news(RUN, [DONE, second]) == [Ended(second, again=True)]


def test_a_new_question_is_told_and_the_same_one_is_not() -> None:
    follower = Follower()
    waiting = replace(RUN, kind="PAUSED", state="Suspended")
    first, other = Question("approve-aaa-1", "?"), Question("approve-aaa-2", "?")

    assert follower.news(waiting, [], first) == [Asked(waiting, first)]
    assert follower.news(waiting, [], first) == []
    assert follower.news(waiting, [], other) == [Asked(waiting, other)]


def test_who_joins_later_hears_only_what_comes_then() -> None:
    follower = Follower()
    follower.know([DONE])

    assert follower.news(RUN, [DONE]) == [Changed(RUN)]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("plan", "plan and cut"),
        ("plan production", "examine"),
        ("validate staging", "examine"),
        ("deploy production", "production"),
        ("merge", "merge and tag"),
        ("tell GitHub: merged", ""),
    ],
)
def test_a_step_belongs_to_a_part(name: str, part: str) -> None:
    assert part_of(name) == part


def test_steps_side_by_side_count_once() -> None:
    def step(name: str, start: int, end: int) -> Step:
        begin, stop = (NOON + timedelta(seconds=s) for s in (start, end))
        return Step(name + str(start), name, "COMPLETED", "Completed", "", started=begin, ended=stop)

    steps = [
        step("check", 0, 4),
        step("validate prod", 1, 3),
        step("validate prod", 100, 101),
        step("tag", 5, 6),
    ]

    assert by_part(steps) == [("examine", 5.0), ("merge and tag", 1.0)]
