"""What `dabflow status` says, for people and for programs."""

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from golden_files import GOLDEN, Golden
from rich.console import Console

from deployments.advice import advice, as_json
from deployments.commands.status import show
from deployments.runs import Run
from deployments.standings import Environment, Overview, Standing
from deployments.status_text import page, same
from tasks.rules.drift import BundleLook, FieldDrift, Look, ResourceDrift
from tasks.rules.outcomes import Hold
from tasks.rules.phases import Phase

RUN = Run("1", "acme/lakehouse 1.4.0", "PAUSED", "Suspended", "", "http://prefect/runs/flow-run/1")
WAITING = Standing("1.4.0", Phase.PROPOSED, "http://github/pull/7", RUN, "0 of 1 approving reviews")
OLD, NEW = "0" * 40, "1" * 40
AT = datetime(2026, 11, 24, 18, tzinfo=UTC)
STAGING = Environment(
    "staging",
    "staging",
    "1.4.0",
    NEW,
    NEW,
    left=True,
    since=AT,
    run_url="http://prefect/runs/flow-run/1",
    requested_by="rita",
)
PRODUCTION = Environment(
    "production",
    "prod",
    "1.3.0",
    OLD,
    OLD,
    left=True,
    since=AT - timedelta(days=7),
    run_url="http://prefect/runs/flow-run/0",
    requested_by="rita",
    approved_by=("ravi", "rosa"),
    in_form=True,
    drift=Look("production", "prod", AT, "1.3.0", (BundleLook(".", OLD),)),
)
SEEN = Overview(
    "acme/lakehouse", "1.3.0", news=True, standings=(WAITING,), environments=(STAGING, PRODUCTION)
)


DRIFT = BundleLook(
    ".", OLD, (ResourceDrift("resources.jobs.a", "changed", (FieldDrift("max_concurrent_runs", 1, 7),)),)
)


def shown(seen: Overview) -> str:
    out = io.StringIO()
    show(seen, Console(file=out, width=100, highlight=False))
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def test_a_release_that_waits(golden: Golden) -> None:
    golden.check("status/waiting.txt", shown(SEEN))
    golden.check("status/waiting.json", json.dumps(as_json(SEEN), indent=2, sort_keys=True) + "\n")


def test_a_release_that_is_blocked(golden: Golden) -> None:
    blocked = replace(WAITING, blocked="by rosa: an incident")

    golden.check("status/blocked.txt", shown(replace(SEEN, standings=(blocked,))))


def test_everything_at_once(golden: Golden) -> None:
    """A hotfix overtakes a release that stopped half way, another back-merge waits, a rollback asks, a version is held."""
    stopped = replace(
        WAITING, phase=Phase.TAGGED, stopped="the smoke job smoke_test failed", missing="somebody's decision"
    )
    hotfix = replace(WAITING, version="1.3.1", kind="hotfix", fix="12", run=replace(RUN, kind="RUNNING"))
    ended = replace(WAITING, version="1.3.2", kind="hotfix", fix="fix/rounding", run=None)
    back = replace(
        WAITING, version="1.2.1", kind="hotfix", fix="9", phase=Phase.PUBLISHED, missing="#21 conflicts"
    )
    rollback = replace(WAITING, version="rollback-1.4.0-to-1.3.0", kind="rollback", run=None)
    abandoned = replace(WAITING, version="1.2.0", phase=Phase.PUBLISHED, given_up="abandoned", run=None)
    held = Hold("1.1.0", "1.0.0", "rosa", "wrong figures", datetime(2026, 11, 24, tzinfo=UTC))
    seen = replace(
        SEEN,
        standings=(stopped, hotfix, ended, back, rollback, abandoned),
        environments=(STAGING, replace(PRODUCTION, running=NEW, unfinished=True)),
        holds=(held,),
    )

    golden.check("status/everything.txt", shown(seen))
    golden.check("status/everything.md", page(seen, AT))
    golden.check("status/everything.json", json.dumps(as_json(seen), indent=2, sort_keys=True) + "\n")


def test_nothing_under_way_and_a_deploy_by_hand(golden: Golden) -> None:
    by_hand = replace(
        PRODUCTION,
        running=NEW,
        left=False,
        drift=Look("production", "prod", AT, "1.3.0", (DRIFT,), since=AT),
        bundles=(("ingest", OLD), ("reports", NEW)),
    )
    silent = replace(
        STAGING,
        running="",
        left=False,
        problem="this worker cannot reach the target staging",
        drift=Look("staging", "staging", AT - timedelta(days=1), "1.3.0", (DRIFT,)),
    )
    seen = replace(SEEN, standings=(), environments=(silent, by_hand), prefect_problem="Prefect is away")

    golden.check("status/by_hand.txt", shown(seen))
    golden.check("status/by_hand.md", page(seen, AT))
    golden.check("status/by_hand.json", json.dumps(as_json(seen), indent=2, sort_keys=True) + "\n")


def test_what_others_wrote_is_no_markup_on_the_page() -> None:
    hostile = "[x](https://evil.example) <img src=x> | @all `a`\n# b"
    standing = replace(WAITING, missing=hostile, blocked=hostile)
    seen = replace(SEEN, standings=(standing,), prefect_problem=hostile)

    text = page(seen, AT)

    assert "](https://evil" not in text
    assert not re.search(r"(?<!\\)<img", text)
    assert "@all" not in text
    assert "\n# b" not in text
    assert same(text, page(seen, AT + timedelta(hours=1)))
    assert not same(text, page(SEEN, AT))


def test_a_release_that_has_just_been_started() -> None:
    seen = replace(SEEN, standings=(), beginning=replace(RUN, kind="PENDING"))

    assert advice(seen) == ["nothing: a release has just been started: http://prefect/runs/flow-run/1"]


@pytest.mark.parametrize(
    ("phase", "run", "says"),
    [
        (Phase.TAGGED, replace(RUN, kind="FAILED"), "start it again"),
        (Phase.TAGGED, replace(RUN, kind="RUNNING"), "dabflow is at it"),
        (Phase.TAGGED, None, "start it again"),
        (Phase.REJECTED, None, "push a fix"),
        (Phase.PLANNED, None, "nobody has begun it"),
        (Phase.BACK_MERGED, None, "it is finished"),
    ],
)
def test_what_somebody_does_next(phase: Phase, run: Run | None, says: str) -> None:
    seen = replace(SEEN, standings=(replace(WAITING, phase=phase, run=run),))

    assert says in advice(seen)[0]


def test_every_key_is_on_the_page_about_it() -> None:
    """Programs read them; a new one is written down, and none goes away."""
    page_text = (Path(__file__).parents[2] / "docs" / "reference" / "status-json.md").read_text("utf-8")
    golden_json = json.loads((GOLDEN / "status" / "everything.json").read_text("utf-8"))
    environment = golden_json["environments"]["production"]
    groups = (golden_json, environment, *golden_json["releases"], *golden_json["holds"])
    keys = {key for group in groups for key in group} - {"environments", "releases", "holds"}

    assert [key for key in sorted(keys) if f"`{key}`" not in page_text] == []
