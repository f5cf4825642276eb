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
    "left a bundle at a commit that is gone": noted(DEPLOYED, unchanged={"reports": OLD}),
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


LATER, OLD_TAG, BACK_TREE = "3" * 40, "4" * 40, "c" * 40
BACK = Chain("acme/lakehouse", "rollback-1.4.0-to-1.3.0")


def rolled_back(**changes: dict[str, Any]) -> Chain:
    """What is noted about a rollback whose reviews are of the last commit of 1.4.0's pull request."""
    subject = {"commit": OLD_TAG, "tree": BACK_TREE, "target": "prod"}
    review = {"id": 21, "login": "rosa", "at": "2026-11-24T12:00:00Z"}
    noted: Noted = [
        ("asked", {"requested_by": "rita", "kind": "rollback", "tag": "1.3.0", "commit": OLD_TAG}),
        ("shown", {"digest": DIGEST, "subject": subject, "plans": {}, "number": 7}),
        (
            "approved",
            {"digest": DIGEST, "commit": OLD_TAG, "reviewed": HEAD, "policy": "github", "reviews": [review]},
        ),
        ("deployed", {"target": "prod", "commit": OLD_TAG, "digest": DIGEST}),
        ("smoked", {"target": "prod", "commit": OLD_TAG}),
        ("rolled back", {"tag": "1.3.0", "commit": OLD_TAG, "withdrawn": ["1.4.0"]}),
    ]
    chain = BACK
    for kind, facts in noted:
        chain = chain.with_entry(kind, {**facts, **changes.get(kind.replace(" ", "_"), {})}, NOON)
    return chain


SEEN_BACK = Seen(
    trees={OLD_TAG: BACK_TREE},
    tags={"1.3.0": OLD_TAG, "1.4.0": MERGE},
    pulls={7: Pull("dabflow-bot", MERGE, (replace(RAVI, id=21, login="rosa"),), HEAD)},
    deployments={("production", OLD_TAG): (2, 8)},
)


def test_a_rollback_as_it_should_be() -> None:
    assert misfit(rolled_back(), SEEN_BACK) == ""


def test_two_rollbacks_of_one_name() -> None:
    """Whoever asked for the first may approve the second, if somebody else asks for that."""
    form = {"form": [{"decision": "approve"}]}
    chain = rolled_back(asked={"requested_by": "rosa"}, approved={"policy": "prefect", "reviews": [], **form})
    for entry in rolled_back().entries:
        chain = chain.with_entry(entry.kind, entry.facts, entry.at)

    assert misfit(chain, SEEN_BACK) == ""


@pytest.mark.parametrize(
    ("changes", "seen", "says"),
    [
        (
            {},
            replace(SEEN_BACK, tags={"1.3.0": MERGE}),
            "entry 1 (asked): the tag 1.3.0 is not on 444444444444",
        ),
        (
            {"approved": {"reviewed": LATER}},
            SEEN_BACK,
            "entry 3 (approved): 333333333333, which was reviewed, is not what the pull request holds",
        ),
        (
            {"deployed": {"commit": MERGE}},
            SEEN_BACK,
            "entry 4 (deployed): 222222222222 is not what was tagged",
        ),
        (
            {"smoked": {"commit": MERGE}},
            SEEN_BACK,
            "entry 6 (rolled back): 444444444444 was not deployed and tested before",
        ),
        ({"asked": {"requested_by": "rosa"}}, SEEN_BACK, "entry 3 (approved): rosa asked for this release"),
    ],
)
def test_a_rollback_that_does_not_fit(changes: dict[str, dict[str, Any]], seen: Seen, says: str) -> None:
    assert misfit(rolled_back(**changes), seen).startswith(says)
