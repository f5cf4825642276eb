"""The plan that was approved can be kept, and what was kept is believed only if its digest fits."""

import json

import pytest
from plan_files import bound, json_of

from tasks.rules.errors import NeedsHuman
from tasks.rules.release import ProductionPlan

PLAN = bound(json_of("pipeline_recreated"), destructive=("resources.pipelines.ingest",), page="everything")


def test_what_is_kept_is_read_again() -> None:
    assert ProductionPlan.of_bytes(PLAN.to_bytes()) == PLAN


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"[]",
        b"{}",
        PLAN.to_bytes().replace(b"recreate", b"update"),
        PLAN.to_bytes().replace(b'"target":"prod"', b'"target":"dev"'),
        json.dumps({**json.loads(PLAN.to_bytes()), "another": 1}).encode(),
    ],
)
def test_what_somebody_changed_is_refused(stored: bytes) -> None:
    with pytest.raises(NeedsHuman, match="is not what dabflow stored"):
        ProductionPlan.of_bytes(stored)
