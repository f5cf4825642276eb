"""A chain as people read it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from golden_files import Golden

from tasks.rules.evidence import Chain
from tasks.rules.evidence_text import block_comment, entry_lines, words_of

NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
HEAD, MERGE, TREE, DIGEST = "1" * 40, "2" * 40, "a" * 40, "d" * 64

NOTED: list[tuple[str, dict[str, Any]]] = [
    ("asked", {"requested_by": "rita", "reason": "weekly", "bump": "minor"}),
    ("checked", {"commit": HEAD, "tree": TREE, "checks": {"unit": 12.25, "lint": 3.0}}),
    ("rehearsed", {"commit": HEAD, "target": "staging", "deployment": 5}),
    ("shown", {"digest": DIGEST, "subject": {"commit": HEAD}, "plans": {".": {}}, "number": 7}),
    ("blocked", {"by": "rosa", "reason": "an incident"}),
    ("unblocked", {"by": "rosa", "reason": "it is over"}),
    (
        "approved",
        {
            "digest": DIGEST,
            "commit": HEAD,
            "policy": "both",
            "reviews": [{"id": 11, "login": "ravi", "for": "data-platform"}, {"id": None, "login": "rosa"}],
            "form": [
                {"decision": "recheck"},
                {"decision": "approve", "reason": "go", "confirmed": ["jobs.a"]},
            ],
            "overrides": [{"what": "freeze", "login": "rosa", "reason": "a customer waits", "review_id": 12}],
        },
    ),
    ("asked again", {"digest": DIGEST, "differences": ["jobs.ingest: cron * -> 0"]}),
    ("merged", {"commit": MERGE, "tree": TREE, "number": 7}),
    ("tagged", {"tag": "1.4.0", "commit": MERGE}),
    (
        "deployed",
        {"target": "prod", "commit": MERGE, "digest": DIGEST, "plan_after": {}, "cli_version": "1.9"},
    ),
    ("smoked", {"target": "prod", "runs": [{"job": "ingest", "ok": True}]}),
    ("published", {"tag": "1.4.0", "files": {"x": "y"}}),
    ("withdrawn", {"to": "1.3.0", "by": "rita", "reason": "wrong figures", "rollback": "x"}),
    ("restored", {"rollback": "rollback-1.5.0-to-1.4.0"}),
    ("hold lifted", {"by": "rosa", "reason": "it was the network"}),
    ("rolled back", {"tag": "1.3.0", "commit": HEAD, "withdrawn": ["1.4.0", "1.5.0"], "by": "rita"}),
    ("rejected", {"reason": "not\nnow"}),
    ("expired", {}),
    ("some\nthing\x1b", {"text": "a\x1b[2Jb"}),
    ("something new", {"long": "x" * 300}),
]


def test_a_whole_release(golden: Golden) -> None:
    chain = Chain("acme/lakehouse", "1.4.0")
    for minutes, (kind, facts) in enumerate(NOTED):
        chain = chain.with_entry(kind, facts, NOON + timedelta(minutes=minutes))

    golden.check("evidence/entries.txt", "\n".join(entry_lines(chain)) + "\n")


def test_nothing_noted() -> None:
    assert entry_lines(Chain("acme/lakehouse", "1.4.0")) == []


@pytest.mark.parametrize("kind", [kind for kind, _ in NOTED])
@pytest.mark.parametrize(
    "facts", [{}, {"reviews": 1, "form": "x", "subject": [], "checks": None, "reason": 3}]
)
def test_facts_that_are_otherwise_are_told_all_the_same(kind: str, facts: dict[str, Any]) -> None:
    """Who tampers with evidence may write anything."""
    chain = Chain("acme/lakehouse", "1.4.0").with_entry(kind, facts, NOON)

    assert "\n" not in words_of(chain.entries[0])


def test_what_the_pull_request_says_about_a_block(golden: Golden) -> None:
    chain = Chain("acme/lakehouse", "1.4.0")
    for kind, reason in [("blocked", "an incident"), ("unblocked", "it is over")]:
        chain = chain.with_entry(kind, {"by": "rita", "reason": reason}, NOON)

    said = "\n".join(block_comment("1.4.0", entry) for entry in chain.entries)

    golden.check("evidence/block.md", said)


@pytest.mark.parametrize(("fix", "named"), [(7, "#7"), ("fix/x", "fix/x")])
def test_what_a_hotfix_was_asked_to_bring(fix: object, named: str) -> None:
    facts = {"kind": "hotfix", "fix": fix, "commits": [HEAD], "requested_by": "rita", "reason": "it is wrong"}

    entry = Chain("acme/lakehouse", "1.3.1").with_entry("asked", facts, NOON).entries[0]

    assert words_of(entry) == f"the hotfix of {named}, by rita: it is wrong"
