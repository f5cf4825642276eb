"""The plan of several bundles as one thing that is read and approved."""

from dataclasses import replace
from typing import Any

import pytest
from golden_files import Golden
from plan_files import SUBJECT

from tasks.rules import digests
from tasks.rules.affected import Protection
from tasks.rules.bound_plan import REST, ROOM, bound_plan
from tasks.rules.bundle_text import LeftBehind
from tasks.rules.markdown import GITHUB_LIMIT
from tasks.rules.plan_text import About
from tasks.rules.plans import Plan
from tasks.rules.release import ProductionPlan

TWO = replace(SUBJECT, roots={"sales": "/sales", "stock": "/stock"}, variables={})


def printed(**entries: dict[str, Any]) -> dict[str, Any]:
    plan = {f"resources.{key.replace('__', '.')}": entry for key, entry in entries.items()}
    return {"plan_version": 2, "cli_version": "1.14.0", "lineage": "x", "serial": 1, "plan": plan}


def whole(
    plans: dict[str, dict[str, Any]], protections: dict[str, Protection] | None = None
) -> ProductionPlan:
    pages = [
        (
            Plan.of_object(plan),
            About(
                "prod",
                SUBJECT.commit,
                "9" * 40,
                bundle=bundle,
                several=len(plans) > 1,
                protection=(protections or {}).get(bundle, Protection()),
            ),
        )
        for bundle, plan in plans.items()
    ]
    subject = TWO if len(plans) > 1 else SUBJECT
    return bound_plan(subject, plans, pages, gate_changes=("approvals",))


SALES = printed(jobs__report={"action": "delete"}, pipelines__ingest={"action": "recreate"})
STOCK = printed(jobs__report={"action": "delete"}, jobs__other={"action": "create"})


def test_each_destructive_change_is_named_with_its_bundle() -> None:
    """Two bundles may have a job of the same name."""
    protection = {"stock": Protection(deployed=frozenset({"resources.jobs.report"}))}
    plan = whole({"sales": SALES, "stock": STOCK}, protection)

    assert plan.destructive == (
        "sales:resources.jobs.report",
        "sales:resources.pipelines.ingest",
        "stock:resources.jobs.report",
    )
    assert plan.protected == ("stock:resources.jobs.report",)
    assert all(f"`{key}`" in plan.page for key in plan.destructive)
    assert plan.line == (
        "sales: 1 to delete, 1 to recreate; 2 destructive; stock: 1 to delete, 1 to create; 1 destructive"
    )
    assert plan.gate_changes == ("approvals",)


def test_one_bundle_needs_no_name() -> None:
    assert whole({".": SALES}).destructive == ("resources.jobs.report", "resources.pipelines.ingest")


def test_what_is_kept_has_the_digest_that_was_approved() -> None:
    plan = whole({"sales": SALES, "stock": STOCK})

    assert plan.digest == digests.digest(plan.subject, plan.plans)


def test_a_page_of_several_bundles(golden: Golden) -> None:
    """Each bundle under its own heading, one sum; what stays as it is, and what stays behind, is said."""
    change = {"action": "update", "old": 1, "new": 2, "remote": 1}
    sales = printed(
        jobs__report={"action": "update", "changes": {"max_concurrent_runs": change}},
        pipelines__ingest={"action": "recreate"},
    )
    same = printed(jobs__count={"action": "skip"}, jobs__smoke={"action": "skip"})
    pages = [
        (
            Plan.of_object(sales),
            About("prod", SUBJECT.commit, "9" * 40, ["sales/a.py"], "sales", several=True),
        ),
        (
            Plan.of_object(same),
            About("prod", SUBJECT.commit, "8" * 40, (), "stock", several=True, unchanged="1.3.0"),
        ),
    ]
    left = [
        LeftBehind(
            "old",
            "prod",
            "1.3.0",
            "/old/prod",
            {"resources.jobs.old": "17", "resources.jobs.old.permissions": "/jobs/17"},
        ),
        LeftBehind("older", "prod", "1.3.0", unknown="the bundle has no target prod"),
    ]
    plan = bound_plan(TWO, {"sales": sales, "stock": same}, pages, left_behind=left)

    golden.check("plans/several_bundles.md", plan.page)
    assert plan.unchanged == ("stock",)
    assert plan.line == (
        "sales: 1 to recreate, 1 to update; 1 destructive; stock: nothing changed, it is left as it is;"
        " old: no longer released, and still deployed; older: no longer released, and still deployed"
    )


def test_a_release_of_several_bundles_may_change_none_of_them() -> None:
    same = printed(jobs__count={"action": "skip"})
    pages = [
        (
            Plan.of_object(same),
            About("prod", SUBJECT.commit, "8" * 40, (), bundle, several=True, unchanged="1.3.0"),
        )
        for bundle in ("sales", "stock")
    ]
    page = bound_plan(TWO, {"sales": same, "stock": same}, pages).page

    assert "None of them is deployed" in page
    assert "Deployed one after the other" not in page


@pytest.mark.parametrize("jobs", [1, 500, 5000])
def test_the_text_leaves_room_for_what_else_a_comment_says(jobs: int) -> None:
    entries = {
        f"jobs__report_{number:04}": {
            "action": "update",
            "changes": {"name": {"action": "update", "old": "x", "new": f"{number} " * 50}},
        }
        for number in range(jobs)
    }
    plan = whole({"sales": SALES, "stock": printed(**entries)})

    assert len(plan.markdown) <= ROOM < GITHUB_LIMIT
    assert (plan.markdown == plan.page) is (jobs == 1)
    assert (REST in plan.markdown) is (jobs > 1)
    assert all(f"`{key}`" in plan.markdown for key in plan.destructive)
