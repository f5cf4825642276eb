"""Whether the evidence of a release fits: the chain itself, its history, and what git and GitHub say."""

import hashlib
from dataclasses import dataclass

from tasks.evidence import attachment_name, chain_at, ledger_of
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import FILES, Chain
from tasks.rules.evidence_check import Pull, Seen, misfit, named_commits, named_deployments, named_pulls
from tasks.rules.names import named
from tasks.rules.versions import Version
from tasks.standing import production_settings
from tasks.systems.git_answers import is_sha
from tasks.systems.git_ledger import Ledger
from tasks.systems.git_repo import Mirror
from tasks.systems.github_client import NOT_FOUND
from tasks.systems.github_repo import GitHubRepo, Refused


@dataclass(frozen=True)
class Verified:
    """A chain, whether its release is published, and the first thing that does not fit ("": everything does)."""

    chain: Chain
    published: bool
    problem: str


def verified(repository: str, name: Version | str) -> Verified:
    """Compare the evidence with everything it names, as that is now.

    Raises:
        TryAgain: GitHub did not answer.
        NeedsHuman: nothing is noted, or the chain is broken; the text names the first entry that does not fit.
    """
    mirror, hub = Mirror(repository).fetch(), GitHubRepo(repository)
    ledger = ledger_of(mirror, name)
    head = ledger.head
    if head is None:
        raise NeedsHuman(f"nothing is noted about {name}", "see which releases there are: dabflow status")
    chain = chain_at(ledger, head, name)
    seen = seen_of(mirror, hub, chain)
    return Verified(chain, seen.published, _history(ledger, head, chain) or misfit(chain, seen))


def seen_of(mirror: Mirror, hub: GitHubRepo, chain: Chain) -> Seen:
    """What git and GitHub say about everything that the chain names."""
    about = named(chain.version)
    # A rollback publishes nothing of its own.
    release = None if about.withdraws else hub.release(production_settings(mirror).tag(about.version))
    published = release is not None and not release.draft
    shipped = [(name, commit) for name, commit in named_deployments(chain) if is_sha(commit)]
    return Seen(
        trees={c: tree for c in named_commits(chain) if (tree := _tree(mirror, c)) is not None},
        tags=mirror.tags(),
        pulls={n: pull for n in named_pulls(chain) if (pull := _pull(hub, n)) is not None},
        deployments={(name, c): [d.id for d in hub.deployments(name, c)] for name, c in shipped},
        published=published,
        attached=hub.attachment(release, attachment_name(chain.version)) if release and published else None,
    )


def _tree(mirror: Mirror, commit: str) -> str | None:
    if not is_sha(commit):
        return None
    try:
        return mirror.tree(commit)
    except NeedsHuman:
        return None


def _pull(hub: GitHubRepo, number: int) -> Pull | None:
    try:
        found = hub.pull_request(number)
    except Refused as error:
        if error.status == NOT_FOUND:
            return None
        raise
    return Pull(found.merged_by or "", found.merge_commit or "", hub.reviews(number), found.head_sha)


def _history(ledger: Ledger, head: str, chain: Chain) -> str:
    """Why the commits of the ref are not the chain, entry by entry, with the files that belong to them."""
    for number, commit in enumerate(ledger.history(head), 1):
        earlier = chain_at(ledger, commit, chain.version)
        if len(earlier.entries) != number or not chain.continues(earlier):
            return f"commit {commit[:12]} of {ledger.name} does not hold the first {number} entries"
        for name, noted in _files(earlier).items():
            kept = ledger.mirror.read_bytes(commit, name)
            if kept is None or hashlib.sha256(kept).hexdigest() != noted:
                return f"entry {number} ({earlier.entries[-1].kind}): {name} is not the file that was noted"
    return ""


def _files(chain: Chain) -> dict[str, object]:
    """Name and SHA-256 of what was kept with the newest entry."""
    found = chain.entries[-1].facts.get(FILES)
    return found if isinstance(found, dict) else {}
