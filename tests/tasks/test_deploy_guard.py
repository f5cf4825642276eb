"""The checks around a deploy, without a deploy."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from golden_files import Golden
from plan_files import SUBJECT, bound, json_of

from tasks.bundles import insist_on_a_state
from tasks.deploy_guard import insist_on_approval, insist_on_nothing_more, insist_on_written
from tasks.rules.errors import NeedsHuman
from tasks.rules.plans import Plan
from tasks.rules.release import Validated
from tasks.systems.workspace import Orphan
from tasks.unfinished import left_behind

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


def test_every_refusal_says_what_to_do(golden: Golden) -> None:
    approved = bound(json_of("job_changed"))
    orphan = Orphan("job", "7", "daily_report", "https://prod.example/jobs/7")
    first = Plan.of_object(json_of("clean_target"))
    now = replace(SUBJECT, cli_version="1.15.0", deployer="somebody")
    refusals: dict[str, Callable[[], object]] = {
        "nobody approved": lambda: insist_on_approval(None),
        "protected": lambda: insist_on_approval(replace(approved, protected=("resources.pipelines.ingest",))),
        "something else": lambda: insist_on_nothing_more(approved, now, {".": json_of("drift")}),
        "another state": lambda: insist_on_written(BUNDLE, {"resources.jobs.a"}, {"resources.jobs.b"}),
        "no state": lambda: insist_on_a_state(BUNDLE, first, "9" * 40),
    }
    texts = [f"# {name}\n{refused(refusal)}\n" for name, refusal in refusals.items()]
    texts.append(f"# left behind\n{left_behind(BUNDLE, [orphan])}\n")

    golden.check("texts/deploy_refusals.txt", "\n".join(texts))


def refused(refusal: Callable[[], object]) -> NeedsHuman:
    with pytest.raises(NeedsHuman) as stopped:
        refusal()
    return stopped.value
