"""The checks around a deploy, without a deploy."""

import pytest
from plan_files import SUBJECT, bound, json_of

from tasks.deploy_guard import insist_on_nothing_more, insist_on_written
from tasks.rules.errors import NeedsHuman
from tasks.rules.release import Validated

BUNDLE = Validated(".", "prod", "https://prod.example", "/Workspace/x", "us", "1.14.0")


def test_what_is_as_planned_is_fine() -> None:
    insist_on_written(BUNDLE, {"resources.jobs.a"}, ["resources.jobs.a"])


def test_what_is_missing_or_too_much_is_named() -> None:
    with pytest.raises(NeedsHuman) as stopped:
        insist_on_written(
            BUNDLE, {"resources.jobs.a", "resources.jobs.b"}, {"resources.jobs.b", "resources.jobs.c"}
        )

    assert stopped.value.problem.splitlines()[1:] == [
        "  `resources.jobs.c` is there and was not planned",
        "  `resources.jobs.a` was planned and is not there",
    ]


def test_hundreds_of_differences_are_a_readable_error() -> None:
    approved = bound({**json_of("no_change"), "plan": {}})
    entries = {f"resources.jobs.x{number:03}": {"action": "delete"} for number in range(500)}

    with pytest.raises(NeedsHuman) as stopped:
        insist_on_nothing_more(approved, SUBJECT, {".": {**json_of("no_change"), "plan": entries}})

    lines = stopped.value.problem.splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  and 480 more"
