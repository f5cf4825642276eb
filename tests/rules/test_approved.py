"""What was approved counts later only as it was kept, and only for that plan or a rest of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from plan_files import SUBJECT, bound, json_of

from tasks.rules.approved import approved_before, shown_facts
from tasks.rules.evidence import Chain

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PLAN = bound(json_of("pipeline_recreated"), destructive=("resources.pipelines.ingest",), page="everything")
OTHER = bound(json_of("job_removed"))
NOTHING_LEFT = bound(json_of("no_change"))


def chain(shown: dict[str, Any], approved: str | None) -> Chain:
    """A chain in which a plan was shown, and a digest approved."""
    found = Chain("acme/lakehouse", "1.4.0").with_entry("shown", shown, NOW)
    return found if approved is None else found.with_entry("approved", {"digest": approved}, NOW)


def test_the_plan_that_was_approved() -> None:
    assert approved_before(chain(shown_facts(PLAN, 7), PLAN.digest), PLAN)


def test_it_is_kept_through_json() -> None:
    kept = Chain.of_bytes(chain(shown_facts(PLAN, 7), PLAN.digest).to_bytes())

    assert approved_before(kept, PLAN)


def test_what_is_left_of_it_was_approved_with_it() -> None:
    assert approved_before(chain(shown_facts(PLAN, 7), PLAN.digest), NOTHING_LEFT)


def test_shown_is_not_approved() -> None:
    assert not approved_before(chain(shown_facts(PLAN, 7), None), PLAN)
    assert not approved_before(Chain("acme/lakehouse", "1.4.0"), PLAN)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(OTHER, id="another plan"),
        pytest.param(
            bound(json_of("pipeline_recreated"), subject=replace(SUBJECT, deployer="x")), id="deployer"
        ),
        pytest.param(
            bound(json_of("pipeline_recreated"), subject=replace(SUBJECT, tree="0" * 40)), id="tree"
        ),
    ],
)
def test_another_plan_was_not(other: Any) -> None:
    assert not approved_before(chain(shown_facts(PLAN, 7), PLAN.digest), other)


@pytest.mark.parametrize(("old", "new"), [("recreate", "update"), ('"target": "prod"', '"target": "dev"')])
def test_a_plan_that_somebody_changed_where_it_is_kept_counts_for_nothing(old: str, new: str) -> None:
    """The chain may be whole, written anew; the plan in it does not have the digest that was approved."""
    text = json.dumps(shown_facts(PLAN, 7))
    assert old in text
    changed = json.loads(text.replace(old, new))
    as_changed = replace(
        PLAN, plans=changed["plans"], subject=replace(SUBJECT, target=changed["subject"]["target"])
    )

    assert not approved_before(chain(changed, PLAN.digest), PLAN)
    assert not approved_before(chain(changed, PLAN.digest), as_changed)


def test_an_approval_of_what_was_withdrawn_since_counts_no_more() -> None:
    withdrawn = chain(shown_facts(PLAN, 7), PLAN.digest).with_entry("withdrawn", {"to": "1.3.0"}, NOW)
    again = withdrawn.with_entry("shown", shown_facts(PLAN, 7), NOW)

    assert not approved_before(withdrawn, PLAN)
    assert not approved_before(again, PLAN)
    assert approved_before(again.with_entry("approved", {"digest": PLAN.digest}, NOW), PLAN)


@pytest.mark.parametrize("end", ["rolled back", "rejected"])
def test_an_approval_of_an_earlier_rollback_of_that_name_counts_no_more(end: str) -> None:
    name = "rollback-1.4.0-to-1.3.0"
    earlier = replace(chain(shown_facts(PLAN, 7), PLAN.digest), version=name)
    ended = earlier.with_entry(end, {}, NOW)

    assert approved_before(earlier, PLAN)
    assert not approved_before(ended, PLAN)
    assert not approved_before(ended.with_entry("shown", shown_facts(PLAN, 7), NOW), PLAN)
