"""An approval is bound to what would be done, and not to what moves by itself."""

import random
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import patient
from plan_files import NAMES, json_of

from tasks.rules import digests
from tasks.rules.digests import Subject, canonical, kept, short

SUBJECT = Subject(
    commit="a" * 40,
    tree="b" * 40,
    cli_version="1.14.0",
    target="prod",
    host="https://prod.example",
    deployer="11111111-2222-3333-4444-555555555555",
)


def digest(subject: Subject, plans: dict[str, dict[str, Any]]) -> str:
    return digests.digest(subject, {bundle: kept(plan) for bundle, plan in plans.items()})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NUMBERS = [f"0b9c{n}e3f-8a4d-4c1b-9f0e-2d6a7b5c4e3f" for n in range(3)]
PLANS = st.sampled_from(NAMES).map(json_of)


def shuffled(value: Any, chance: random.Random) -> Any:
    match value:
        case dict():
            keys = list(value)
            chance.shuffle(keys)
            return {key: shuffled(value[key], chance) for key in keys}
        case list():
            return [shuffled(inner, chance) for inner in value]
        case _:
            return value


@patient
@given(PLANS, st.randoms(use_true_random=True))  # the other kind takes 100 times as long
def test_the_order_of_keys_does_not_matter(plan: dict[str, Any], chance: random.Random) -> None:
    assert canonical(shuffled(plan, chance)) == canonical(plan)


@patient
@given(PLANS, st.text(), st.integers(), JSON)
def test_what_moves_by_itself_does_not_matter(
    plan: dict[str, Any], lineage: str, serial: int, remote: Any
) -> None:
    other = {**deepcopy(plan), "lineage": lineage, "serial": serial}
    for entry in other["plan"].values():
        entry["remote_state"] = remote
        entry["id"] = str(serial)
        entry["changes"] = {**entry.get("changes", {}), "skipped": {"action": "skip", "remote": remote}}

    assert canonical(other) == canonical(plan)


@patient
@given(st.integers(min_value=0), st.integers(min_value=0))
def test_the_build_time_in_a_wheels_name_does_not_matter(one: int, other: int) -> None:
    def plan(time: int) -> dict[str, Any]:
        wheel = f"/Workspace/x/lakehouse-0.1.0+{time}-py3-none-any.whl"
        return changed_field({"action": "update", "old": "y-1+5-py3-none-any.whl", "new": wheel})

    assert canonical(plan(one)) == canonical(plan(other))


@pytest.mark.parametrize(
    "wheel",
    [
        "lakehouse-0.1.1+17-py3-none-any.whl",
        "lakehouse-0.1.0-py3-none-any.whl",
        "lakehouse-0.1.0+g17-py3-none-any.whl",
    ],
)
def test_the_version_of_a_wheel_matters(wheel: str) -> None:
    before = changed_field({"action": "update", "new": "lakehouse-0.1.0+17-py3-none-any.whl"})

    assert canonical(changed_field({"action": "update", "new": wheel})) != canonical(before)


def changed_field(change: dict[str, Any]) -> dict[str, Any]:
    return {
        "plan_version": 2,
        "cli_version": "1.14.0",
        "plan": {"resources.jobs.x": {"action": "update", "changes": {"field": change}}},
    }


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("cli_version",), "1.15.0"),
        (("plan", "resources.jobs.daily_report", "action"), "recreate"),
        (("plan", "resources.jobs.daily_report", "gone"), True),
        (("plan", "resources.jobs.daily_report", "depends_on"), [{"node": "resources.jobs.smoke_test"}]),
        (("plan", "resources.jobs.daily_report", "new_state", "value", "max_concurrent_runs"), 2),
        (
            ("plan", "resources.jobs.daily_report", "changes", "schedule.quartz_cron_expression", "new"),
            "0 0 7 * * ?",
        ),
        (
            ("plan", "resources.jobs.daily_report", "changes", "schedule.quartz_cron_expression", "remote"),
            "by hand",
        ),
        (("plan", "resources.jobs.smoke_test", "action"), "delete"),
        (("plan", "resources.jobs.another"), {"action": "create"}),
    ],
)
def test_what_would_be_done_matters(where: tuple[str, ...], value: object) -> None:
    plan = json_of("job_changed")
    other = deepcopy(plan)
    *path, last = where
    place = other
    for part in path:
        place = place[part]
    place[last] = value

    assert canonical(other) != canonical(plan)


@pytest.mark.parametrize("field", ["commit", "tree", "cli_version", "target", "host", "deployer"])
def test_the_subject_matters(field: str) -> None:
    plans = {".": json_of("job_changed")}
    changed: dict[str, Any] = {field: "another"}
    other = replace(SUBJECT, **changed)

    assert digest(other, plans) != digest(SUBJECT, plans)


def test_where_a_bundle_goes_and_with_what_matters() -> None:
    plans = {".": json_of("job_changed")}
    here = replace(SUBJECT, roots={".": "/a"}, variables={".": {"catalog": "prod"}})

    others = [
        replace(here, roots={".": "/b"}),
        replace(here, roots={"other": "/a"}),
        replace(here, variables={".": {"catalog": "dev"}}),
        replace(here, variables={".": {}}),
    ]

    assert len({digest(each, plans) for each in [here, *others]}) == 5


def test_a_secret_matters_and_is_not_kept() -> None:
    def env(secret: str) -> dict[str, Any]:
        plan = json_of("job_changed")
        task = plan["plan"]["resources.jobs.daily_report"]["new_state"]["value"]["tasks"][0]
        task["spark_env_vars"] = {"DB_PASSWORD": secret}
        change = {"action": "update", "old": "hunter0", "new": secret}
        plan["plan"]["resources.jobs.daily_report"]["changes"]["spark_env_vars.DB_PASSWORD"] = change
        return plan

    one, other = canonical(env("hunter1")), canonical(env("hunter2"))

    assert one != other
    assert one == canonical(env("hunter1"))
    assert b"hunter" not in one + other
    assert b"(redacted " in one


def test_the_variables_are_kept_without_their_secrets() -> None:
    def found(password: str) -> dict[str, object]:
        return digests.variables_of(
            {
                "variables": {
                    "catalog": {"default": "dev", "value": "prod", "description": "where to"},
                    "size": {"default": 3},
                    "db_password": {"value": password},
                }
            }
        )

    assert found("hunter1") == found("hunter1") | {"catalog": "prod", "size": 3}
    assert found("hunter1") != found("hunter2")
    assert "hunter" not in str(found("hunter1"))
    assert digests.variables_of({}) == {}


def test_the_secrets_among_the_variables_are_found() -> None:
    variables = {
        "db_password": {"value": "hunter2-hunter2"},
        "api_token": {"value": "short"},
        "catalog": {"value": "prod"},
        "command": {"value": ["--token", "hunter3"]},
        "from_scope": {"value": {"password": "{{secrets/scope/key}}"}},
    }
    validated = {"variables": variables}

    assert digests.secrets_of(validated) == ("hunter2-hunter2", "hunter3")
    assert digests.holds_secrets(digests.variables_of(validated))
    assert not digests.holds_secrets(digests.variables_of({"variables": {"catalog": {"value": "prod"}}}))


def test_the_released_commit_in_a_job_is_the_same_before_and_after_the_merge() -> None:
    """A bundle may write its commit into a tag; the merge commit has another number and the same tree."""
    candidate, merge = "c" * 40, "d" * 40
    one, other = ({"new": f"git:{sha}", "action": "update"} for sha in (candidate, merge))

    assert canonical(changed_field(one), commit=candidate) == canonical(changed_field(other), commit=merge)
    assert canonical(changed_field(one), commit=merge) != canonical(changed_field(other), commit=merge)


def test_a_run_that_each_deploy_starts_is_the_same_in_each_plan() -> None:
    """The real command gives it a new number in each plan (`bundle/direct/dresources/job_run.go`, CLI 1.14)."""

    def plan(number: str, parameter: str = NUMBERS[0]) -> dict[str, Any]:
        change = {"action": "recreate", "old": NUMBERS[0], "new": number}
        value = {
            "job_id": 7,
            "job_parameters": {"day": parameter},
            "lifecycle": {"triggers": {"on_bundle_deploy": number}},
        }
        entry = {
            "action": "recreate",
            "new_state": {"value": value},
            "changes": {"lifecycle.triggers.on_bundle_deploy": change},
        }
        return {"plan_version": 2, "cli_version": "1.14.0", "plan": {"resources.job_runs.now": entry}}

    assert canonical(plan(NUMBERS[1])) == canonical(plan(NUMBERS[2]))
    assert canonical(plan(NUMBERS[1], parameter=NUMBERS[1])) != canonical(plan(NUMBERS[1]))


def test_which_bundle_has_which_plan_matters() -> None:
    one, other = json_of("job_changed"), json_of("drift")

    assert digest(SUBJECT, {"a": one, "b": other}) == digest(SUBJECT, {"b": other, "a": one})
    assert digest(SUBJECT, {"a": one, "b": other}) != digest(SUBJECT, {"a": other, "b": one})
    assert digest(SUBJECT, {"a": one}) != digest(SUBJECT, {"a": one, "b": other})


@pytest.mark.parametrize("host", ["https://prod.example/", "HTTPS://Prod.Example", " https://prod.example"])
def test_the_same_host_may_be_written_differently(host: str) -> None:
    plans = {".": json_of("drift")}

    assert digest(replace(SUBJECT, host=host), plans) == digest(SUBJECT, plans)


def test_all_recordings_differ() -> None:
    assert len({canonical(json_of(name)) for name in NAMES}) == len(NAMES)


def test_the_canonical_form_is_compact_and_keeps_only_what_would_be_done() -> None:
    plan = {"lineage": "x", **changed_field({"new": "ü", "action": "update"})}

    assert canonical(plan).decode() == (
        '{"cli_version":"1.14.0","plan":{"resources.jobs.x":{"action":"update",'
        '"changes":{"field":{"action":"update","new":"ü"}}}},"plan_version":2}'
    )


def test_a_number_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical(changed_field({"action": "update", "new": float("nan")}))


def test_half_a_character_is_no_crash() -> None:
    assert canonical(changed_field({"action": "update", "new": "\ud800"}))


def test_the_digest_never_changes_its_form_unnoticed() -> None:
    """An approval given before an upgrade of dabflow must still be found after it."""
    plans = {".": changed_field({"action": "update", "old": 1, "new": 2})}

    assert digest(SUBJECT, plans) == "953a8504153af59d976d7e94af13959e10832be92c3ed5f450fb25955d7c7a3b"
    assert short(digest(SUBJECT, plans)) == "953a8504153a"
