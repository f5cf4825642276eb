"""What happened to a release, kept on GitHub: a git ref per version that is only added to.

Each entry is a commit on `refs/dabflow/evidence/<version>`. Its tree holds the whole chain so far in
`evidence.json`, and the files that were kept with the entries. It needs no Prefect, belongs to no branch, and is
read with git alone:

    git fetch origin refs/dabflow/evidence/1.4.0 && git show FETCH_HEAD:evidence.json

These are plain functions: whatever step notes something calls them, in its own retry.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.rules.evidence import FILES, Chain, canonical
from tasks.rules.versions import Version
from tasks.systems import connections
from tasks.systems.git_ledger import Ledger, NotTaken
from tasks.systems.git_repo import Mirror
from tasks.systems.scrub import Scrubber

log = logging.getLogger(__name__)

FILE = "evidence.json"
_TRIES = 4


def chain_of(repository: str, version: Version) -> Chain:
    """Everything noted about a release by now; an empty chain where nothing is.

    Raises:
        TryAgain: GitHub did not answer.
        NeedsHuman: what is kept there is no chain, or a broken one, or that of another release.
    """
    return chain_in(Mirror(repository).fetch(), version)


def chain_in(mirror: Mirror, version: Version) -> Chain:
    """The same, as of the mirror's last fetch."""
    ledger = ledger_of(mirror, version)
    return chain_at(ledger, ledger.head, version)


def chain_at(ledger: Ledger, commit: str | None, version: Version) -> Chain:
    """The chain as it was at one commit of its ref; empty where there is none (None)."""
    if commit is None:
        return Chain(ledger.mirror.repository, str(version))
    data = ledger.mirror.read_bytes(commit, FILE)
    if data is None:
        raise _foreign(ledger, commit, f"it has no {FILE}")
    chain = Chain.of_bytes(data)
    if (chain.repository, chain.version) != (ledger.mirror.repository, str(version)):
        raise _foreign(ledger, commit, f"it is about {chain.title}")
    return chain


def attachment_name(version: Version) -> str:
    """What the evidence is called among the files of the GitHub release."""
    return f"evidence-{version}.json"


def ledger_of(mirror: Mirror, version: Version) -> Ledger:
    return Ledger(mirror, f"refs/dabflow/evidence/{version}")


def note(
    repository: str,
    version: Version,
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
    kept = {name: _scrubbed(scrubber, content) for name, content in (files or {}).items()}
    stopped: ReleaseError | None = None
    for tries_left in reversed(range(_TRIES + 1)):
        ledger = ledger_of(Mirror(repository).fetch(), version)
        head = ledger.head
        chain = chain_at(ledger, head, version)
        if chain.says(kind, plain):
            return chain
        if tries_left:
            stopped = _try_to_append(ledger, head, chain, (kind, plain), kept)
    raise stopped or TryAgain(
        f"GitHub does not show yet that {version} is {kind}", "nothing now: it is looked at again"
    )


def page_url(repository: str, version: Version, name: str) -> str:
    """The page on GitHub that shows a kept file as it was noted last; "" where there is no such file."""
    ledger = ledger_of(Mirror(repository).fetch(), version)
    commit = ledger.kept_at(name)
    return f"{connections.github_url()}/{repository}/blob/{commit}/{name}" if commit else ""


def _try_to_append(
    ledger: Ledger, head: str | None, chain: Chain, said: tuple[str, dict[str, Any]], files: dict[str, bytes]
) -> ReleaseError | None:
    """Push one entry more; the error where the answer was lost or somebody else was quicker: a look decides."""
    kind, facts = said
    if files:
        facts = {**facts, FILES: {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}
    longer = chain.with_entry(kind, facts, datetime.now(UTC))
    whole = {**files, FILE: longer.to_bytes()}
    message = f"evidence: {chain.version} {kind}"
    try:
        ledger.append(whole, after=head, at=longer.entries[-1].at, message=message)
    except (TryAgain, NotTaken) as error:
        log.info("%s", error.problem)
        return error
    log.info("noted: %s %s", chain.version, kind)
    return None


def _scrubbed(scrubber: Scrubber, content: bytes) -> bytes:
    return scrubber.text(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _foreign(ledger: Ledger, commit: str, why: str) -> NeedsHuman:
    return NeedsHuman(
        f"{ledger.name} at {commit[:12]} does not hold the evidence of this release: {why}",
        "find out who pushed it; dabflow writes over nothing. Move the ref away, then retry",
    )
