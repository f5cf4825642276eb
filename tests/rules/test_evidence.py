"""The chain of evidence: what it says, and that no change of it stays unseen."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest
from golden_files import Golden
from hypothesis import given
from hypothesis import strategies as st

from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import Block, Chain, blocked, canonical

NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
EMPTY = Chain("acme/lakehouse", "1.4.0")
CHAIN = (
    EMPTY.with_entry("asked", {"requested_by": "rita", "reason": "weekly", "bump": "minor"}, NOON)
    .with_entry("shown", {"digest": "d" * 64, "number": 7, "plans": {".": {"plan": []}}}, NOON)
    .with_entry("approved", {"digest": "d" * 64, "reviews": [{"id": 1, "login": "ravi"}]}, NOON)
)


def test_what_is_written_is_read() -> None:
    assert Chain.of_bytes(CHAIN.to_bytes()) == CHAIN
    assert Chain.of_bytes(EMPTY.to_bytes()) == EMPTY


def test_the_hash_is_that_of_the_canonical_entry_without_it() -> None:
    first = json.loads(CHAIN.to_bytes())["entries"][0]
    said = first.pop("hash")
    text = json.dumps(first, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert said == hashlib.sha256(text.encode()).hexdigest()
    assert first["at"] == "2026-11-24T12:00:00Z"


def test_the_first_entry_holds_the_head() -> None:
    """The evidence of one release is not the evidence of another one, whatever its head is made to say."""
    head = b'{"form":1,"repository":"acme/lakehouse","version":"1.4.0"}'

    assert CHAIN.entries[0].previous == hashlib.sha256(head).hexdigest()


def test_time_is_told_in_utc_and_whole_seconds() -> None:
    berlin = timezone(timedelta(hours=1))
    chain = EMPTY.with_entry("asked", {}, datetime(2026, 11, 24, 13, 0, 0, 999, tzinfo=berlin))

    assert chain.entries[0].at == NOON
    with pytest.raises(ValueError, match="time zone"):
        EMPTY.with_entry("asked", {}, NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("kind", "equal", "number"),
    [
        ("shown", {}, 4),
        ("shown", {"digest": "a"}, 2),
        ("shown", {"digest": "a", "number": 7}, 2),
        ("shown", {"digest": "a", "number": 8}, None),
        ("shown", {"digest": "c"}, None),
        ("merged", {}, None),
    ],
)
def test_last(kind: str, equal: dict[str, object], number: int | None) -> None:
    chain = EMPTY
    for what, digest in [("shown", "b"), ("shown", "a"), ("approved", "a"), ("shown", "b")]:
        chain = chain.with_entry(what, {"digest": digest, "number": 7}, NOON)

    assert chain.last(kind, **equal) == (chain.entries[number - 1] if number else None)


@pytest.mark.parametrize(
    ("noted", "kind", "facts", "expected"),
    [
        ([], "asked", {"by": "rita"}, False),
        ([("asked", {"by": "rita"})], "asked", {"by": "rita"}, True),
        ([("asked", {"by": "rita", "n": (1, 2)})], "asked", {"n": [1, 2], "by": "rita"}, True),
        ([("asked", {"n": 1})], "asked", {"n": 1.0}, False),
        ([("asked", {"by": "rita"}), ("shown", {})], "asked", {"by": "rita"}, True),
        ([("shown", {"d": 1}), ("shown", {"d": 2})], "shown", {"d": 1}, False),
        ([("shown", {"d": 1, "files": {"plan.md": "0"}})], "shown", {"d": 1}, True),
        ([("blocked", {"by": "a"})], "blocked", {"by": "a"}, True),
        ([("blocked", {"by": "a"}), ("unblocked", {"by": "a"})], "blocked", {"by": "a"}, False),
        ([("unblocked", {"by": "a"}), ("blocked", {"by": "a"})], "unblocked", {"by": "a"}, False),
    ],
)
def test_what_the_chain_says_already(
    noted: list[tuple[str, dict[str, Any]]], kind: str, facts: dict[str, Any], *, expected: bool
) -> None:
    chain = EMPTY
    for what, known in noted:
        chain = chain.with_entry(what, known, NOON)

    assert chain.says(kind, facts) is expected


def test_what_continues_what() -> None:
    shorter = Chain(CHAIN.repository, CHAIN.version, CHAIN.entries[:2])
    other = EMPTY.with_entry("asked", {"requested_by": "rosa"}, NOON)

    assert CHAIN.continues(CHAIN)
    assert CHAIN.continues(shorter)
    assert CHAIN.continues(EMPTY)
    assert not shorter.continues(CHAIN)
    assert not CHAIN.continues(other)
    assert not CHAIN.continues(Chain("acme/lakehouse", "1.4.1"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], None),
        (["blocked"], 0),
        (["blocked", "unblocked"], None),
        (["blocked", "unblocked", "blocked"], 2),
        (["blocked", "blocked"], 1),
        (["unblocked"], None),
    ],
)
def test_the_last_word_about_a_block_decides(said: list[str], expected: int | None) -> None:
    chain = EMPTY
    for number, kind in enumerate(said):
        chain = chain.with_entry(kind, {"by": "rita", "reason": str(number)}, NOON)
        chain = chain.with_entry("shown", {}, NOON)

    assert blocked(chain) == (None if expected is None else Block("rita", str(expected), NOON))


@pytest.mark.parametrize("fact", [float("nan"), float("inf"), {1, 2}, {"ab"}, object(), NOON, b"x"])
def test_a_fact_is_what_json_can_say(fact: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        EMPTY.with_entry("asked", {"fact": fact}, NOON)


def test_a_mapping_is_a_fact() -> None:
    assert canonical({"a": MappingProxyType({"b": (1,)})}) == b'{"a":{"b":[1]}}'


def _whole() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(CHAIN.to_bytes())
    return whole


def _changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    whole = _whole()
    change(whole)
    return canonical(whole)


def _in_entry(number: int, **values: object) -> bytes:
    return _changed(lambda whole: whole["entries"][number - 1].update(values))


def _rewritten(number: int, facts: dict[str, Any]) -> bytes:
    """An entry with other facts and a hash that fits them: the next one gives it away."""
    chain = Chain(CHAIN.repository, CHAIN.version, CHAIN.entries[: number - 1])
    entry = CHAIN.entries[number - 1]
    new = chain.with_entry(entry.kind, facts, entry.at).entries[-1].as_json
    return _changed(lambda whole: whole["entries"].__setitem__(number - 1, new))


BROKEN = {
    "not JSON": b"{",
    "not text": b"\xff\xff",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "a number that is none": CHAIN.to_bytes().replace(b'"number":7', b'"number":1e999'),
    "a key more": _changed(lambda whole: whole.update(signed="yes")),
    "entries are no list": _changed(lambda whole: whole.update(entries={})),
    "version is no text": _changed(lambda whole: whole.update(version=14)),
    "another form": _changed(lambda whole: whole.update(form=2)),
    "form is true": _changed(lambda whole: whole.update(form=True)),
    "another repository": _changed(lambda whole: whole.update(repository="acme/other")),
    "another version": _changed(lambda whole: whole.update(version="1.4.1")),
    "other facts": _in_entry(2, facts={"digest": "e" * 64}),
    "other facts, hash made anew": _rewritten(2, {"digest": "e" * 64}),
    "another time": _in_entry(3, at="2026-11-24T12:00:01Z"),
    "no time": _in_entry(3, at="2026-02-30T12:00:00Z"),
    "a time zone": _in_entry(3, at="2026-11-24T12:00:00+00:00"),
    "another kind": _in_entry(1, kind="rejected"),
    "facts are a list": _in_entry(1, facts=[]),
    "a hash": _in_entry(2, hash="0" * 64),
    "a key in an entry": _in_entry(2, signed="yes"),
    "an entry is a text": _changed(lambda whole: whole["entries"].__setitem__(1, "asked")),
    "an entry taken out": _changed(lambda whole: whole["entries"].pop(1)),
    "the first taken out": _changed(lambda whole: whole["entries"].pop(0)),
    "two swapped": _changed(lambda whole: whole["entries"].reverse()),
    "one twice": _changed(lambda whole: whole["entries"].append(whole["entries"][-1])),
    "a line end": CHAIN.to_bytes() + b"\n",
    "indented": json.dumps(json.loads(CHAIN.to_bytes()), indent=2, sort_keys=True).encode(),
    "a key twice": CHAIN.to_bytes().replace(b'"form":1', b'"form":9,"form":1'),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_chain_is_refused(data: bytes) -> None:
    with pytest.raises(NeedsHuman):
        Chain.of_bytes(data)


def test_the_refusal_names_the_first_entry_that_does_not_fit(golden: Golden) -> None:
    lines = []
    for name, data in BROKEN.items():
        with pytest.raises(NeedsHuman) as refused:
            Chain.of_bytes(data)
        lines.append(f"{name}: {refused.value.problem}")

    golden.check("evidence/broken.txt", "\n".join(lines) + "\n")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FACTS = st.dictionaries(st.text(max_size=8), JSON, max_size=4)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NOTED = st.lists(st.tuples(st.text(min_size=1, max_size=8), FACTS, MOMENTS), min_size=1, max_size=4)


def _noted(entries: list[tuple[str, dict[str, Any], datetime]]) -> Chain:
    chain = EMPTY
    for kind, facts, at in entries:
        chain = chain.with_entry(kind, facts, at)
    return chain


@given(NOTED)
def test_every_chain_is_read_as_it_was_written(entries: list[tuple[str, dict[str, Any], datetime]]) -> None:
    chain = _noted(entries)

    assert Chain.of_bytes(chain.to_bytes()).to_bytes() == chain.to_bytes()


@given(NOTED, st.data())
def test_a_change_of_any_byte_is_seen(
    entries: list[tuple[str, dict[str, Any], datetime]], data: st.DataObject
) -> None:
    """Replaced, taken out or put in: whatever no longer reads as the same chain is refused."""
    chain = _noted(entries)
    written = chain.to_bytes()
    at = data.draw(st.integers(0, len(written)))
    byte = data.draw(st.binary(max_size=1))
    rest = data.draw(st.sampled_from([at, at + 1]))
    changed = written[:at] + byte + written[rest:]

    if changed == written:
        return
    with pytest.raises(NeedsHuman):
        Chain.of_bytes(changed)


BACK = Chain("acme/lakehouse", "rollback-1.4.0-to-1.3.0").with_entry("asked", {"by": "rita"}, NOON)


@pytest.mark.parametrize("end", ["rolled back", "rejected"])
def test_another_rollback_of_the_same_name_says_everything_anew(end: str) -> None:
    ended = BACK.with_entry(end, {"reason": "x"}, NOON)
    again = ended.with_entry("asked", {"by": "rita"}, NOON)

    assert BACK.now == BACK
    assert ended.says(end, {"reason": "x"}), "the end itself is said once"
    assert not ended.says("asked", {"by": "rita"})
    assert not ended.says(end, {"reason": "y"})
    assert not again.says(end, {"reason": "x"})
    assert [entry.kind for entry in again.now.entries] == ["asked"]


def test_a_withdrawn_version_says_anew_what_brings_it_back() -> None:
    withdrawn = CHAIN.with_entry("withdrawn", {"to": "1.3.0"}, NOON)
    lifted = withdrawn.with_entry("back-merged", {}, NOON).with_entry("hold lifted", {"by": "rosa"}, NOON)

    assert withdrawn.says("withdrawn", {"to": "1.3.0"})
    assert not withdrawn.says("approved", CHAIN.entries[-1].facts)
    assert lifted.says("hold lifted", {"by": "rosa"})
    assert not lifted.says("withdrawn", {"to": "1.3.0"})
    assert lifted.says("back-merged", {})
    assert CHAIN.with_entry("rejected", {}, NOON).says("asked", CHAIN.entries[0].facts), "no rollback"
