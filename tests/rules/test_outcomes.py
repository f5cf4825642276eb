"""What became of a release, as its evidence says it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.rules.evidence import Chain
from tasks.rules.names import Named
from tasks.rules.outcomes import given_up, held, is_over, kind_in, may_go_again, stop_of_another, stopped
from tasks.rules.versions import Version

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
STOP = {"commit": "c" * 40, "problem": "the smoke job failed"}
WITHDRAWN = {"to": "1.4.0", "by": "rita", "reason": "wrong figures"}


def chain_of(*entries: tuple[str, dict[str, Any]]) -> Chain:
    chain = Chain("acme/lakehouse", "1.5.0")
    for minutes, (kind, facts) in enumerate(entries):
        chain = chain.with_entry(kind, facts, START + timedelta(minutes=minutes))
    return chain


@pytest.mark.parametrize(
    ("entries", "number"),
    [
        pytest.param([], None, id="nothing happened"),
        pytest.param([("stopped in production", STOP)], 1, id="stopped"),
        pytest.param([("stopped in production", STOP), ("retried", {})], None, id="retried"),
        pytest.param(
            [("stopped in production", STOP), ("retried", {}), ("stopped in production", STOP)], 2, id="again"
        ),
        pytest.param([("stopped in production", STOP), ("smoked", {})], None, id="done after all"),
        pytest.param([("stopped in production", STOP), ("abandoned", {})], None, id="abandoned"),
        pytest.param([("stopped in production", STOP), ("withdrawn", WITHDRAWN)], None, id="rolled back"),
    ],
)
def test_a_stop_holds_until_somebody_has_decided(
    entries: list[tuple[str, dict[str, Any]]], number: int | None
) -> None:
    stop = stopped(chain_of(*entries))
    assert (stop.number if stop else None) == number


def test_a_stop_says_where_and_why() -> None:
    stop = stopped(chain_of(("stopped in production", STOP)))
    assert stop is not None
    assert (stop.version, stop.commit, stop.problem) == ("1.5.0", "c" * 40, "the smoke job failed")


def test_the_same_stop_after_a_retry_is_another_entry() -> None:
    chain = chain_of(("stopped in production", STOP))
    assert chain.says("stopped in production", STOP)
    assert not chain_of(("stopped in production", STOP), ("retried", {})).says("stopped in production", STOP)


@pytest.mark.parametrize(
    ("kinds", "what"),
    [
        ([], ""),
        (["withdrawn"], "withdrawn"),
        (["withdrawn", "hold lifted"], ""),
        (["withdrawn", "hold lifted", "withdrawn"], "withdrawn"),
        (["abandoned"], "abandoned"),
    ],
)
def test_given_up(kinds: list[str], what: str) -> None:
    chain = chain_of(*((kind, WITHDRAWN) for kind in kinds))
    assert given_up(chain) == what
    assert (held(chain) is not None) is (what == "withdrawn")


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({}, "release"),
        ({"kind": "hotfix"}, "hotfix"),
        ({"kind": "rollback"}, "rollback"),
        ({"kind": "x"}, "release"),
    ],
)
def test_the_kind_is_the_one_that_was_asked_for(facts: dict[str, Any], kind: str) -> None:
    assert kind_in(chain_of(("asked", facts))) == kind


def test_another_release_that_stopped_half_way_is_found_and_ones_own_stop_is_not() -> None:
    one, other = Version(1, 4, 0), Version(1, 5, 0)
    noted = {"1.5.0": chain_of(("stopped in production", STOP))}

    def found(about: Named, *since: str) -> str:
        stop = stop_of_another(about, since, lambda name: noted.get(name, Chain("acme/lakehouse", name)))
        return stop.version if stop else ""

    assert found(Named(one), "1.4.0", "", "1.5.0") == "1.5.0"
    assert found(Named(one), "1.4.0") == ""
    noted["1.5.0"] = chain_of(("stopped in production", STOP), ("retried", {}))
    assert found(Named(one), "1.5.0") == "1.5.0", "production is half way until that is at its end"
    noted["1.5.0"] = chain_of(("stopped in production", STOP), ("retried", {}), ("smoked", {}))
    assert found(Named(one), "1.5.0") == ""
    noted["1.5.0"] = chain_of(("stopped in production", STOP))
    assert found(Named(other), "1.5.0") == ""
    assert found(Named(one, other), "rollback-1.5.0-to-1.4.0", "1.5.0") == "", "that one decides about it"
    noted["rollback-1.5.0-to-1.4.0"] = noted["1.5.0"]
    assert found(Named(Version(1, 3, 0), other), "rollback-1.5.0-to-1.4.0", "1.5.0") == "", "so does this one"
    assert found(Named(Version(1, 6, 0)), "rollback-1.5.0-to-1.4.0") == "1.5.0"


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        pytest.param([], False, id="nothing happened"),
        pytest.param(["smoked", "withdrawn"], False, id="held"),
        pytest.param(["smoked", "withdrawn", "hold lifted"], True, id="lifted"),
        pytest.param(["smoked", "withdrawn", "hold lifted", "approved", "deployed"], True, id="on its way"),
        pytest.param(["smoked", "withdrawn", "hold lifted", "smoked"], False, id="there again"),
        pytest.param(["smoked", "withdrawn", "hold lifted", "withdrawn"], False, id="withdrawn again"),
        pytest.param(["smoked", "withdrawn", "hold lifted", "restored"], False, id="rolled back to"),
    ],
)
def test_a_version_may_go_again_once_its_hold_is_lifted(kinds: list[str], expected: bool) -> None:
    assert may_go_again(chain_of(*((kind, {}) for kind in kinds))) is expected


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        pytest.param(["merged", "smoked"], "", id="not published yet"),
        pytest.param(["smoked", "back-merged"], "released", id="on its way back into develop"),
        pytest.param(["stopped in production", "abandoned", "back-merged"], "abandoned", id="abandoned"),
        pytest.param(["smoked", "back-merged", "withdrawn"], "withdrawn", id="withdrawn"),
        pytest.param(["smoked", "back-merged", "withdrawn", "hold lifted"], "", id="may go again"),
    ],
)
def test_a_way_to_production_ends_once(kinds: list[str], expected: str) -> None:
    chain = chain_of(*((kind, WITHDRAWN) for kind in kinds))

    assert is_over(chain, published=True) == expected
    assert is_over(chain, published=False) == expected.removeprefix("released"), (
        "its page is gone: made again"
    )
