"""A chain of a whole release, and every way in which git or GitHub may say something else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from golden_files import Golden

from tasks.rules.evidence import Chain
from tasks.rules.evidence_check import Pull, Seen, misfit, named_commits, named_deployments, named_pulls
from tasks.rules.reviews import Review

NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
OLD, HEAD, MERGE = "0" * 40, "1" * 40, "2" * 40
TREE, OTHER = "a" * 40, "b" * 40
DIGEST = "d" * 64

Noted = list[tuple[str, dict[str, Any]]]


def whole() -> Noted:
    """What is noted about a release that replaced its first candidate, with an override of a freeze."""
    subject = {"commit": HEAD, "tree": TREE, "target": "prod"}
    review = {"id": 11, "login": "ravi", "at": "2026-11-24T12:00:00Z", "for": "data-platform"}
    form = {"decision": "approve", "reason": "go", "confirmed": []}
    override = {"what": "freeze", "login": "rosa", "reason": "a customer waits", "review_id": 12}
    return [
        ("asked", {"requested_by": "rita", "reason": "weekly", "bump": "minor"}),
        ("checked", {"commit": OLD, "tree": OTHER, "checks": {"unit": 1.5}}),
        ("checked", {"commit": HEAD, "tree": TREE, "checks": {"unit": 1.5}}),
        ("rehearsed", {"commit": HEAD, "target": "staging", "deployment": 5}),
        ("shown", {"digest": DIGEST, "subject": subject, "plans": {}, "number": 7}),
        (
            "approved",
            {
                "digest": DIGEST,
                "commit": HEAD,
                "policy": "both",
                "reviews": [review],
                "form": [form],
                "overrides": [override],
            },
        ),
        ("merged", {"commit": MERGE, "tree": TREE, "number": 7}),
        ("tagged", {"tag": "1.4.0", "commit": MERGE}),
        ("deployed", {"target": "prod", "commit": MERGE, "digest": DIGEST, "cli_version": "1.9.0"}),
        ("smoked", {"target": "prod", "runs": [{"job": "ingest", "result": "SUCCESS"}]}),
        ("published", {"tag": "1.4.0"}),
    ]


ASKED, CHECKED, REHEARSED, SHOWN, APPROVED, MERGED, TAGGED, DEPLOYED = 0, 2, 3, 4, 5, 6, 7, 8


def chain_of(noted: Noted) -> Chain:
    chain = Chain("acme/lakehouse", "1.4.0")
    for kind, facts in noted:
        chain = chain.with_entry(kind, facts, NOON)
    return chain


CHAIN = chain_of(whole())
RAVI = Review(11, "ravi", person=True, state="APPROVED", commit=HEAD, at=NOON)
ROSA = Review(12, "rosa", person=True, state="COMMENTED", commit=HEAD, at=NOON)
PULL = Pull("dabflow-bot", MERGE, (RAVI, ROSA))
ATTACHED = Chain(CHAIN.repository, CHAIN.version, CHAIN.entries[:-1])
SEEN = Seen(
    trees={HEAD: TREE, MERGE: TREE},  # the first candidate is gone: its branch was written anew
    tags={"1.4.0": MERGE},
    pulls={7: PULL},
    deployments={("staging", HEAD): (5,), ("production", MERGE): (6, 9)},
    published=True,
    attached=ATTACHED.to_bytes(),
)


def test_a_release_as_it_should_be() -> None:
    assert misfit(CHAIN, SEEN) == ""


@pytest.mark.parametrize("length", range(len(CHAIN.entries) - 1))
def test_a_release_that_is_under_way(length: int) -> None:
    so_far = Chain(CHAIN.repository, CHAIN.version, CHAIN.entries[:length])

    assert misfit(so_far, replace(SEEN, published=False, attached=None)) == ""


def test_what_a_chain_names() -> None:
    assert named_pulls(CHAIN) == [7]
    assert named_commits(CHAIN) == [OLD, HEAD, MERGE]
    assert named_deployments(CHAIN) == [("production", MERGE), ("staging", HEAD)]


def reviewed(**changes: object) -> Seen:
    """What ravi's review is on GitHub, otherwise than it was noted."""
    return replace(SEEN, pulls={7: replace(PULL, reviews=(replace(RAVI, **changes), ROSA))})  # type: ignore[arg-type]


def noted(index: int, **facts: object) -> Chain:
    """A chain, in itself unbroken, in which one entry was written otherwise."""
    entries = whole()
    entries[index][1].update(facts)
    return chain_of(entries)


def approved(changes: Mapping[str, object]) -> Chain:
    review = whole()[APPROVED][1]["reviews"][0]
    return noted(APPROVED, reviews=[{**review, **changes}])


def without(index: int) -> Chain:
    entries = whole()
    del entries[index]
    return chain_of(entries)


def with_block() -> Chain:
    entries = whole()
    entries.insert(APPROVED, ("blocked", {"by": "rosa", "reason": "an incident"}))
    return chain_of(entries)


# What is so, or what was written, otherwise.
SO: dict[str, Seen] = {
    "candidate has another tree": replace(SEEN, trees={HEAD: OTHER, MERGE: TREE}),
    "candidate is gone": replace(SEEN, trees={MERGE: TREE}),
    "merge commit is gone": replace(SEEN, trees={HEAD: TREE}),
    "merge commit has another tree": replace(SEEN, trees={HEAD: TREE, MERGE: OTHER}),
    "no rehearsal on record": replace(SEEN, deployments={("production", MERGE): (6,)}),
    "another rehearsal": replace(SEEN, deployments={**SEEN.deployments, ("staging", HEAD): (4,)}),
    "no deployment on record": replace(SEEN, deployments={("staging", HEAD): (5,)}),
    "no pull request": replace(SEEN, pulls={}),
    "no such review": replace(SEEN, pulls={7: replace(PULL, reviews=(ROSA,))}),
    "review of somebody else": reviewed(login="rosa"),
    "review of an account that is gone": reviewed(login=""),
    "review of another commit": reviewed(commit=OLD),
    "review dismissed": reviewed(state="DISMISSED"),
    "review asks for changes": reviewed(state="CHANGES_REQUESTED"),
    "review of another time": reviewed(at=NOON.replace(hour=13)),
    "override without its review": replace(SEEN, pulls={7: replace(PULL, reviews=(RAVI,))}),
    "override of somebody else": replace(
        SEEN, pulls={7: replace(PULL, reviews=(RAVI, replace(ROSA, login="oskar")))}
    ),
    "override dismissed": replace(
        SEEN, pulls={7: replace(PULL, reviews=(RAVI, replace(ROSA, state="DISMISSED")))}
    ),
    "not merged": replace(SEEN, pulls={7: replace(PULL, merge_commit="")}),
    "merged as another commit": replace(SEEN, pulls={7: replace(PULL, merge_commit=OLD)}),
    "no tag": replace(SEEN, tags={}),
    "tag moved": replace(SEEN, tags={"1.4.0": HEAD}),
    "not published": replace(SEEN, published=False),
    "nothing attached": replace(SEEN, attached=None),
    "attachment broken": replace(SEEN, attached=ATTACHED.to_bytes().replace(b"weekly", b"yearly")),
    "attachment longer": replace(SEEN, attached=CHAIN.with_entry("smoked", {}, NOON).to_bytes()),
    "attachment of another release": replace(SEEN, attached=Chain("acme/lakehouse", "1.3.0").to_bytes()),
}
WRITTEN: dict[str, Chain] = {
    "approved by the requester": approved({"login": "Rita"}),
    "merged by hand by somebody else": approved({"id": None}),
    "nobody asked": without(ASKED),
    "nothing was shown": without(SHOWN),
    "another digest was shown": noted(SHOWN, digest="e" * 64),
    "the plan of another commit was shown": noted(SHOWN, subject={"commit": MERGE, "tree": TREE}),
    "plan with another tree": noted(SHOWN, subject={"commit": HEAD, "tree": OTHER}),
    "another digest was approved": noted(APPROVED, digest="e" * 64),
    "another commit was approved": noted(APPROVED, commit=MERGE),
    "approved while blocked": with_block(),
    "no review": noted(APPROVED, reviews=[]),
    "reviews of no sense": noted(APPROVED, reviews={"id": [1]}),
    "nothing in the form": noted(APPROVED, form=[{"decision": "recheck"}]),
    "merged without approval": without(APPROVED),
    "merged with another pull request": noted(MERGED, number=8),
    "tag on something else": noted(TAGGED, commit=HEAD),
    "deployed what was not tagged": noted(DEPLOYED, commit=HEAD),
    "deployed another plan": noted(DEPLOYED, digest="e" * 64),
    "facts of no sense": noted(MERGED, number=[1], commit={"a": 1}),
}


def test_whatever_does_not_fit_is_named(golden: Golden) -> None:
    lines = [f"{name}: {misfit(CHAIN, seen)}" for name, seen in SO.items()]
    lines += ["", *(f"{name}: {misfit(chain, SEEN)}" for name, chain in WRITTEN.items())]

    golden.check("evidence/misfits.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", SO)
def test_what_is_otherwise_is_seen(name: str) -> None:
    assert misfit(CHAIN, SO[name])


@pytest.mark.parametrize("name", WRITTEN)
def test_what_was_written_otherwise_is_seen_although_the_chain_is_unbroken(name: str) -> None:
    assert Chain.of_bytes(WRITTEN[name].to_bytes()) == WRITTEN[name]
    assert misfit(WRITTEN[name], replace(SEEN, attached=WRITTEN[name].to_bytes()))


@pytest.mark.parametrize(
    ("policy", "reviews", "form"), [("github", True, False), ("prefect", False, True), ("both", True, True)]
)
def test_each_policy_needs_its_own(policy: str, *, reviews: bool, form: bool) -> None:
    facts = whole()[APPROVED][1]
    chain = noted(
        APPROVED,
        policy=policy,
        reviews=facts["reviews"] if reviews else [],
        form=facts["form"] if form else [],
    )

    assert misfit(chain, replace(SEEN, attached=chain.to_bytes())) == ""


def test_who_merged_by_hand_approved() -> None:
    chain = approved({"id": None, "at": None})
    seen = replace(SEEN, pulls={7: replace(PULL, merged_by="Ravi")}, attached=chain.to_bytes())

    assert misfit(chain, seen) == ""


def test_logins_know_no_capitals() -> None:
    assert misfit(CHAIN, reviewed(login="RAVI")) == ""
