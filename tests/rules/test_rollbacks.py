"""Where a rollback may go, and how far it has come."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from golden_files import Golden

from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import Chain
from tasks.rules.names import Named, named
from tasks.rules.outcomes import Hold
from tasks.rules.phases import Phase
from tasks.rules.rollbacks import (
    Running,
    hold_problem,
    hold_remedy,
    phase_of_rollback,
    still_the_way,
    way_back,
    withdrawn_by,
)
from tasks.rules.versions import Version

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def v(text: str) -> Version:
    return Version.parse(text)


def versions(*texts: str) -> frozenset[Version]:
    return frozenset(map(v, texts))


HOLD = Hold("1.5.0", "1.4.0", "rita", "wrong figures", NOON)
PLAIN = Running(
    runs=v("1.5.0"),
    tagged=versions("1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0"),
    released=versions("1.3.0", "1.4.0", "1.5.0"),
)
HALF_WAY = replace(PLAIN, runs=v("1.4.0"), stopped=v("1.5.0"))
BACK = replace(PLAIN, runs=v("1.4.0"), holds={v("1.5.0"): HOLD})
BEGUN = replace(PLAIN, runs=v("1.4.0"), begun=named("rollback-1.5.0-to-1.4.0"))
FURTHER = replace(PLAIN, runs=v("1.3.0"), holds={v("1.4.0"): replace(HOLD, version="1.4.0", to="1.3.0")})


@pytest.mark.parametrize(
    ("to", "known", "name"),
    [
        pytest.param("1.4.0", PLAIN, "rollback-1.5.0-to-1.4.0", id="to the version before"),
        pytest.param("1.3.0", PLAIN, "rollback-1.5.0-to-1.3.0", id="to an older one"),
        pytest.param(
            "1.4.0", HALF_WAY, "rollback-1.5.0-to-1.4.0", id="what runs, and a newer one is half way"
        ),
        pytest.param("1.3.0", HALF_WAY, "rollback-1.5.0-to-1.3.0", id="older than what runs"),
        pytest.param("1.4.0", BEGUN, "rollback-1.5.0-to-1.4.0", id="deployed, and not finished"),
        pytest.param("1.3.0", BEGUN, "rollback-1.4.0-to-1.3.0", id="and from there further back"),
        pytest.param("1.5.0", PLAIN, None, id="production runs it"),
        pytest.param("1.4.0", BACK, None, id="production runs it again"),
    ],
)
def test_the_way_back(to: str, known: Running, name: str | None) -> None:
    found = way_back(v(to), known)

    assert (str(found) if found else None) == name


REFUSED = {
    "unknown": ("1.4.7", PLAIN),
    "never released": ("1.2.0", PLAIN),
    "newer, never released": ("1.6.0", PLAIN),
    "newer, and half way": ("1.5.0", HALF_WAY),
    "newer": ("1.5.0", replace(PLAIN, runs=v("1.4.0"))),
    "withdrawn": ("1.5.0", BACK),
    "withdrawn, and older": ("1.4.0", replace(FURTHER, runs=v("1.5.0"))),
    "nothing older": ("1.4.7", replace(PLAIN, runs=v("1.3.0"), released=versions("1.3.0"))),
}


def test_every_refusal_says_what_to_do(golden: Golden) -> None:
    texts = []
    for name, (to, known) in REFUSED.items():
        with pytest.raises(NeedsHuman) as stopped:
            way_back(v(to), known)
        texts.append(f"# {name}\n{stopped.value}\n")
    with pytest.raises(NeedsHuman) as stopped:
        still_the_way(Named(v("1.4.0"), v("1.5.0")), replace(PLAIN, runs=v("1.5.1")))
    texts += [f"# overtaken\n{stopped.value}\n", f"# held\n{hold_problem(HOLD)}\n  {hold_remedy(HOLD)}\n"]

    golden.check("texts/rollback_refusals.txt", "\n".join(texts))


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        pytest.param("rollback-1.5.0-to-1.4.0", PLAIN, True, id="nothing happened yet"),
        pytest.param("rollback-1.5.0-to-1.4.0", HALF_WAY, True, id="the release stopped half way"),
        pytest.param("rollback-1.5.0-to-1.4.0", BEGUN, True, id="deployed, and not finished"),
        pytest.param("rollback-1.5.0-to-1.4.0", BACK, False, id="done"),
    ],
)
def test_a_run_that_was_suspended_goes_on_or_finds_it_done(name: str, known: Running, expected: bool) -> None:
    assert still_the_way(named(name), known) is expected


@pytest.mark.parametrize(
    ("name", "published", "tagged", "expected"),
    [
        pytest.param("rollback-1.5.0-to-1.4.0", "1.3.0 1.4.0 1.5.0", "", "1.5.0", id="to the one before"),
        pytest.param("rollback-1.5.0-to-1.3.0", "1.3.0 1.4.0 1.5.0", "", "1.4.0 1.5.0", id="further"),
        pytest.param("rollback-1.5.0-to-1.4.0", "1.4.0", "1.4.0 1.5.0", "1.5.0", id="never published"),
        pytest.param(
            "rollback-1.5.1-to-1.4.0",
            "1.4.0 1.5.1",
            "1.5.0 1.5.1",
            "1.5.0 1.5.1",
            id="overtaken, not published",
        ),
        pytest.param(
            "rollback-1.4.0-to-1.3.0", "1.3.0 1.4.0", "1.4.0 1.5.0", "1.4.0", id="not what is on its way"
        ),
    ],
)
def test_what_a_rollback_withdraws(name: str, published: str, tagged: str, expected: str) -> None:
    gone = withdrawn_by(named(name), map(v, published.split()), map(v, tagged.split()), [])

    assert " ".join(map(str, gone)) == expected


def test_what_another_rollback_withdrew_is_left_alone() -> None:
    other = replace(HOLD, version="1.5.0", to="1.4.0")
    published = [v("1.3.0"), v("1.4.0"), v("1.5.0")]

    assert withdrawn_by(named("rollback-1.4.0-to-1.3.0"), published, published, [other]) == (v("1.4.0"),)


def test_what_it_goes_back_to_was_withdrawn_meanwhile() -> None:
    known = replace(PLAIN, holds={v("1.4.0"): replace(HOLD, version="1.4.0", to="1.3.0")})

    with pytest.raises(NeedsHuman, match=r"1\.4\.0 was withdrawn"):
        still_the_way(named("rollback-1.5.0-to-1.4.0"), known)


@pytest.mark.parametrize(
    ("kinds", "phase"),
    [
        ([], Phase.PLANNED),
        (["asked"], Phase.PLANNED),
        (["asked", "shown"], Phase.PROPOSED),
        (["asked", "shown", "asked again"], Phase.PROPOSED),
        (["asked", "shown", "approved"], Phase.MERGED),
        (["asked", "shown", "approved", "deployed"], Phase.MERGED),
        (["asked", "shown", "approved", "deployed", "smoked"], Phase.DEPLOYED),
        (["asked", "shown", "approved", "deployed", "smoked", "rolled back"], Phase.PUBLISHED),
        (["asked", "shown", "rejected"], Phase.REJECTED),
        (["asked", "shown", "rejected", "asked"], Phase.PLANNED),
        (["asked", "shown", "approved", "smoked", "rolled back", "asked", "shown"], Phase.PROPOSED),
    ],
)
def test_how_far_it_has_come(kinds: list[str], phase: Phase) -> None:
    chain = Chain("acme/lakehouse", "rollback-1.5.0-to-1.4.0")
    for kind in kinds:
        chain = chain.with_entry(kind, {}, NOON)

    assert phase_of_rollback(chain) is phase
