"""Whether production is as the last release left it, and what may go there next."""

import pytest
from golden_files import Golden

from tasks.rules.errors import NeedsHuman
from tasks.rules.known_state import Place, Recorded, insist_on_order
from tasks.rules.release import BundleRuns

OLDER, LAST, NEXT, STRANGER = "0" * 40, "1" * 40, "2" * 40, "3" * 40
RELEASED = Recorded(LAST)
ADOPTED = Recorded(STRANGER, adopted=True)


def problem(place: Place, recorded: Recorded | None) -> str:
    try:
        insist_on_order(place, recorded, {NEXT}, version="1.4.0")
    except NeedsHuman as error:
        return f"{error}\n"
    return ""


@pytest.mark.parametrize(
    ("place", "recorded"),
    [
        pytest.param(Place("prod", None), None, id="nothing is there yet"),
        pytest.param(Place("prod", LAST), RELEASED, id="the last release"),
        pytest.param(Place("prod", NEXT, contained=False), RELEASED, id="this release, half way"),
        pytest.param(
            Place("prod", STRANGER, half_way=True), RELEASED, id="another one half way, on top of it"
        ),
        pytest.param(Place("prod", LAST), None, id="an older release that nobody recorded"),
        pytest.param(Place("prod", STRANGER, known=False, contained=False), ADOPTED, id="adopted"),
        pytest.param(
            Place("prod", OLDER, left=OLDER), RELEASED, id="a bundle that the last release left alone"
        ),
        pytest.param(Place("prod", LAST, left=OLDER), RELEASED, id="the same, with the released tag by hand"),
        pytest.param(
            Place("prod", OLDER, left=OLDER, contained=False), ADOPTED, id="adopted, bundle by bundle"
        ),
        pytest.param(Place("prod", None, added=True), RELEASED, id="a bundle that was never deployed"),
        pytest.param(Place("prod", OLDER, added=True), RELEASED, id="one that was deployed before by itself"),
    ],
)
def test_the_next_one_in_order_may_go(place: Place, recorded: Recorded | None) -> None:
    assert problem(place, recorded) == ""


def test_what_stops(golden: Golden) -> None:
    drift = "  update job `daily_report`\n  create job `export`"
    stops = {
        "by hand, a commit of the repository": (Place("prod", STRANGER, difference=drift), RELEASED),
        "by hand, an unknown commit": (Place("prod", STRANGER, known=False, contained=False), RELEASED),
        "gone": (Place("prod", None), RELEASED),
        "newer": (Place("prod", LAST, contained=False), RELEASED),
        "half way, and not contained": (Place("prod", STRANGER, contained=False, half_way=True), RELEASED),
        "unknown, and nothing was released yet": (
            Place("prod", STRANGER, known=False, contained=False),
            None,
        ),
        "of a bundle that was left alone, another one": (
            Place("prod", STRANGER, bundle="reports", left=OLDER),
            RELEASED,
        ),
        "of a bundle that was left alone, nothing": (
            Place("prod", None, bundle="reports", left=OLDER),
            RELEASED,
        ),
        "a bundle that was deployed by itself, newer": (
            Place("prod", STRANGER, bundle="extra", added=True, contained=False),
            RELEASED,
        ),
        "another one since it was adopted": (Place("prod", LAST), ADOPTED),
    }
    golden.check(
        "texts/known_state.txt", "\n".join(f"# {what}\n{problem(*so)}" for what, so in stops.items())
    )


def test_what_a_bundle_was_left_at() -> None:
    one_commit = Recorded(LAST, folders=frozenset({"ingest"}))
    each = Recorded(
        LAST, bundles={"/ingest": LAST, "/reports": OLDER}, folders=frozenset({"ingest", "reports"})
    )

    assert Recorded(LAST).of("any", "/any") == LAST, "nobody knows which bundles it had"
    assert (one_commit.of("ingest", "/ingest"), one_commit.of("new", "/new")) == (LAST, None)
    assert (each.of("reports", "/reports"), each.of("moved/reports", "/reports")) == (OLDER, OLDER)
    assert each.of("reports", "/another") is None, (
        "its name or folder on the target is another one: it is a new bundle"
    )
    assert [each.left(BundleRuns("reports", "/reports", at)) for at in (OLDER, LAST, STRANGER)] == [
        True,
        True,
        False,
    ]
