"""Whether a chain of evidence fits what git and GitHub say: the first thing that does not, as a sentence.

Commits of candidates that never were approved may be gone (their branch was written anew); those of what was
approved and shipped must be there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.rules.digests import short
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import ROLLED_BACK, Chain, Entry, blocked
from tasks.rules.release import PRODUCTION, STAGING
from tasks.rules.reviews import Review

_NOT_APPROVING = {"DISMISSED": "is dismissed now", "CHANGES_REQUESTED": "asks for changes now"}
_SHIPPED = frozenset({"approved", "merged", "tagged", "deployed"})


@dataclass(frozen=True)
class Pull:
    """A pull request: who merged it as which commit ("" for both where it is not merged), its reviews, its last commit."""

    merged_by: str = ""
    merge_commit: str = ""
    reviews: Sequence[Review] = ()
    head: str = ""


@dataclass(frozen=True)
class Seen:
    """What git and GitHub say about everything that a chain names.

    Args:
        trees: the tree of each commit that there is.
        tags: the commit of each tag.
        pulls: the pull requests by number.
        deployments: environment and commit -> the numbers of GitHub's records.
        published: whether the GitHub release is published.
        attached: the evidence that is attached to it, None where there is none.
    """

    trees: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[int, Pull] = field(default_factory=dict)
    deployments: Mapping[tuple[str, str], Sequence[int]] = field(default_factory=dict)
    published: bool = False
    attached: bytes | None = None


@dataclass(frozen=True)
class _Place:
    """One entry, what was noted before it, and what is seen."""

    entry: Entry
    before: Chain
    whole: Chain
    seen: Seen

    @property
    def commit(self) -> str:
        return str(self.entry.facts.get("commit", ""))

    def says(self, name: str) -> str:
        return str(self.entry.facts.get(name, ""))


def misfit(chain: Chain, seen: Seen) -> str:
    """The first thing that does not fit, "" where everything does; entries in their order, then the attachment."""
    for number, entry in enumerate(chain.entries, 1):
        before = Chain(chain.repository, chain.version, chain.entries[: number - 1])
        place = _Place(entry, before, chain, seen)
        problem = next(_CHECKS[entry.kind](place), "") if entry.kind in _CHECKS else ""
        if problem:
            return f"entry {number} ({entry.kind}): {problem}"
    return _attachment(chain, seen)


def named_pulls(chain: Chain) -> list[int]:
    """The numbers of the pull requests that a chain names."""
    return sorted({_number(e) for e in chain.entries} - {0})


def named_commits(chain: Chain) -> list[str]:
    found = {str(e.facts["commit"]) for e in chain.entries if e.facts.get("commit")}
    found |= {commit for entry in chain.entries for commit in _left(entry).values()}
    return sorted(found | {str(_subject(e).get("commit", "")) for e in chain.entries} - {""})


def named_deployments(chain: Chain) -> list[tuple[str, str]]:
    """Environment and commit of everything that was deployed."""
    environments = {"rehearsed": STAGING, "deployed": PRODUCTION}
    pairs = {
        (environments[e.kind], str(e.facts.get("commit"))) for e in chain.entries if e.kind in environments
    }
    return sorted(pairs)


def _left(entry: Entry) -> Mapping[str, str]:
    """The commits at which bundles were left, because nothing of them changed, by their folders."""
    left = entry.facts.get("unchanged")
    return {str(folder): str(commit) for folder, commit in left.items()} if isinstance(left, dict) else {}


def _number(entry: Entry) -> int:
    """The number of the pull request, 0 where none is named."""
    number = entry.facts.get("number")
    return number if isinstance(number, int) else 0


def _subject(entry: Entry) -> Mapping[str, Any]:
    subject = entry.facts.get("subject")
    return subject if isinstance(subject, dict) else {}


def _tree(place: _Place, commit: str, tree: str) -> Iterator[str]:
    """Complain where the commit has another tree, or is gone although it was shipped."""
    found = place.seen.trees.get(commit)
    needed = {str(e.facts.get("commit")) for e in place.whole.entries if e.kind in _SHIPPED}
    if found is None and commit in needed:
        yield f"the repository has no commit {short(commit)}"
    if found is not None and tree and found != tree:
        yield f"{short(commit)} holds the tree {short(found)}, not {short(tree)}"


def _checked(place: _Place) -> Iterator[str]:
    yield from _tree(place, place.commit, place.says("tree"))


def _shown(place: _Place) -> Iterator[str]:
    subject = _subject(place.entry)
    yield from _tree(place, str(subject.get("commit", "")), str(subject.get("tree", "")))
    number = _number(place.entry)
    if number and number not in place.seen.pulls:
        yield f"there is no pull request #{number}"


def _rehearsed(place: _Place) -> Iterator[str]:
    yield from _tree(place, place.commit, "")
    records = place.seen.deployments.get((STAGING, place.commit), ())
    wanted = place.entry.facts.get("deployment")
    if not records or (wanted is not None and wanted not in records):
        which = f" {wanted}" if wanted is not None else ""
        yield f"GitHub has no deployment{which} of {short(place.commit)} to {STAGING}"


def _approved(place: _Place) -> Iterator[str]:
    digest, policy, facts = place.says("digest"), place.says("policy"), place.entry.facts
    shown = place.before.last("shown", digest=digest)
    if shown is None:
        yield f"nobody was shown a plan {short(digest)} before"
        return
    if (about := _subject(shown).get("commit", place.commit)) != place.commit:
        yield f"the plan {short(digest)} is about {short(str(about))}, not {short(place.commit)}"
    yield from _tree(place, place.commit, "")
    if block := blocked(place.before):
        yield f"it was blocked by {block.by}: {block.reason}"
    reviews, form = _list(facts.get("reviews")), _list(facts.get("form"))
    pull = place.seen.pulls.get(_number(shown), Pull())
    if policy in {"github", "both"} and not reviews:
        yield "it names no review"
    if policy in {"prefect", "both"} and not any(f.get("decision") == "approve" for f in form):
        yield "nobody approved it in the form"
    yield from _reviews(place, reviews, pull)
    for override in _list(facts.get("overrides")):
        yield from _override(override, pull)


def _list(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _reviews(place: _Place, reviews: Sequence[Mapping[str, Any]], pull: Pull) -> Iterator[str]:
    # The reviews of a rollback are of the commit that the withdrawn version's pull request holds.
    reviewed = place.says("reviewed") or place.commit
    if reviewed not in {place.commit, pull.head}:
        yield f"{short(reviewed)}, which was reviewed, is not what the pull request holds"
    for noted in reviews:
        yield from _review(place, noted, pull, reviewed)


def _review(place: _Place, noted: Mapping[str, Any], pull: Pull, reviewed: str) -> Iterator[str]:
    login, number = str(noted.get("login", "")), noted.get("id")
    yield from _independent(place, login)
    if not number:
        if pull.merged_by.lower() != login.lower():
            yield f"{login} approved by merging, but {pull.merged_by or 'nobody'} merged it"
        return
    found = next((r for r in pull.reviews if r.id == number), None)
    if found is None:
        yield f"the pull request has no review {number} (of {login})"
        return
    yield from _authored(found, login)
    if found.state != "APPROVED":
        yield f"review {number} of {login} {_NOT_APPROVING.get(found.state, 'does not approve')}"
    if found.commit != reviewed:
        yield f"review {number} of {login} is about {short(found.commit)}, not {short(reviewed)}"
    if noted.get("at") is not None and _moment(noted["at"]) != found.at:
        yield f"review {number} of {login} was sent at {found.at:%Y-%m-%dT%H:%M:%SZ}, not {noted['at']}"


def _independent(place: _Place, login: str) -> Iterator[str]:
    """Complain where the approver asked for the release, or nobody knows who did."""
    now, before = place.before.now.entries, place.before.entries
    asked = [e for e in now if e.kind == "asked"] or [e for e in before if e.kind == "asked"]
    if not asked:
        yield "nobody is noted as having asked for the release"
    if login.lower() in {str(e.facts.get("requested_by", "")).lower() for e in asked}:
        yield f"{login} asked for this release, and approved it"


def _override(noted: Mapping[str, Any], pull: Pull) -> Iterator[str]:
    number, login = noted.get("review_id"), str(noted.get("login", ""))
    if number is None:
        return
    found = next((r for r in pull.reviews if r.id == number), None)
    if found is None:
        yield f"the pull request has no review {number} (the override of {login})"
        return
    yield from _authored(found, login)
    if found.state == "DISMISSED":
        yield f"review {number} (the override of {login}) is dismissed now"


def _authored(found: Review, login: str) -> Iterator[str]:
    if found.login.lower() != login.lower():
        yield f"review {found.id} is by {found.login or 'an account that is gone'}, not by {login}"


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _merged(place: _Place) -> Iterator[str]:
    yield from _tree(place, place.commit, place.says("tree"))
    number = _number(place.entry)
    pull = place.seen.pulls.get(number)
    if pull is None:
        yield f"there is no pull request #{number}"
    elif pull.merge_commit != place.commit:
        how = f"was merged as {short(pull.merge_commit)}, not" if pull.merge_commit else "is not merged"
        yield f"#{number} {how} as {short(place.commit)}"
    approved = place.before.last("approved")
    if approved is None:
        yield "nothing was approved before"
    else:
        rehearsed = place.seen.trees.get(str(approved.facts.get("commit", "")), "")
        yield from _tree(place, place.commit, rehearsed)


def _tagged(place: _Place) -> Iterator[str]:
    tag, merged = place.says("tag"), place.before.last("merged")
    found = place.seen.tags.get(tag)
    if found != place.commit:
        where = f"is on {short(found)}, not on {short(place.commit)}" if found else "does not exist"
        yield f"the tag {tag} {where}"
    if merged is None or merged.facts.get("commit") != place.commit:
        yield f"the tag is not on what was merged ({short(place.commit)})"


def _deployed(place: _Place) -> Iterator[str]:
    # A rollback deploys what was tagged long ago, as its start has noted it.
    digest, tagged = place.says("digest"), place.before.last("tagged") or place.before.last("asked")
    if place.before.last("approved", digest=digest) is None:
        yield f"nobody approved the plan {short(digest)} before"
    if tagged is None or tagged.facts.get("commit") != place.commit:
        yield f"{short(place.commit)} is not what was tagged"
    if not place.seen.deployments.get((PRODUCTION, place.commit)):
        yield f"GitHub has no deployment of {short(place.commit)} to {PRODUCTION}"
    for folder, commit in _left(place.entry).items():
        if commit not in place.seen.trees:
            yield f"the repository has no commit {short(commit)}, at which {folder} was left"


def _asked(place: _Place) -> Iterator[str]:
    """Complain where the tag that a rollback goes back to is on another commit."""
    tag = place.says("tag")
    if tag and place.seen.tags.get(tag) != place.commit:
        yield f"the tag {tag} is not on {short(place.commit)}"


def _rolled_back(place: _Place) -> Iterator[str]:
    smoked = place.before.now.last("smoked", commit=place.commit)
    if smoked is None:
        yield f"{short(place.commit)} was not deployed and tested before"


def _published(place: _Place) -> Iterator[str]:
    if not place.seen.published:
        yield f"GitHub has no published release {place.whole.version}"


_CHECKS: Mapping[str, Callable[[_Place], Iterator[str]]] = {
    "asked": _asked,
    "checked": _checked,
    "rehearsed": _rehearsed,
    "shown": _shown,
    "approved": _approved,
    "merged": _merged,
    "tagged": _tagged,
    "deployed": _deployed,
    "published": _published,
    ROLLED_BACK: _rolled_back,
}


def _attachment(chain: Chain, seen: Seen) -> str:
    """Why what is attached to the published release is not how the chain began."""
    if not seen.published:
        return ""
    if seen.attached is None:
        return "the published release has no evidence attached"
    try:
        attached = Chain.of_bytes(seen.attached)
    except NeedsHuman as error:
        return f"what is attached to the published release: {error.problem}"
    if not chain.continues(attached):
        return f"what is attached to the published release ({len(attached.entries)} entries) is not how this chain began"
    return ""
