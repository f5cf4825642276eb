"""What a plan of the deployed commit says about what was changed by hand; and what people read of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from golden_files import Golden
from plan_files import made_up, plan_of

from tasks.rules.drift import BundleLook, FieldDrift, Look, ResourceDrift, besides, changed_by_hand
from tasks.rules.drift_text import drift_line, drift_lines
from tasks.rules.errors import NeedsHuman
from tasks.rules.news import drift_found

AT = datetime(2026, 11, 24, 6, tzinfo=UTC)
NEW, OLD = "1" * 40, "0" * 40
JOB = ResourceDrift(
    "resources.jobs.daily_report",
    "changed",
    (
        FieldDrift("max_concurrent_runs", 1, 7),
        FieldDrift("description", "The orders of a day", None),
        FieldDrift("tags['by']", None, "[night shift](https://evil.example)"),
        FieldDrift("spark_env_vars.DB_PASSWORD", "(redacted)", "(redacted)"),
    ),
)
GONE = ResourceDrift("resources.pipelines.ingest", "deleted")
LOOK = Look("production", "prod", AT, "1.4.0", (BundleLook(".", NEW, (JOB, GONE)),)).after(None)
TWO = replace(
    LOOK,
    bundles=(
        BundleLook("ingest", NEW, instead=OLD, besides=("resources.jobs.load",)),
        BundleLook("reports", OLD, (JOB,)),
        BundleLook("sales", NEW, problem="the workspace does not answer"),
    ),
)
CLEAN = replace(LOOK, bundles=(BundleLook(".", NEW),), since=None)
AWAY = replace(CLEAN, bundles=(), problem="the workspace of prod does not answer")


def test_a_field_that_somebody_changed() -> None:
    plan = plan_of("drift")

    found = changed_by_hand(plan, known=[each.key for each in plan.resources])

    assert found
    assert all(each.what == "changed" for each in found)
    assert besides(plan, found) == ()


def test_a_resource_that_somebody_deleted() -> None:
    plan = plan_of("deleted_by_hand")

    found = changed_by_hand(plan, known=[each.key for each in plan.resources])

    assert [each.what for each in found if each.key == plan.changes[0].key] == ["deleted"]


@pytest.mark.parametrize("name", ["no_change", "job_changed", "job_removed", "clean_target", "wheel_changed"])
def test_what_the_bundle_changes_is_no_drift(name: str) -> None:
    plan = plan_of(name)

    assert changed_by_hand(plan, known=()) == ()
    assert len(besides(plan, ())) == len([c for c in plan.changes if not c.gone])


def test_secrets_are_hidden() -> None:
    def change(old: object, remote: object) -> dict[str, object]:
        return {"action": "update", "old": old, "new": old, "remote": remote}

    fields = {"env.DB_PASSWORD": change("hunter2", "hunter3"), "parameters": change(["--token", "dapi1"], [])}
    secret = {"string_value": change("hunter4", "hunter5")}
    plan = made_up(
        jobs__a={"action": "update", "changes": fields}, secrets__b={"action": "update", "changes": secret}
    )

    told = json.dumps([LOOK.to_json(), repr(changed_by_hand(plan, known=()))])

    assert not [word for word in ("hunter", "dapi1") if word in told]


def test_a_long_value_is_cut() -> None:
    change = {"action": "update", "old": "x" * 900, "new": "x" * 900, "remote": ["y" * 900]}
    plan = made_up(jobs__a={"action": "update", "changes": {"name": change}})

    ((field,),) = [each.fields for each in changed_by_hand(plan, known=())]

    assert len(str(field.deployed)) == len(str(field.now)) == 201


@pytest.mark.parametrize("look", [LOOK, TWO, CLEAN, AWAY], ids=["drift", "two", "clean", "away"])
def test_a_look_survives_json(look: Look) -> None:
    assert Look.of_json(json.loads(json.dumps(look.to_json()))) == look


@pytest.mark.parametrize("stored", [None, 7, {}, {**LOOK.to_json(), "at": "now"}])
def test_nonsense_is_refused(stored: Any) -> None:
    with pytest.raises(NeedsHuman, match="cannot be read"):
        Look.of_json(stored)


def test_drift_is_there_since_it_was_seen_first() -> None:
    later = replace(LOOK, at=AT + timedelta(days=1), since=None)
    other = replace(later, bundles=(BundleLook(".", NEW, (GONE,)),))

    assert LOOK.since == AT
    assert later.after(LOOK).since == AT
    assert other.after(LOOK).since == other.at, "it is other drift"
    assert later.after(CLEAN).since == later.at, "it was gone"
    assert CLEAN.after(LOOK).since is None
    assert drift_found("a/b", later.after(LOOK), "").key == drift_found("a/b", LOOK, "").key
    assert drift_found("a/b", later.after(CLEAN), "").key != drift_found("a/b", LOOK, "").key


def test_what_people_read(golden: Golden) -> None:
    shown = [
        f"{drift_line(look)}\n" + "".join(f"{line}\n" for line in drift_lines(look))
        for look in (LOOK, TWO, CLEAN, AWAY)
    ]
    news = [drift_found("acme/lakehouse", look, "https://prefect.example/runs/7") for look in (LOOK, TWO)]
    told = [f"[{one.about}] {one.title}\n{one.body}\n" for one in news]

    golden.check("news/drift.txt", "\n".join([*shown, *told]))
    golden.check("news/drift.json", json.dumps(TWO.to_json(), indent=2, sort_keys=True) + "\n")
