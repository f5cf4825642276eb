"""What happened to a release, kept on GitHub: a git ref per release that is only added to.

Each entry is a commit on `refs/dabflow/evidence/<name>`: the version, or what a rollback is called. Its tree holds
the whole chain so far in `evidence.json`, and the files that were kept with the entries. It needs no Prefect,
belongs to no branch, and is read with git alone:

    git fetch origin refs/dabflow/evidence/1.4.0 && git show FETCH_HEAD:evidence.json

These are plain functions: whatever step notes something calls them, in its own retry.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import FILES, Chain, canonical
from tasks.rules.versions import Version
from tasks.systems import connections
from tasks.systems.git_ledger import Addition, Ledger
from tasks.systems.git_repo import Mirror
from tasks.systems.scrub import Scrubber

FILE = "evidence.json"
EVIDENCE = "refs/dabflow/evidence/"


def chain_of(repository: str, name: Version | str) -> Chain:
    """Everything noted about a release by now; an empty chain where nothing is.

    Raises:
        TryAgain: GitHub did not answer.
        NeedsHuman: what is kept there is no chain, or a broken one, or that of another release.
    """
    return chain_in(Mirror(repository).fetch(), name)


def chain_in(mirror: Mirror, name: Version | str) -> Chain:
    """The same, as of the mirror's last fetch."""
    ledger = ledger_of(mirror, name)
    return chain_at(ledger, ledger.head, name)


def chain_at(ledger: Ledger, commit: str | None, name: Version | str) -> Chain:
    """The chain as it was at one commit of its ref; empty where there is none (None)."""
    if commit is None:
        return Chain(ledger.mirror.repository, str(name))
    data = ledger.mirror.read_bytes(commit, FILE)
    if data is None:
        raise _foreign(ledger, commit, f"it has no {FILE}")
    chain = _read(data)
    if (chain.repository, chain.version) != (ledger.mirror.repository, str(name)):
        raise _foreign(ledger, commit, f"it is about {chain.title}")
    return chain


@lru_cache(maxsize=64)  # each step reads the same few, and checks every hash in them
def _read(data: bytes) -> Chain:
    return Chain.of_bytes(data)


def attachment_name(name: Version | str) -> str:
    """What the evidence is called among the files of the GitHub release."""
    return f"evidence-{name}.json"


def ledger_of(mirror: Mirror, name: Version | str) -> Ledger:
    return Ledger(mirror, f"{EVIDENCE}{name}")


def note(
    repository: str,
    name: Version | str,
    kind: str,
    facts: Mapping[str, Any],
    *,
    files: Mapping[str, bytes] | None = None,
) -> Chain:
    """The chain says this, as its newest entry of that kind; returns the chain.

    What it says already is not written twice. Secrets are masked, as everywhere. With `files`, their contents
    are kept beside the chain, and their SHA-256 in the entry.

    Raises:
        TryAgain: GitHub did not answer, or others write all the time.
        NeedsHuman: our token may not write, a rule forbids it, or what is kept there is not this release's chain.
    """
    scrubber = Scrubber(connections.known_secrets())
    plain = cast("dict[str, Any]", scrubber.value(json.loads(canonical(facts))))
    kept = {file: _scrubbed(scrubber, content) for file, content in (files or {}).items()}
    ledger = ledger_of(Mirror(repository), name)

    def added_to(head: str | None) -> tuple[Chain, Addition | None]:
        chain = chain_at(ledger, head, name)
        return (chain, None) if chain.says(kind, plain) else _longer(chain, kind, plain, kept)

    return ledger.ensure(added_to)


def page_url(repository: str, name: Version | str, file: str) -> str:
    """The page on GitHub that shows a kept file as it was noted last; "" where the mirror has no such file."""
    ledger = ledger_of(Mirror(repository), name)
    commit = ledger.kept_at(file)
    return f"{connections.github_url(repository)}/{repository}/blob/{commit}/{file}" if commit else ""


def _longer(
    chain: Chain, kind: str, facts: dict[str, Any], files: Mapping[str, bytes]
) -> tuple[Chain, Addition]:
    """The chain with one entry more, and what it adds to the ref."""
    if files:
        facts = {**facts, FILES: {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}
    longer = chain.with_entry(kind, facts, datetime.now(UTC))
    whole = {**files, FILE: longer.to_bytes()}
    return longer, Addition(whole, longer.entries[-1].at, f"evidence: {chain.version} {kind}")


def _scrubbed(scrubber: Scrubber, content: bytes) -> bytes:
    return scrubber.text(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _foreign(ledger: Ledger, commit: str, why: str) -> NeedsHuman:
    return NeedsHuman(
        f"{ledger.name} at {commit[:12]} does not hold the evidence of this release: {why}",
        "find out who pushed it; dabflow writes over nothing. Move the ref away, then retry",
    )
